//! The end of an application, with a reason. An accident can be undone for half an hour; a compromise never.

use serde_json::json;

use super::{Application, credentials, find, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{self, Change, Committed, Tx};
use crate::error::{Error, Refusal, Result};
use crate::gate::denials;
use crate::ids::{ApplicationId, EnvironmentId};
use crate::journal::Event;
use crate::keys::{Reason, Revocation, Status, UNDO_SECONDS};
use crate::text;

/// From its answer on none of its credentials obtains a token; after a compromise no token that it has is accepted
/// either. Revoking again changes nothing, except that a worse reason (a compromise) takes the way back.
pub async fn revoke(
    authority: &Authority,
    caller: &Caller,
    id: ApplicationId,
    reason: Reason,
    comment: Option<&str>,
) -> Result<Committed<Application>> {
    caller.require(Permission::ApplicationsRevoke)?;
    let comment = text::optional(comment, text::sentence).map_err(|detail| Error::invalid("/comment", detail))?;
    let comment = comment.as_deref();
    authority
        .change(&caller.context, |tx, at| async move {
            let application = find(&tx, caller, id).await?;
            if application.revocation.as_ref().is_some_and(|before| reason.can_be_undone() || !before.reason.can_be_undone()) {
                return Ok(Change::Nothing(application));
            }
            let event = end(&tx, caller.context.environment.id, &application, reason, comment, at).await?;
            Ok(Change::Made(find(&tx, caller, id).await?, vec![event]))
        })
        .await
}

/// Revokes an application inside a larger change. Its credentials are as they were: an undo finds them again.
pub(super) async fn end(
    tx: &Tx,
    environment: EnvironmentId,
    before: &Application,
    reason: Reason,
    comment: Option<&str>,
    at: Timestamp,
) -> Result<Event, db::Error> {
    let mut application = before.clone();
    let status_before = before.revocation.as_ref().map_or(before.status, |revocation| revocation.status_before);
    let undo_until = reason.can_be_undone().then(|| at.plus_seconds(UNDO_SECONDS));
    application.status = Status::Revoked;
    application.revocation = Some(Revocation { at, reason, comment: comment.map(str::to_owned), undo_until, status_before });
    application.revision += 1;
    application.updated_at = at;
    sql::store(tx, &application).await?;
    let tokens_die = !reason.can_be_undone() || reason == Reason::OrganizationOffboarded;
    if tokens_die {
        denials::deny(tx, environment, &application.id.to_string(), at).await?;
    }
    let tokens = if tokens_die { "die" } else { "live" };
    let data = json!({ "reason": reason.as_str(), "comment": comment, "before": before.status.as_str(), "tokens": tokens });
    Ok(Event::new("application.revoked", application.id, data).of(application.organization_id))
}

/// Revokes applications and all their credentials inside a larger change: there is no way back to them.
pub(crate) async fn end_with_credentials(
    tx: &Tx,
    environment: EnvironmentId,
    applications: &[Application],
    reason: Reason,
    at: Timestamp,
) -> Result<Vec<Event>, db::Error> {
    let mut events = Vec::new();
    for application in applications {
        events.push(end(tx, environment, application, reason, None, at).await?);
        for credential in credentials::unrevoked(tx, application.id).await? {
            events.push(credentials::end(tx, environment, application, &credential, (reason, None, true), at).await?);
        }
    }
    Ok(events)
}

/// Takes an accidental revocation back: the application is what it was before.
pub async fn undo(authority: &Authority, caller: &Caller, id: ApplicationId) -> Result<Committed<Application>> {
    caller.require(Permission::ApplicationsRevoke)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let mut application = find(&tx, caller, id).await?;
            let Some(revocation) = application.revocation.take() else {
                return Err(Refusal::WrongStatus(application.status).into());
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
            application.status = revocation.status_before;
            application.revision += 1;
            application.updated_at = at;
            sql::store(&tx, &application).await?;
            let data = json!({ "after": application.status.as_str(), "reason": revocation.reason.as_str() });
            let event = Event::new("application.revocation_undone", id, data).of(application.organization_id);
            Ok(Change::Made(application, vec![event]))
        })
        .await
}
