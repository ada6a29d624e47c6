//! An owner leaves. Its credentials work on, orphaned, and are named so that somebody takes them.

use serde_json::json;

use super::{Owner, Status, find, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed};
use crate::error::Result;
use crate::ids::{ApiKeyId, ApplicationId, ManagementKeyId, OwnerId};
use crate::journal::Event;
use crate::{access, applications, keys};

/// Who left, and what is left behind.
#[derive(Debug)]
pub struct Departed {
    pub owner: Owner,
    pub orphaned_api_keys: Vec<ApiKeyId>,
    pub orphaned_applications: Vec<ApplicationId>,
    pub orphaned_management_keys: Vec<ManagementKeyId>,
}

pub async fn depart(authority: &Authority, caller: &Caller, id: OwnerId) -> Result<Committed<Departed>> {
    caller.require(Permission::OwnersWrite)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let mut owner = find(&tx, caller, id).await?;
            let orphaned_api_keys = keys::unrevoked_of_owner(&tx, id).await?;
            let orphaned_applications = applications::unrevoked_of_owner(&tx, id).await?;
            let orphaned_management_keys = access::keys::unrevoked_of_owner(&tx, id).await?;
            if owner.status == Status::Departed {
                return Ok(Change::Nothing(Departed { owner, orphaned_api_keys, orphaned_applications, orphaned_management_keys }));
            }
            owner.status = Status::Departed;
            owner.departed_at = Some(at);
            owner.updated_at = at;
            owner.revision += 1;
            sql::store(&tx, &owner).await?;
            let data = json!({
                "orphaned_api_keys": orphaned_api_keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "orphaned_applications": orphaned_applications.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "orphaned_management_keys": orphaned_management_keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
            });
            let event = Event::new("owner.departed", id, data).of(owner.organization_id);
            Ok(Change::Made(Departed { owner, orphaned_api_keys, orphaned_applications, orphaned_management_keys }, vec![event]))
        })
        .await
}
