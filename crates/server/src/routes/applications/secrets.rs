//! `/v1/applications/{id}/secrets` and `/v1/application-secrets`

use axum::extract::State;
use claviger_api::applications as wire;
use claviger_api::list::List;
use claviger_authority::applications::credentials::secrets::{self, Created, Filter, New, Update};
use claviger_authority::applications::credentials::{self, Kind, MintingId, Tokens};
use claviger_authority::clock::Timestamp;
use claviger_authority::ids::{ApplicationId, ClientSecretId};
use claviger_authority::keys::Status;
use claviger_authority::page::Paging;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{bind, reason, view};
use crate::edge::caller::permission::{ApplicationsRead, ApplicationsRevoke, ApplicationsUpdate};
use crate::edge::request::PageQuery;
use crate::edge::{Caller, Id, IdempotencyKey, Ids, IfMatch, Json, Problem, Query, Versioned};
use crate::routes::api_keys::view::effect;
use crate::routes::{Answer, Shared, id, text};

/// The client secrets of an application, oldest first; never their text.
#[utoipa::path(get, path = "/v1/applications/{id}/secrets", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<wire::ClientSecret>)))]
pub async fn list(
    caller: Caller<ApplicationsRead>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
    Query(page): Query<PageQuery>,
) -> Answer<Json<List<wire::ClientSecret>>> {
    let page = credentials::list(&app.authority, &caller, id, Kind::ClientSecret, &page.paging()).await?;
    let now = caller.context.now;
    Ok(Json::answer(List::new(page.data.iter().map(|secret| view::client_secret(secret, now)).collect(), page.next_cursor)))
}

/// Issues a client secret. Its text is in this answer and nowhere else. At most five live at once.
#[utoipa::path(post, path = "/v1/applications/{id}/secrets", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::CreateClientSecret, responses(
    (status = 201, description = "The secret, with its text", body = wire::CreatedClientSecret),
    (status = 200, description = "Made before with the same `Idempotency-Key`: the secret without its text", body = wire::CreatedClientSecret),
    (status = 409, description = "The application is revoked, its organization not active, or five secrets live", body = claviger_api::problem::Problem),
))]
pub async fn create(
    caller: Caller<ApplicationsUpdate>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
    key: IdempotencyKey,
    body: Json<wire::CreateClientSecret>,
) -> Answer<Versioned<wire::CreatedClientSecret>> {
    let idempotency = bind(&key, "client-secrets.create", id, &body.raw)?;
    let new = New { name: body.value.name, expires_at: body.value.expires_at, stored_in: body.value.stored_in };
    let made = secrets::create(&app.authority, &caller, id, &new, idempotency.as_ref()).await?;
    let (credential, secret) = match made.value {
        Created::Now(issued) => (issued.credential, Some(issued.secret.expose().to_owned())),
        Created::Before(credential) => (*credential, None),
    };
    let (status, code) = view::made(secret.is_some());
    let value = wire::CreatedClientSecret {
        client_secret: view::client_secret(&credential, made.at),
        secret,
        code: code.to_owned(),
        journal_seq: made.journal_seq,
    };
    Ok(Versioned { status, revision: credential.revision, value })
}

/// One client secret, never its text.
#[utoipa::path(get, path = "/v1/applications/{id}/secrets/{credential_id}", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("credential_id" = String, Path, example = "cs_06kD3vZ8yT1mXqP5w")), responses((status = 200, body = wire::ClientSecret)))]
pub async fn read(
    caller: Caller<ApplicationsRead>,
    State(app): Shared,
    Ids(id, secret): Ids<ApplicationId, ClientSecretId>,
) -> Answer<Versioned<wire::ClientSecret>> {
    let found = credentials::read(&app.authority, &caller, id, MintingId::Secret(secret)).await?;
    Ok(Versioned { status: StatusCode::OK, revision: found.revision, value: view::client_secret(&found, caller.context.now) })
}

