//! `/v1/api-keys`

pub mod bulk;
pub mod deeds;
pub(super) mod parse;
pub(super) mod view;

use axum::extract::State;
use claviger_api::api_keys as wire;
use claviger_api::list::List;
use claviger_authority::ids::ApiKeyId;
use claviger_authority::keys::{self, Created, Update};
use claviger_authority::page::Paging;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Shared, id, text};
use crate::edge::caller::permission::{KeysCreate, KeysRead, KeysUpdate};
use crate::edge::{Caller, Id, IdempotencyKey, IfMatch, Json, Query, Versioned};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `active`, `disabled`, `expired` or `revoked`.
    status: Option<String>,
    organization_id: Option<String>,
    owner_id: Option<String>,
    /// Identifier of the resource.
    resource: Option<String>,
    permission: Option<String>,
    tag: Option<String>,
    /// RFC 3339.
    expiring_before: Option<String>,
    /// RFC 3339: older than that, and never used since.
    unused_since: Option<String>,
    /// Text anywhere in the name.
    search: Option<String>,
    cursor: Option<String>,
    /// 1 to 200; 50 without.
    limit: Option<u32>,
}

/// The inventory of keys, oldest first.
#[utoipa::path(get, path = "/v1/api-keys", tag = "api-keys", params(ListQuery), responses((status = 200, body = List<wire::ApiKey>)))]
pub async fn list(caller: Caller<KeysRead>, State(app): Shared, Query(query): Query<ListQuery>) -> Answer<Json<List<wire::ApiKey>>> {
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    let filter = wire::KeyFilter {
        status: query.status,
        organization_id: query.organization_id,
        owner_id: query.owner_id,
        resource: query.resource,
        permission: query.permission,
        tag: query.tag,
        expiring_before: query.expiring_before,
        unused_since: query.unused_since,
        search: query.search,
    };
    let page = keys::list(&app.authority, &caller, &parse::filter("", filter)?, &paging).await?;
    let now = caller.context.now;
    Ok(Json::answer(List::new(page.data.into_iter().map(|key| view::key(key, now)).collect(), page.next_cursor)))
}

/// Issues a key. Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/api-keys", tag = "api-keys", request_body = wire::CreateApiKey, responses(
    (status = 201, description = "The key, with its secret", body = wire::CreatedApiKey),
    (status = 200, description = "Made before with the same `Idempotency-Key`: the key without its secret", body = wire::CreatedApiKey),
    (status = 409, description = "The organization is not active, the owner has departed, or the same request is under way", body = claviger_api::problem::Problem),
))]
pub async fn create(
    caller: Caller<KeysCreate>,
    State(app): Shared,
    key: IdempotencyKey,
    body: Json<wire::CreateApiKey>,
) -> Answer<Versioned<wire::CreatedApiKey>> {
    let idempotency = key.bind("api-keys.create", &body.raw)?;
    let made = keys::create(&app.authority, &caller, &parse::new(body.value)?, idempotency.as_ref()).await?;
    let (key, secret) = match made.value {
        Created::Now(issued) => (issued.key, Some(issued.secret.expose().to_owned())),
        Created::Before(key) => (*key, None),
    };
    let (status, code) = if secret.is_some() { (StatusCode::CREATED, "CREATED") } else { (StatusCode::OK, "ALREADY_CREATED") };
    let revision = key.revision;
    let value = wire::CreatedApiKey { key: view::key(key, made.at), secret, code: code.to_owned(), journal_seq: made.journal_seq };
    Ok(Versioned { status, revision, value })
}

/// One key with its secrets (never their text) and what it was seen to do.
#[utoipa::path(get, path = "/v1/api-keys/{id}", tag = "api-keys", params(("id" = String, Path, example = "ak_06kD3vZ8yT1mXqP5w")), responses((status = 200, body = wire::ApiKeyDetail)))]
pub async fn read(caller: Caller<KeysRead>, State(app): Shared, Id(id): Id<ApiKeyId>) -> Answer<Versioned<wire::ApiKeyDetail>> {
    let found = keys::read(&app.authority, &caller, id).await?;
    Ok(Versioned { status: StatusCode::OK, revision: found.key.revision, value: view::detail(found, caller.context.now) })
}

/// Changes a key. Narrowing is free; widening needs `keys:create` and is told apart in the journal.
#[utoipa::path(patch, path = "/v1/api-keys/{id}", tag = "api-keys", params(("id" = String, Path, example = "ak_06kD3vZ8yT1mXqP5w")), request_body = wire::UpdateApiKey, responses((status = 200, body = wire::ChangedApiKey), (status = 409, description = "The key is revoked", body = claviger_api::problem::Problem), (status = 412, description = "Its revision is another", body = claviger_api::problem::Problem)))]
pub async fn update(
    caller: Caller<KeysUpdate>,
    State(app): Shared,
    Id(id): Id<ApiKeyId>,
    IfMatch(revision): IfMatch,
    body: Json<wire::UpdateApiKey>,
) -> Answer<Versioned<wire::ChangedApiKey>> {
    let wanted = body.value;
    let update = Update {
        name: wanted.name,
        purpose: wanted.purpose,
        owner_id: super::id("/owner_id", wanted.owner_id.as_deref())?,
        permissions: wanted.permissions,
        expires_at: wanted.expires_at,
        allowed_cidrs: wanted.allowed_cidrs,
        ratelimit: wanted.ratelimit.map(|limit| limit.map(parse::ratelimit)),
        quota: wanted.quota.map(|quota| quota.map(parse::quota)),
        metadata: wanted.metadata,
        tags: wanted.tags,
    };
    let changed = keys::update(&app.authority, &caller, id, revision, &update).await?;
    Ok(view::changed(changed))
}
