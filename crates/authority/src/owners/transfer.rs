//! All credentials of one owner given to another, in one change.

use serde_json::json;

use super::{accountable, find};
use crate::access::{self, Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed};
use crate::error::{Error, Result};
use crate::ids::{ApiKeyId, ApplicationId, ManagementKeyId, OwnerId};
use crate::journal::Event;
use crate::{applications, keys};

/// What changed hands.
#[derive(Debug)]
pub struct Transferred {
    pub from: OwnerId,
    pub to: OwnerId,
    pub api_keys: Vec<ApiKeyId>,
    pub applications: Vec<ApplicationId>,
    pub management_keys: Vec<ManagementKeyId>,
}

/// Refused as a whole when the new owner cannot own one of them.
pub async fn transfer(authority: &Authority, caller: &Caller, from: OwnerId, to: OwnerId) -> Result<Committed<Transferred>> {
    caller.require(Permission::OwnersWrite)?;
    if from == to {
        return Err(Error::invalid("/to_owner_id", "is the owner itself"));
    }
    authority
        .change(&caller.context, |tx, at| async move {
            find(&tx, caller, from).await?;
            let mut events = Vec::new();
            let mut organizations = keys::organizations_of_owner(&tx, from).await?;
            organizations.extend(applications::organizations_of_owner(&tx, from).await?);
            for organization in organizations {
                accountable(&tx, caller, to, Some(organization)).await?;
            }
            let management_keys = access::keys::unrevoked_of_owner(&tx, from).await?;
            if management_keys.is_empty() {
                // The new owner must exist and be active even when there is nothing to take over.
                let owner = find(&tx, caller, to).await?;
                accountable(&tx, caller, to, owner.organization_id).await?;
            } else {
                accountable(&tx, caller, to, None).await?;
            }
            let api_keys = keys::give_to_owner(&tx, from, to, at).await?;
            let applications = applications::give_to_owner(&tx, from, to, at).await?;
            access::keys::give_to_owner(&tx, from, to, at).await?;
            let data = json!({ "before": from.to_string(), "after": to.to_string() });
            for (id, organization) in &api_keys {
                events.push(Event::new("api_key.owner_changed", id, data.clone()).of(*organization));
            }
            for (id, organization) in &applications {
                events.push(Event::new("application.owner_changed", id, data.clone()).of(*organization));
            }
            for id in &management_keys {
                events.push(Event::new("management_key.owner_changed", id, data.clone()));
            }
            let transferred = Transferred {
                from,
                to,
                api_keys: api_keys.into_iter().map(|(id, _)| id).collect(),
                applications: applications.into_iter().map(|(id, _)| id).collect(),
                management_keys,
            };
            if events.is_empty() {
                return Ok(Change::Nothing(transferred));
            }
            Ok(Change::Made(transferred, events))
        })
        .await
}
