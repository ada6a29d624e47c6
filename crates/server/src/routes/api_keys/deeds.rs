//! What is done to one key: `/v1/api-keys/{id}/…`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_api::api_keys as wire;
use claviger_authority::ids::ApiKeyId;
use claviger_authority::keys::{self, Reason};
use http::StatusCode;

use super::{Answer, Shared, text, view};
use crate::edge::caller::permission::{KeysRevoke, KeysUpdate};
use crate::edge::{Caller, Id, Json, Problem, Versioned};

/// A new secret for the same key. Both verify until the overlap ends; with an overlap of 0 the old one is refused at once.
#[utoipa::path(post, path = "/v1/api-keys/{id}/rotate", tag = "api-keys", params(("id" = String, Path, example = "ak_06kD3vZ8yT1mXqP5w")), request_body = wire::RotateApiKey, responses((status = 200, body = wire::RotatedApiKey), (status = 409, description = "The key is revoked, expired or imported", body = claviger_api::problem::Problem)))]
pub async fn rotate(
    caller: Caller<KeysUpdate>,
    State(app): Shared,
    Id(id): Id<ApiKeyId>,
    body: Json<wire::RotateApiKey>,
) -> Answer<Versioned<wire::RotatedApiKey>> {
    let expires_at = body.value.expires_at.as_ref().map(Option::as_deref);
    let rotated = keys::rotate(&app.authority, &caller, id, body.value.overlap_seconds, expires_at).await?;
    let revision = rotated.value.issued.key.revision;
    let value = wire::RotatedApiKey {
        secret: rotated.value.issued.secret.expose().to_owned(),
        key: view::key(rotated.value.issued.key, rotated.at),
        previous_secret_expires_at: text(rotated.value.previous_secret_expires_at),
        journal_seq: rotated.journal_seq,
    };
    Ok(Versioned { status: StatusCode::OK, revision, value })
}

/// Ends a rotation's overlap now: only the newest secret verifies.
#[utoipa::path(post, path = "/v1/api-keys/{id}/drop-previous-secrets", tag = "api-keys", params(("id" = String, Path, example = "ak_06kD3vZ8yT1mXqP5w")), responses((status = 200, body = wire::ChangedApiKey)))]
pub async fn drop_previous_secrets(
    caller: Caller<KeysUpdate>,
    State(app): Shared,
    Id(id): Id<ApiKeyId>,
) -> Answer<Versioned<wire::ChangedApiKey>> {
    Ok(view::changed(keys::drop_previous_secrets(&app.authority, &caller, id).await?))
}

/// Ends a key. From the answer on this server accepts it no more.
#[utoipa::path(post, path = "/v1/api-keys/{id}/revoke", tag = "api-keys", params(("id" = String, Path, example = "ak_06kD3vZ8yT1mXqP5w")), request_body = wire::RevokeApiKey, responses(
    (status = 200, description = "It is in force everywhere", body = wire::ChangedApiKey),
    (status = 202, description = "`wait` was false: committed, and verifiable with `min_seq`", body = wire::ChangedApiKey),
))]
pub async fn revoke(
    caller: Caller<KeysRevoke>,
    State(app): Shared,
    Id(id): Id<ApiKeyId>,
    body: Json<wire::RevokeApiKey>,
) -> Answer<Response> {
    let reason: Reason = body.value.reason.parse().map_err(|detail: String| Problem::invalid("/reason", detail))?;
    let revoked = keys::revoke(&app.authority, &caller, id, reason, body.value.comment.as_deref()).await?;
    let mut answer = view::changed(revoked);
    if body.value.wait == Some(false) {
        answer.status = StatusCode::ACCEPTED;
    }
    Ok(answer.into_response())
}

/// Takes an accidental revocation back within 30 minutes; never one for a compromise or a leak.
#[utoipa::path(post, path = "/v1/api-keys/{id}/undo-revocation", tag = "api-keys", params(("id" = String, Path, example = "ak_06kD3vZ8yT1mXqP5w")), responses((status = 200, body = wire::ChangedApiKey), (status = 409, description = "Not revoked, or not to be undone", body = claviger_api::problem::Problem)))]
pub async fn undo_revocation(
    caller: Caller<KeysRevoke>,
    State(app): Shared,
    Id(id): Id<ApiKeyId>,
) -> Answer<Versioned<wire::ChangedApiKey>> {
    Ok(view::changed(keys::undo(&app.authority, &caller, id).await?))
}

/// Switches a key off until it is enabled again.
#[utoipa::path(post, path = "/v1/api-keys/{id}/disable", tag = "api-keys", params(("id" = String, Path, example = "ak_06kD3vZ8yT1mXqP5w")), responses((status = 200, body = wire::ChangedApiKey)))]
pub async fn disable(caller: Caller<KeysUpdate>, State(app): Shared, Id(id): Id<ApiKeyId>) -> Answer<Versioned<wire::ChangedApiKey>> {
    Ok(view::changed(keys::disable(&app.authority, &caller, id).await?))
}

/// Switches a key on again.
#[utoipa::path(post, path = "/v1/api-keys/{id}/enable", tag = "api-keys", params(("id" = String, Path, example = "ak_06kD3vZ8yT1mXqP5w")), responses((status = 200, body = wire::ChangedApiKey)))]
pub async fn enable(caller: Caller<KeysUpdate>, State(app): Shared, Id(id): Id<ApiKeyId>) -> Answer<Versioned<wire::ChangedApiKey>> {
    Ok(view::changed(keys::enable(&app.authority, &caller, id).await?))
}
