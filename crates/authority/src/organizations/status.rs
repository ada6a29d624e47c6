//! Suspending an organization and letting it resume.

use serde_json::json;

use super::{Organization, Status, find, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed};
use crate::error::{Refusal, Result};
use crate::ids::OrganizationId;
use crate::journal::Event;

/// From its answer on, every credential of the organization is refused as `ORGANIZATION_SUSPENDED`.
pub async fn suspend(authority: &Authority, caller: &Caller, id: OrganizationId) -> Result<Committed<Organization>> {
    set(authority, caller, id, Status::Suspended, "organization.suspended").await
}

/// Credentials work again as they did before.
pub async fn resume(authority: &Authority, caller: &Caller, id: OrganizationId) -> Result<Committed<Organization>> {
    set(authority, caller, id, Status::Active, "organization.resumed").await
}

async fn set(
    authority: &Authority,
    caller: &Caller,
    id: OrganizationId,
    status: Status,
    kind: &'static str,
) -> Result<Committed<Organization>> {
    caller.require(Permission::OrganizationsWrite)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let mut organization = find(&tx, caller, id).await?;
            if organization.status == Status::Offboarded {
                return Err(Refusal::OrganizationOffboarded.into());
            }
            if organization.status == status {
                return Ok(Change::Nothing(organization));
            }
            let before = organization.status.as_str();
            organization.status = status;
            organization.status_changed_at = at;
            organization.updated_at = at;
            organization.revision += 1;
            sql::store(&tx, &organization).await?;
            let event = Event::new(kind, id, json!({ "before": before, "after": status.as_str() })).of(id);
            Ok(Change::Made(organization, vec![event]))
        })
        .await
}
