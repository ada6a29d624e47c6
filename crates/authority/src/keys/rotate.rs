//! A new secret for the same key: id, permissions and history stay, and both secrets verify for a while.

use serde_json::json;

use super::{ApiKey, Issued, Origin, Status, find, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::Class;
use crate::db::{Change, Committed, params};
use crate::error::{Error, Refusal, Result};
use crate::ids::ApiKeyId;
use crate::journal::Event;
use crate::{secrets, text};

/// A rotated key, its new secret, and until when the one before works on.
pub struct Rotated {
    pub issued: Issued,
    pub previous_secret_expires_at: Timestamp,
}

/// 90 days.
pub const MAX_OVERLAP_SECONDS: i64 = 90 * 24 * 60 * 60;

/// With an overlap of zero the old secret is refused from the answer on. A rotation during an overlap ends the
/// older of the two secrets at once: never do more than two verify.
pub async fn rotate(
    authority: &Authority,
    caller: &Caller,
    id: ApiKeyId,
    overlap_seconds: i64,
    expires_at: Option<Option<&str>>,
) -> Result<Committed<Rotated>> {
    caller.require(Permission::KeysUpdate)?;
    if !(0..=MAX_OVERLAP_SECONDS).contains(&overlap_seconds) {
        return Err(Error::invalid("/overlap_seconds", format!("must be between 0 and {MAX_OVERLAP_SECONDS}")));
    }
    let now = caller.context.now;
    let expires_at = match expires_at {
        Some(Some(text)) => Some(Some(text::future(text, now).map_err(|detail| Error::invalid("/expires_at", detail))?)),
        Some(None) => Some(None),
        None => None,
    };
    let environment = &caller.context.environment;
    let minted = secrets::mint(authority, environment, Class::ApiKey, id.0);
    let kept = &minted;
    let committed = authority
        .change(&caller.context, |tx, at| async move {
            let mut key = find(&tx, caller, id).await?;
            refuse_unrotatable(&key, expires_at, at)?;
            // On the clock that verifications are judged by: the journal's may be ahead of it.
            let ends = now.plus_seconds(overlap_seconds);
            secrets::retire_current(&tx, &id.to_string(), now, ends).await?;
            secrets::insert(&tx, environment, &id.to_string(), kept, at, authority).await?;
            key.hint.clone_from(&kept.hint);
            key.expires_at = expires_at.unwrap_or(key.expires_at);
            key.revision += 1;
            key.updated_at = at;
            sql::store(&tx, &key).await?;
            let data = json!({ "hint": key.hint, "previous_secret_expires_at": ends, "expires_at": key.expires_at });
            let event = Event::new("api_key.rotated", id, data).of(key.organization_id);
            Ok(Change::Made((key, ends), vec![event]))
        })
        .await?;
    let (key, ends) = committed.value;
    let value = Rotated { issued: Issued { key, secret: minted.secret }, previous_secret_expires_at: ends };
    Ok(Committed { value, journal_seq: committed.journal_seq, at: committed.at })
}

fn refuse_unrotatable(key: &ApiKey, expires_at: Option<Option<Timestamp>>, at: Timestamp) -> Result<()> {
    if key.origin == Origin::Imported {
        return Err(Refusal::ImportedSecret.into());
    }
    match key.status_at(at) {
        Status::Revoked => Err(Refusal::WrongStatus(Status::Revoked).into()),
        // A new expiry brings it back; without one, a fresh secret would be dead on arrival.
        Status::Expired if expires_at.is_none() => Err(Refusal::WrongStatus(Status::Expired).into()),
        _ => Ok(()),
    }
}

/// Ends the overlap now: only the newest secret verifies from the answer on.
pub async fn drop_previous_secrets(authority: &Authority, caller: &Caller, id: ApiKeyId) -> Result<Committed<ApiKey>> {
    caller.require(Permission::KeysUpdate)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let mut key = find(&tx, caller, id).await?;
            let dropped = tx
                .execute(
                    "UPDATE secrets SET retires_at = $2 WHERE credential_id = $1 AND retires_at > $2",
                    params![id.to_string(), caller.context.now],
                )
                .await?;
            if dropped == 0 {
                return Ok(Change::Nothing(key));
            }
            key.revision += 1;
            key.updated_at = at;
            sql::store(&tx, &key).await?;
            let event = Event::new("api_key.previous_secret_dropped", id, json!({})).of(key.organization_id);
            Ok(Change::Made(key, vec![event]))
        })
        .await
}
