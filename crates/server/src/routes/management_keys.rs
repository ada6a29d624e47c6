//! `/v1/management-keys`

use axum::extract::State;
use claviger_api::list::List;
use claviger_api::management_keys as wire;
use claviger_authority::access::keys::{self, Issued, ManagementKey, New};
use claviger_authority::clock::Timestamp;
use claviger_authority::db::Committed;
use claviger_authority::ids::ManagementKeyId;
use claviger_authority::keys::Reason;
use http::StatusCode;

use super::{Answer, Shared, id, text};
use crate::edge::caller::permission::{ManagementKeysRead, ManagementKeysWrite};
use crate::edge::request::PageQuery;
use crate::edge::{Caller, Id, IdempotencyKey, Json, Problem, Query};

fn view(key: ManagementKey, now: Timestamp) -> wire::ManagementKey {
    wire::ManagementKey {
        id: text(key.id),
        status: text(key.status_at(now).as_str()),
        hint: key.hint,
        name: key.name,
        owner_id: text(key.owner_id),
        operator_id: key.operator_id.map(text),
        organization_id: key.organization_id.map(text),
        permissions: key.permissions.names().into_iter().map(str::to_owned).collect(),
        grantable: key.grantable.map(|grantable| grantable.into_iter().collect()),
        expires_at: key.expires_at.map(text),
        created_by: key.created_by,
        revoked_at: key.revoked_at.map(text),
        revocation_reason: key.revocation_reason,
        last_used_at: key.last_used_at.map(text),
        last_used_from: key.last_used_from,
        revision: key.revision,
        created_at: text(key.created_at),
        updated_at: text(key.updated_at),
    }
}

fn issued(committed: Committed<Issued>, code: &str) -> wire::CreatedManagementKey {
    let Issued { key, secret } = committed.value;
    wire::CreatedManagementKey {
        key: view(key, committed.at),
        code: if secret.is_some() { code } else { "ALREADY_CREATED" }.to_owned(),
        secret: secret.map(|secret| secret.expose().to_owned()),
        journal_seq: committed.journal_seq,
    }
}

/// Management keys, oldest first.
#[utoipa::path(get, path = "/v1/management-keys", tag = "access", params(("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<wire::ManagementKey>)))]
pub async fn list(
    caller: Caller<ManagementKeysRead>,
    State(app): Shared,
    Query(query): Query<PageQuery>,
) -> Answer<Json<List<wire::ManagementKey>>> {
    let page = keys::list(&app.authority, &caller, &query.paging()).await?;
    let now = caller.context.now;
    Ok(Json::answer(List::new(page.data.into_iter().map(|key| view(key, now)).collect(), page.next_cursor)))
}

/// Makes a management key that may at most what its maker may. The secret is shown this once.
#[utoipa::path(post, path = "/v1/management-keys", tag = "access", request_body = wire::CreateManagementKey, responses((status = 201, body = wire::CreatedManagementKey)))]
pub async fn create(
    caller: Caller<ManagementKeysWrite>,
    State(app): Shared,
    key: IdempotencyKey,
    body: Json<wire::CreateManagementKey>,
) -> Answer<(StatusCode, Json<wire::CreatedManagementKey>)> {
    let idempotency = key.bind("management-keys.create", &body.raw)?;
    let wanted = body.value;
    let new = New {
        name: wanted.name,
        owner_id: id("/owner_id", wanted.owner_id.as_deref())?,
        operator_id: id("/operator_id", wanted.operator_id.as_deref())?,
        organization_id: id("/organization_id", wanted.organization_id.as_deref())?,
        permissions: wanted.permissions,
        role: wanted.role,
        grantable: wanted.grantable,
        expires_at: wanted.expires_at,
    };
    let made = keys::create(&app.authority, &caller, &new, idempotency.as_ref()).await?;
    Ok((StatusCode::CREATED, Json::answer(issued(made, "CREATED"))))
}

/// One management key.
#[utoipa::path(get, path = "/v1/management-keys/{id}", tag = "access", params(("id" = String, Path, example = "mk_3mYv0cQ7rT9wKxZ2s")), responses((status = 200, body = wire::ManagementKey)))]
pub async fn read(
    caller: Caller<ManagementKeysRead>,
    State(app): Shared,
    Id(id): Id<ManagementKeyId>,
) -> Answer<Json<wire::ManagementKey>> {
    let found = keys::read(&app.authority, &caller, id).await?;
    Ok(Json::answer(view(found, caller.context.now)))
}

/// A new secret for the same management key; the one before works until the overlap ends.
#[utoipa::path(post, path = "/v1/management-keys/{id}/rotate", tag = "access", params(("id" = String, Path, example = "mk_3mYv0cQ7rT9wKxZ2s")), request_body = wire::RotateManagementKey, responses((status = 200, body = wire::CreatedManagementKey)))]
pub async fn rotate(
    caller: Caller<ManagementKeysWrite>,
    State(app): Shared,
    Id(id): Id<ManagementKeyId>,
    body: Json<wire::RotateManagementKey>,
) -> Answer<Json<wire::CreatedManagementKey>> {
    let rotated = keys::rotate(&app.authority, &caller, id, body.value.overlap_seconds).await?;
    Ok(Json::answer(issued(rotated, "ROTATED")))
}

/// Ends a management key. The last one that can let others in is kept.
#[utoipa::path(post, path = "/v1/management-keys/{id}/revoke", tag = "access", params(("id" = String, Path, example = "mk_3mYv0cQ7rT9wKxZ2s")), request_body = wire::RevokeManagementKey, responses((status = 200, body = wire::ManagementKey)))]
pub async fn revoke(
    caller: Caller<ManagementKeysWrite>,
    State(app): Shared,
    Id(id): Id<ManagementKeyId>,
    body: Json<wire::RevokeManagementKey>,
) -> Answer<Json<wire::ManagementKey>> {
    let reason: Reason = body.value.reason.parse().map_err(|detail: String| Problem::invalid("/reason", detail))?;
    let revoked = keys::revoke(&app.authority, &caller, id, reason).await?;
    Ok(Json::answer(view(revoked.value, revoked.at)))
}
