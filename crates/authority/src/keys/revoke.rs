//! The end of a key, with a reason. An accident can be undone for half an hour; a compromise never.

use serde_json::json;

use super::{ApiKey, Status, find, sql};
use crate::access::{Caller, Permission};
use crate::authority::{Actor, Authority, Context};
use crate::clock::Timestamp;
use crate::credential::CredentialId;
use crate::db::{self, Change, Committed, Query as _, Tx, params};
use crate::error::{Error, Refusal, Result};
use crate::gate::EnvironmentState;
use crate::ids::ApiKeyId;
use crate::journal::Event;
use crate::text;

/// How a key ended.
#[derive(Clone, Debug)]
pub struct Revocation {
    pub at: Timestamp,
    pub reason: Reason,
    pub comment: Option<String>,
    /// Until then it can be undone; `None` when it never could.
    pub undo_until: Option<Timestamp>,
    pub status_before: Status,
}

/// Why a key ended, in the words of RFC 5280 section 5.3.1 where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    KeyCompromise,
    Superseded,
    OwnerDeparted,
    NoLongerNeeded,
    PrivilegeWithdrawn,
    OrganizationOffboarded,
    Policy,
    LeakReport,
    Unspecified,
}

impl Reason {
    pub const ALL: [Self; 9] = [
        Self::KeyCompromise,
        Self::Superseded,
        Self::OwnerDeparted,
        Self::NoLongerNeeded,
        Self::PrivilegeWithdrawn,
        Self::OrganizationOffboarded,
        Self::Policy,
        Self::LeakReport,
        Self::Unspecified,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyCompromise => "key_compromise",
            Self::Superseded => "superseded",
            Self::OwnerDeparted => "owner_departed",
            Self::NoLongerNeeded => "no_longer_needed",
            Self::PrivilegeWithdrawn => "privilege_withdrawn",
            Self::OrganizationOffboarded => "organization_offboarded",
            Self::Policy => "policy",
            Self::LeakReport => "leak_report",
            Self::Unspecified => "unspecified",
        }
    }

    /// A secret that somebody else may know must never live again.
    pub(crate) const fn can_be_undone(self) -> bool {
        !matches!(self, Self::KeyCompromise | Self::LeakReport)
    }
}

impl std::str::FromStr for Reason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|reason| reason.as_str()).collect();
            format!("{text:?} is not a reason: want one of {}", known.join(", "))
        })
    }
}

pub(crate) const UNDO_SECONDS: i64 = 30 * 60;

/// From its answer on the key is refused as `REVOKED`. Revoking again changes nothing, except that a worse
/// reason (a compromise) takes the way back.
pub async fn revoke(
    authority: &Authority,
    caller: &Caller,
    id: ApiKeyId,
    reason: Reason,
    comment: Option<&str>,
) -> Result<Committed<ApiKey>> {
    caller.require(Permission::KeysRevoke)?;
    let comment = text::optional(comment, text::sentence).map_err(|detail| Error::invalid("/comment", detail))?;
    let comment = comment.as_deref();
    authority
        .change(&caller.context, |tx, at| async move {
            let key = find(&tx, caller, id).await?;
            if key.revocation.as_ref().is_some_and(|before| reason.can_be_undone() || !before.reason.can_be_undone()) {
                return Ok(Change::Nothing(key));
            }
            let events = revoke_rows(&tx, std::slice::from_ref(&key), reason, comment, at).await?;
            Ok(Change::Made(find(&tx, caller, id).await?, events))
        })
        .await
}

/// Revokes a key because its holder says so, who showed it (RFC 7009). Final, as anybody who found the key may have done it.
pub async fn revoke_by_holder(
    authority: &Authority,
    environment: &EnvironmentState,
    id: CredentialId,
    request_id: &str,
) -> Result<Committed<()>> {
    let id = ApiKeyId(id);
    let environment = environment.environment.load_full();
    let context = Context { environment, actor: Actor::ApiKey { id }, request_id: request_id.to_owned(), now: authority.clock.now() };
    authority
        .change(&context, |tx, at| {
            let environment = context.environment.id.to_string();
            async move {
                let row = tx.optional(sql::BY_ID, params![environment, id.to_string()]).await?;
                let key = row.as_ref().map(sql::key).filter(|key| key.revocation.is_none());
                let Some(key) = key else { return Ok(Change::Nothing(())) };
                let events = revoke_rows(&tx, std::slice::from_ref(&key), Reason::LeakReport, Some("revoked by its holder"), at).await?;
                Ok(Change::Made((), events))
            }
        })
        .await
}

/// Revokes keys inside a larger change; one event each.
pub(crate) async fn revoke_rows(
    tx: &Tx,
    keys: &[ApiKey],
    reason: Reason,
    comment: Option<&str>,
    at: Timestamp,
) -> Result<Vec<Event>, db::Error> {
    let mut events = Vec::with_capacity(keys.len());
    for before in keys {
        let mut key = before.clone();
        let status_before = key.revocation.map_or(key.status, |revocation| revocation.status_before);
        let undo_until = reason.can_be_undone().then(|| at.plus_seconds(UNDO_SECONDS));
        key.status = Status::Revoked;
        key.revocation = Some(Revocation { at, reason, comment: comment.map(str::to_owned), undo_until, status_before });
        key.revision += 1;
        key.updated_at = at;
        sql::store(tx, &key).await?;
        let data = json!({ "reason": reason.as_str(), "comment": comment, "before": before.status.as_str() });
        events.push(Event::new("api_key.revoked", key.id, data).of(key.organization_id));
    }
    Ok(events)
}

/// Takes an accidental revocation back: the key is what it was before.
pub async fn undo(authority: &Authority, caller: &Caller, id: ApiKeyId) -> Result<Committed<ApiKey>> {
    caller.require(Permission::KeysRevoke)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let mut key = find(&tx, caller, id).await?;
            let Some(revocation) = key.revocation.take() else {
                return Err(Refusal::WrongStatus(key.status).into());
            };
            if revocation.reason == Reason::OrganizationOffboarded {
                return Err(Refusal::OrganizationOffboarded.into());
            }
            let Some(undo_until) = revocation.undo_until else {
                return Err(Refusal::UndoForbidden(revocation.reason.as_str()).into());
            };
            if undo_until <= at {
                return Err(Refusal::UndoExpired.into());
            }
            key.status = revocation.status_before;
            key.revision += 1;
            key.updated_at = at;
            sql::store(&tx, &key).await?;
            let data = json!({ "after": key.status.as_str(), "reason": revocation.reason.as_str() });
            let event = Event::new("api_key.revocation_undone", id, data).of(key.organization_id);
            Ok(Change::Made(key, vec![event]))
        })
        .await
}