/// Changes the name, the place and the end of a client secret that lives.
#[utoipa::path(patch, path = "/v1/applications/{id}/secrets/{credential_id}", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("credential_id" = String, Path, example = "cs_06kD3vZ8yT1mXqP5w")), request_body = wire::UpdateClientSecret, responses((status = 200, body = wire::Changed<wire::ClientSecret>), (status = 409, description = "It is revoked or expired", body = claviger_api::problem::Problem), (status = 412, description = "Its revision is another", body = claviger_api::problem::Problem)))]
pub async fn update(
    caller: Caller<ApplicationsUpdate>,
    State(app): Shared,
    Ids(id, secret): Ids<ApplicationId, ClientSecretId>,
    IfMatch(revision): IfMatch,
    body: Json<wire::UpdateClientSecret>,
) -> Answer<Versioned<wire::Changed<wire::ClientSecret>>> {
    let update = Update { name: body.value.name, stored_in: body.value.stored_in, expires_at: body.value.expires_at };
    let changed = secrets::update(&app.authority, &caller, id, secret, revision, &update).await?;
    Ok(view::changed_credential(&changed, view::client_secret))
}

/// A new secret; the old one ends when the overlap is over, with an overlap of 0 at once.
#[utoipa::path(post, path = "/v1/applications/{id}/secrets/{credential_id}/rotate", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("credential_id" = String, Path, example = "cs_06kD3vZ8yT1mXqP5w")), request_body = wire::RotateClientSecret, responses((status = 201, body = wire::RotatedClientSecret), (status = 409, description = "It is revoked or expired, or there would be more than five that live", body = claviger_api::problem::Problem)))]
pub async fn rotate(
    caller: Caller<ApplicationsUpdate>,
    State(app): Shared,
    Ids(id, secret): Ids<ApplicationId, ClientSecretId>,
    body: Json<wire::RotateClientSecret>,
) -> Answer<Versioned<wire::RotatedClientSecret>> {
    let wanted = body.value;
    let new = New { name: wanted.name, expires_at: wanted.expires_at, stored_in: wanted.stored_in };
    let rotated = secrets::rotate(&app.authority, &caller, id, secret, wanted.overlap_seconds, &new).await?;
    let now = caller.context.now;
    let value = wire::RotatedClientSecret {
        client_secret: view::client_secret(&rotated.value.issued.credential, now),
        secret: rotated.value.issued.secret.expose().to_owned(),
        previous: view::client_secret(&rotated.value.previous, now),
        journal_seq: rotated.journal_seq,
    };
    Ok(Versioned { status: StatusCode::CREATED, revision: rotated.value.issued.credential.revision, value })
}

/// Ends a client secret for good. Its tokens live until they expire, unless `tokens` is `die` or it was a compromise.
#[utoipa::path(post, path = "/v1/applications/{id}/secrets/{credential_id}/revoke", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("credential_id" = String, Path, example = "cs_06kD3vZ8yT1mXqP5w")), request_body = wire::RevokeCredential, responses((status = 200, body = wire::Changed<wire::ClientSecret>)))]
pub async fn revoke(
    caller: Caller<ApplicationsRevoke>,
    State(app): Shared,
    Ids(id, secret): Ids<ApplicationId, ClientSecretId>,
    body: Json<wire::RevokeCredential>,
) -> Answer<Versioned<wire::Changed<wire::ClientSecret>>> {
    let ending = (reason(&body.value.reason)?, body.value.comment.as_deref(), tokens(body.value.tokens.as_deref())?);
    let revoked = credentials::revoke(&app.authority, &caller, id, MintingId::Secret(secret), ending).await?;
    Ok(view::changed_credential(&revoked, view::client_secret))
}

pub(super) fn tokens(text: Option<&str>) -> Answer<Tokens> {
    text.map_or(Ok(Tokens::default()), |text| text.parse().map_err(|detail: String| Problem::invalid("/tokens", detail)))
}

