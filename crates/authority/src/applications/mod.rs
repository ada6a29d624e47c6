//! M2M applications: clients of the token endpoint, each with an owner who answers for it and credentials of its own.
//! An application carries no secret itself: its credentials do, and they mint tokens that expire by themselves.

mod create;
pub mod credentials;
mod fate;
mod grants;
mod holders;
mod inventory;
mod revoke;
mod sql;
mod status;
mod update;

use serde_json::{Map, Value};

use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{Query, params};
use crate::error::{Refusal, Result};
use crate::ids::{ApplicationId, OrganizationId, OwnerId, ResourceId};
use crate::keys::{Revocation, Status};
use crate::limits::RateLimit;

pub use create::{New, create};
pub(crate) use fate::ApplicationFate;
pub use grants::NewGrant;
pub(crate) use holders::{
    give_to_owner, holders, of_resource, organizations_of_owner, take_away, unrevoked_of_organization, unrevoked_of_owner,
};
pub use inventory::{Filter, list};
pub(crate) use revoke::end_with_credentials;
pub use revoke::{revoke, undo};
pub use status::{disable, enable};
pub use update::{Update, update};

/// The shortest and the longest life that an access token may have, in seconds.
pub const TOKEN_LIFETIME_SECONDS: std::ops::RangeInclusive<i64> = 60..=86_400;

/// An application as it is kept.
#[derive(Clone, Debug)]
pub struct Application {
    /// The `client_id`.
    pub id: ApplicationId,
    pub organization_id: OrganizationId,
    pub owner_id: OwnerId,
    pub name: String,
    pub purpose: Option<String>,
    /// What it may ask tokens for, sorted by the resources' identifiers.
    pub grants: Vec<Grant>,
    /// Active, disabled or revoked; applications do not expire.
    pub status: Status,
    /// `None`: as the resource says.
    pub token_lifetime_seconds: Option<i64>,
    /// Only tokens bound to a key (RFC 9449).
    pub require_dpop: bool,
    /// Of tokens issued.
    pub ratelimit: Option<RateLimit>,
    pub metadata: Map<String, Value>,
    pub tags: Vec<String>,
    pub revocation: Option<Revocation>,
    pub created_by: String,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A resource that an application may ask tokens for, and the most they may allow there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub resource_id: ResourceId,
    pub identifier: String,
    /// Sorted, each once.
    pub permissions: Vec<String>,
}

impl Application {
    pub fn permissions(&self) -> impl Iterator<Item = &String> {
        self.grants.iter().flat_map(|grant| &grant.permissions)
    }
}

pub async fn read(authority: &Authority, caller: &Caller, id: ApplicationId) -> Result<Application> {
    caller.require(Permission::ApplicationsRead)?;
    find(&authority.db, caller, id).await
}

/// The application, if it is in the caller's environment and the caller may know of it.
pub(crate) async fn find(on: &impl Query, caller: &Caller, id: ApplicationId) -> Result<Application> {
    let row = on.optional(sql::BY_ID, params![caller.context.environment.id.to_string(), id.to_string()]).await?;
    let found = sql::applications(on, row.as_slice()).await?.pop();
    found.filter(|application| caller.sees(application.organization_id)).ok_or_else(|| Refusal::not_found("application", id).into())
}
