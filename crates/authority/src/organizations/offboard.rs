//! The end of a customer: every credential revoked in one change.

use serde_json::json;

use super::{Organization, Status, find, sql};
use crate::access::{Caller, Permission};
use crate::applications;
use crate::authority::Authority;
use crate::db::{Change, Committed};
use crate::error::Result;
use crate::ids::OrganizationId;
use crate::journal::Event;
use crate::keys::{self, Reason};

/// What offboarding did, or would do.
#[derive(Debug)]
pub struct Offboarded {
    pub organization: Organization,
    /// How many keys lost their life by it.
    pub revoked_keys: usize,
    /// How many applications did, with all their credentials.
    pub revoked_applications: usize,
    pub dry_run: bool,
}

/// Revokes all keys and applications of the organization and closes it for good. A dry run only counts.
pub async fn offboard(authority: &Authority, caller: &Caller, id: OrganizationId, dry_run: bool) -> Result<Committed<Offboarded>> {
    caller.require(Permission::OrganizationsWrite)?;
    caller.require(Permission::KeysRevoke)?;
    caller.require(Permission::ApplicationsRevoke)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let mut organization = find(&tx, caller, id).await?;
            let doomed = keys::unrevoked_of_organization(&tx, id).await?;
            let applications = applications::unrevoked_of_organization(&tx, id).await?;
            let (revoked_keys, revoked_applications) = (doomed.len(), applications.len());
            if dry_run || organization.status == Status::Offboarded {
                return Ok(Change::Nothing(Offboarded { organization, revoked_keys, revoked_applications, dry_run }));
            }
            let before = organization.status.as_str();
            organization.status = Status::Offboarded;
            organization.status_changed_at = at;
            organization.updated_at = at;
            organization.revision += 1;
            sql::store(&tx, &organization).await?;
            let mut events = keys::revoke_rows(&tx, &doomed, Reason::OrganizationOffboarded, None, at).await?;
            let environment = caller.context.environment.id;
            let ended = applications::end_with_credentials(&tx, environment, &applications, Reason::OrganizationOffboarded, at).await?;
            events.extend(ended);
            let data = json!({
                "before": before,
                "after": "offboarded",
                "revoked_keys": revoked_keys,
                "revoked_applications": revoked_applications,
            });
            events.push(Event::new("organization.offboarded", id, data).of(id));
            Ok(Change::Made(Offboarded { organization, revoked_keys, revoked_applications, dry_run }, events))
        })
        .await
}