/// Somebody else has it: in one change the secret ends, every token that it obtained ends, and `replace` issues a new one.
#[utoipa::path(post, path = "/v1/applications/{id}/secrets/{credential_id}/compromise", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("credential_id" = String, Path, example = "cs_06kD3vZ8yT1mXqP5w")), request_body = wire::CompromiseClientSecret, responses((status = 200, body = wire::CompromisedClientSecret), (status = 409, description = "A replacement was asked for a second time, or cannot be issued", body = claviger_api::problem::Problem)))]
pub async fn compromise(
    caller: Caller<ApplicationsRevoke>,
    State(app): Shared,
    Ids(id, secret): Ids<ApplicationId, ClientSecretId>,
    body: Json<wire::CompromiseClientSecret>,
) -> Answer<Versioned<wire::CompromisedClientSecret>> {
    let done = secrets::compromise(&app.authority, &caller, id, secret, body.value.comment.as_deref(), body.value.replace).await?;
    let (effect, now) = (effect(&done), caller.context.now);
    let replacement = done.value.replacement.map(|issued| wire::ReplacementSecret {
        client_secret: view::client_secret(&issued.credential, now),
        secret: issued.secret.expose().to_owned(),
    });
    let revision = done.value.credential.revision;
    let value = wire::CompromisedClientSecret {
        client_secret: view::client_secret(&done.value.credential, now),
        used_from: done.value.used_from,
        replacement,
        effect,
    };
    Ok(Versioned { status: StatusCode::OK, revision, value })
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InventoryQuery {
    /// As it stands in a secret that was found somewhere, such as `cs_06kD3vZ8yT1mXqP5w`.
    id: Option<String>,
    /// 0 to 36500.
    older_than_days: Option<i64>,
    /// Exactly as it was said.
    stored_in: Option<String>,
    /// RFC 3339: older than that, and never used since.
    unused_since: Option<String>,
    organization_id: Option<String>,
    owner_id: Option<String>,
    /// `active`, `expired` or `revoked`.
    status: Option<String>,
    cursor: Option<String>,
    /// 1 to 200; 50 without.
    limit: Option<u32>,
}

/// Client secrets of all applications, oldest first: how old, where kept, when last used.
#[utoipa::path(get, path = "/v1/application-secrets", tag = "applications", params(InventoryQuery), responses((status = 200, body = List<wire::ListedClientSecret>)))]
pub async fn inventory(
    caller: Caller<ApplicationsRead>,
    State(app): Shared,
    Query(query): Query<InventoryQuery>,
) -> Answer<Json<List<wire::ListedClientSecret>>> {
    let unused_since = query.unused_since.map(|text| {
        Timestamp::parse(&text).ok_or_else(|| Problem::invalid("unused_since", "is not a time in RFC 3339 such as 2027-01-31T00:00:00Z"))
    });
    let filter = Filter {
        id: id("id", query.id.as_deref())?,
        older_than_days: query.older_than_days,
        stored_in: query.stored_in,
        unused_since: unused_since.transpose()?,
        organization: id("organization_id", query.organization_id.as_deref())?,
        owner: id("owner_id", query.owner_id.as_deref())?,
        status: query.status.as_deref().map(status).transpose()?,
    };
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    let page = secrets::inventory(&app.authority, &caller, &filter, &paging).await?;
    let now = caller.context.now;
    let listed = page.data.into_iter().map(|listed| wire::ListedClientSecret {
        client_secret: view::client_secret(&listed.credential, now),
        age_days: listed.age_days_at(now),
        application_name: listed.application_name,
        application_status: text(listed.application_status.as_str()),
        organization_id: text(listed.organization_id),
        owner_id: text(listed.owner_id),
    });
    Ok(Json::answer(List::new(listed.collect(), page.next_cursor)))
}

fn status(text: &str) -> Answer<Status> {
    match text.parse() {
        Ok(status) if status != Status::Disabled => Ok(status),
        _ => Err(Problem::invalid("status", format!("{text:?} is not a status: want active, expired or revoked"))),
    }
}
