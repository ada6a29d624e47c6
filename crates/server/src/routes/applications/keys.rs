//! `/v1/applications/{id}/keys`

use axum::extract::State;
use claviger_api::applications as wire;
use claviger_api::list::List;
use claviger_authority::applications::credentials::keys::{self, New};
use claviger_authority::applications::credentials::{self, Kind, MintingId};
use claviger_authority::ids::{ApplicationId, ClientKeyId};
use http::StatusCode;

use super::secrets::tokens;
use super::{bind, reason, view};
use crate::edge::caller::permission::{ApplicationsRead, ApplicationsRevoke, ApplicationsUpdate};
use crate::edge::request::PageQuery;
use crate::edge::{Caller, Id, IdempotencyKey, Ids, Json, Query, Versioned};
use crate::routes::{Answer, Shared};

/// The public keys of an application, oldest first.
#[utoipa::path(get, path = "/v1/applications/{id}/keys", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<wire::ClientKey>)))]
pub async fn list(
    caller: Caller<ApplicationsRead>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
    Query(page): Query<PageQuery>,
) -> Answer<Json<List<wire::ClientKey>>> {
    let page = credentials::list(&app.authority, &caller, id, Kind::PublicKey, &page.paging()).await?;
    let now = caller.context.now;
    Ok(Json::answer(List::new(page.data.iter().map(|key_id| view::client_key(key_id, now)).collect(), page.next_cursor)))
}

/// Adds a public key, or the address of public keys, for private_key_jwt.
#[utoipa::path(post, path = "/v1/applications/{id}/keys", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::CreateClientKey, responses(
    (status = 201, body = wire::Created<wire::ClientKey>),
    (status = 200, description = "Made before with the same `Idempotency-Key`", body = wire::Created<wire::ClientKey>),
    (status = 409, description = "The key is in use already, the application revoked, or its organization not active", body = claviger_api::problem::Problem),
))]
pub async fn create(
    caller: Caller<ApplicationsUpdate>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
    key: IdempotencyKey,
    body: Json<wire::CreateClientKey>,
) -> Answer<Versioned<wire::Created<wire::ClientKey>>> {
    let idempotency = bind(&key, "client-keys.create", id, &body.raw)?;
    let wanted = body.value;
    let new = New { name: wanted.name, jwk: wanted.jwk, jwks_uri: wanted.jwks_uri, expires_at: wanted.expires_at };
    let made = keys::create(&app.authority, &caller, id, &new, idempotency.as_ref()).await?;
    Ok(view::created(made, view::client_key))
}

/// One public key.
#[utoipa::path(get, path = "/v1/applications/{id}/keys/{credential_id}", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("credential_id" = String, Path, example = "key_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::ClientKey)))]
pub async fn read(
    caller: Caller<ApplicationsRead>,
    State(app): Shared,
    Ids(id, key_id): Ids<ApplicationId, ClientKeyId>,
) -> Answer<Versioned<wire::ClientKey>> {
    let found = credentials::read(&app.authority, &caller, id, MintingId::Key(key_id)).await?;
    Ok(Versioned { status: StatusCode::OK, revision: found.revision, value: view::client_key(&found, caller.context.now) })
}

/// Ends a public key for good. Its tokens live until they expire, unless `tokens` is `die` or it was a compromise.
#[utoipa::path(post, path = "/v1/applications/{id}/keys/{credential_id}/revoke", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("credential_id" = String, Path, example = "key_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::RevokeCredential, responses((status = 200, body = wire::Changed<wire::ClientKey>)))]
pub async fn revoke(
    caller: Caller<ApplicationsRevoke>,
    State(app): Shared,
    Ids(id, key_id): Ids<ApplicationId, ClientKeyId>,
    body: Json<wire::RevokeCredential>,
) -> Answer<Versioned<wire::Changed<wire::ClientKey>>> {
    let ending = (reason(&body.value.reason)?, body.value.comment.as_deref(), tokens(body.value.tokens.as_deref())?);
    let revoked = credentials::revoke(&app.authority, &caller, id, MintingId::Key(key_id), ending).await?;
    Ok(view::changed_credential(&revoked, view::client_key))
}
