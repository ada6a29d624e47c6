//! `/v1/signing-keys`

use axum::extract::{Path, State};
use claviger_api::list::List;
use claviger_api::signing_keys as wire;
use claviger_authority::clock::Timestamp;
use claviger_authority::db::Committed;
use claviger_authority::tokens::signing::{self, Key, Status};
use http::StatusCode;

use super::{Answer, Shared, text};
use crate::edge::caller::permission::{SigningKeysRead, SigningKeysWrite};
use crate::edge::{Caller, Json, Versioned};

fn view(key: Key) -> wire::SigningKey {
    let time = |time: Option<Timestamp>| time.map(text);
    wire::SigningKey {
        algorithm: text(key.algorithm()),
        kid: key.kid,
        status: match key.status {
            Status::Active => wire::SigningKeyStatus::Active,
            Status::Standby => wire::SigningKeyStatus::Standby,
            Status::Retired => wire::SigningKeyStatus::Retired,
            Status::Gone => wire::SigningKeyStatus::Gone,
            Status::Compromised => wire::SigningKeyStatus::Compromised,
        },
        provider: key.provider,
        jwk: key.jwk.published(),
        usable_from: time(key.usable_from),
        created_at: text(key.created_at),
        published_at: text(key.published_at),
        activated_at: time(key.activated_at),
        retired_at: time(key.retired_at),
        gone_at: time(key.gone_at),
        compromised_at: time(key.compromised_at),
        revision: key.revision,
    }
}

fn changed(committed: Committed<Vec<Key>>) -> Json<wire::SigningKeysChanged> {
    let data = committed.value.into_iter().map(view).collect();
    Json::answer(wire::SigningKeysChanged { journal_seq: committed.journal_seq, data })
}

/// Every signing key of the environment, the active one of each algorithm first, those that are gone last.
#[utoipa::path(get, path = "/v1/signing-keys", tag = "signing-keys", responses((status = 200, body = List<wire::SigningKey>)))]
pub async fn list(caller: Caller<SigningKeysRead>, State(app): Shared) -> Answer<Json<List<wire::SigningKey>>> {
    let found = signing::list(&app.authority, &caller).await?;
    Ok(Json::answer(List::new(found.into_iter().map(view).collect(), None)))
}

/// One signing key.
#[utoipa::path(get, path = "/v1/signing-keys/{kid}", tag = "signing-keys", params(("kid" = String, Path, example = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")), responses((status = 200, body = wire::SigningKey)))]
pub async fn read(caller: Caller<SigningKeysRead>, State(app): Shared, Path(kid): Path<String>) -> Answer<Versioned<wire::SigningKey>> {
    let found = signing::read(&app.authority, &caller, &kid).await?;
    Ok(Versioned { status: StatusCode::OK, revision: found.revision, value: view(found) })
}

/// Lets the standby of an algorithm sign from now on, and publishes a new standby. Refused while the standby is too new for every
/// verifier to know it.
#[utoipa::path(post, path = "/v1/signing-keys/rotate", tag = "signing-keys", request_body = wire::RotateSigningKey, responses(
    (status = 200, body = wire::SigningKeysChanged),
    (status = 409, description = "The standby is not published long enough; `detail` says from when it may sign", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
))]
pub async fn rotate(
    caller: Caller<SigningKeysWrite>,
    State(app): Shared,
    body: Json<wire::RotateSigningKey>,
) -> Answer<Json<wire::SigningKeysChanged>> {
    Ok(changed(signing::rotate(&app.authority, &caller, &body.value.algorithm).await?))
}

/// Ends a key whose private half somebody else may have: it is no longer published, and what it signed is no longer good. If it
/// was the one that signs, the standby signs from now on.
#[utoipa::path(post, path = "/v1/signing-keys/{kid}/compromise", tag = "signing-keys", params(("kid" = String, Path, example = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")), request_body = wire::CompromiseSigningKey, responses((status = 200, body = wire::SigningKeysChanged)))]
pub async fn compromise(
    caller: Caller<SigningKeysWrite>,
    State(app): Shared,
    Path(kid): Path<String>,
    body: Json<wire::CompromiseSigningKey>,
) -> Answer<Json<wire::SigningKeysChanged>> {
    Ok(changed(signing::compromise(&app.authority, &caller, &kid, body.value.comment.as_deref()).await?))
}
