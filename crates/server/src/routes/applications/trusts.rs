//! `/v1/applications/{id}/trusts`

use axum::extract::State;
use claviger_api::applications as wire;
use claviger_api::list::List;
use claviger_authority::applications::credentials::trusts::{self, New};
use claviger_authority::applications::credentials::{self, Kind, MintingId};
use claviger_authority::ids::{ApplicationId, TrustId};
use http::StatusCode;

use super::secrets::tokens;
use super::{bind, reason, view};
use crate::edge::caller::permission::{ApplicationsRead, ApplicationsRevoke, ApplicationsUpdate};
use crate::edge::request::PageQuery;
use crate::edge::{Caller, Id, IdempotencyKey, Ids, Json, Query, Versioned};
use crate::routes::{Answer, Shared};

/// The trusts of an application, oldest first.
#[utoipa::path(get, path = "/v1/applications/{id}/trusts", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<wire::Trust>)))]
pub async fn list(
    caller: Caller<ApplicationsRead>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
    Query(page): Query<PageQuery>,
) -> Answer<Json<List<wire::Trust>>> {
    let page = credentials::list(&app.authority, &caller, id, Kind::Trust, &page.paging()).await?;
    let now = caller.context.now;
    Ok(Json::answer(List::new(page.data.iter().map(|trust| view::trust(trust, now)).collect(), page.next_cursor)))
}

/// Lets tokens of another issuer stand for the application.
#[utoipa::path(post, path = "/v1/applications/{id}/trusts", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::CreateTrust, responses(
    (status = 201, body = wire::Created<wire::Trust>),
    (status = 200, description = "Made before with the same `Idempotency-Key`", body = wire::Created<wire::Trust>),
    (status = 409, description = "The application is revoked, or its organization not active", body = claviger_api::problem::Problem),
))]
pub async fn create(
    caller: Caller<ApplicationsUpdate>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
    key: IdempotencyKey,
    body: Json<wire::CreateTrust>,
) -> Answer<Versioned<wire::Created<wire::Trust>>> {
    let idempotency = bind(&key, "trusts.create", id, &body.raw)?;
    let wanted = body.value;
    let new = New {
        name: wanted.name,
        issuer: wanted.issuer,
        audience: wanted.audience,
        subject: wanted.subject,
        claims: wanted.claims,
        jwks_uri: wanted.jwks_uri,
    };
    let made = trusts::create(&app.authority, &caller, id, &new, idempotency.as_ref()).await?;
    Ok(view::created(made, view::trust))
}

/// One trust.
#[utoipa::path(get, path = "/v1/applications/{id}/trusts/{credential_id}", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("credential_id" = String, Path, example = "trs_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::Trust)))]
pub async fn read(
    caller: Caller<ApplicationsRead>,
    State(app): Shared,
    Ids(id, trust): Ids<ApplicationId, TrustId>,
) -> Answer<Versioned<wire::Trust>> {
    let found = credentials::read(&app.authority, &caller, id, MintingId::Trust(trust)).await?;
    Ok(Versioned { status: StatusCode::OK, revision: found.revision, value: view::trust(&found, caller.context.now) })
}

/// Ends a trust for good. Its tokens live until they expire, unless `tokens` is `die` or it was a compromise.
#[utoipa::path(post, path = "/v1/applications/{id}/trusts/{credential_id}/revoke", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("credential_id" = String, Path, example = "trs_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::RevokeCredential, responses((status = 200, body = wire::Changed<wire::Trust>)))]
pub async fn revoke(
    caller: Caller<ApplicationsRevoke>,
    State(app): Shared,
    Ids(id, trust): Ids<ApplicationId, TrustId>,
    body: Json<wire::RevokeCredential>,
) -> Answer<Versioned<wire::Changed<wire::Trust>>> {
    let ending = (reason(&body.value.reason)?, body.value.comment.as_deref(), tokens(body.value.tokens.as_deref())?);
    let revoked = credentials::revoke(&app.authority, &caller, id, MintingId::Trust(trust), ending).await?;
    Ok(view::changed_credential(&revoked, view::trust))
}
