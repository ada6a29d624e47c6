//! Switching an application off for a while, and on again.

use serde_json::json;

use super::{Application, find, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed};
use crate::error::{Refusal, Result};
use crate::ids::ApplicationId;
use crate::journal::Event;
use crate::keys::Status;

/// From its answer on the application obtains no token.
pub async fn disable(authority: &Authority, caller: &Caller, id: ApplicationId) -> Result<Committed<Application>> {
    set(authority, caller, id, Status::Disabled, "application.disabled").await
}

pub async fn enable(authority: &Authority, caller: &Caller, id: ApplicationId) -> Result<Committed<Application>> {
    set(authority, caller, id, Status::Active, "application.enabled").await
}

async fn set(
    authority: &Authority,
    caller: &Caller,
    id: ApplicationId,
    status: Status,
    kind: &'static str,
) -> Result<Committed<Application>> {
    caller.require(Permission::ApplicationsUpdate)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let mut application = find(&tx, caller, id).await?;
            if application.status == Status::Revoked {
                return Err(Refusal::WrongStatus(Status::Revoked).into());
            }
            if application.status == status {
                return Ok(Change::Nothing(application));
            }
            application.status = status;
            application.revision += 1;
            application.updated_at = at;
            sql::store(&tx, &application).await?;
            let event = Event::new(kind, id, json!({})).of(application.organization_id);
            Ok(Change::Made(application, vec![event]))
        })
        .await
}
