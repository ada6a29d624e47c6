//! API keys: opaque, long-lived bearer secrets of an organization, each with an owner who answers for it.
//! Their plaintext leaves once, at create and rotate, and is kept nowhere.

mod bulk;
mod create;
mod fate;
mod holders;
mod import;
mod inventory;
mod revoke;
mod rotate;
mod sql;
mod status;
mod update;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::Secret;
use crate::db::{Query, params};
use crate::error::{Refusal, Result};
use crate::ids::{ApiKeyId, OrganizationId, OwnerId, ResourceId};
use crate::limits::{Quota, RateLimit};
use crate::secrets::{self, SecretInfo};

pub use bulk::{Revoked, revoke_matching};
pub use create::{Created, New, create};
pub(crate) use create::{grantable_set, permission_set};
pub(crate) use fate::{ApiKeyFate, ends_earlier, is_slower};
pub(crate) use holders::{
    give_to_owner, holders, of_resource, organizations_of_owner, take_away, unrevoked_of_organization, unrevoked_of_owner,
};
pub use import::{Foreign, Imported, import};
pub use inventory::{Filter, list};
pub use revoke::{Reason, Revocation, revoke, revoke_by_holder, undo};
pub(crate) use revoke::{UNDO_SECONDS, revoke_rows};
pub use rotate::{MAX_OVERLAP_SECONDS, Rotated, drop_previous_secrets, rotate};
pub use status::{disable, enable};
pub use update::{Update, update};

/// An API key as it is kept: everything but its secret.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub organization_id: OrganizationId,
    pub owner_id: OwnerId,
    pub resource_id: Option<ResourceId>,
    /// The identifier of the resource.
    pub resource: Option<String>,
    /// Sorted, each once.
    pub permissions: Vec<String>,
    pub name: String,
    pub purpose: Option<String>,
    /// Enough of the key for people to recognise it, too little to guess it.
    pub hint: String,
    /// As set; [`ApiKey::status_at`] also knows of expiry.
    pub status: Status,
    pub origin: Origin,
    pub revocation: Option<Revocation>,
    pub expires_at: Option<Timestamp>,
    pub allowed_cidrs: Vec<ipnet::IpNet>,
    pub ratelimit: Option<RateLimit>,
    pub quota: Option<Quota>,
    pub metadata: Map<String, Value>,
    pub tags: Vec<String>,
    pub created_by: String,
    /// Precise to the flush interval (10 s).
    pub last_used_at: Option<Timestamp>,
    pub last_used_from: Option<IpAddr>,
    pub use_count: i64,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Active,
    Disabled,
    Revoked,
    /// Never stored: active or disabled, but past its expiry.
    Expired,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Active, Self::Disabled, Self::Revoked, Self::Expired]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a status: want active, disabled, revoked or expired"))
    }
}

/// Where the secret came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Made here.
    Issued,
    /// Made elsewhere and taken over by its digest.
    Imported,
}

impl Origin {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Imported => "imported",
        }
    }
}

impl ApiKey {
    /// What a person would call its state now.
    pub fn status_at(&self, now: Timestamp) -> Status {
        match self.status {
            Status::Active | Status::Disabled if self.expires_at.is_some_and(|end| end <= now) => Status::Expired,
            stored => stored,
        }
    }
}

/// A key with the secrets that verify for it and what it was seen to do.
pub struct Detail {
    pub key: ApiKey,
    pub secrets: Vec<SecretInfo>,
    /// Each granted permission and when it was last exercised.
    pub exercised: Vec<(String, Option<Timestamp>)>,
}

/// The plaintext, on its one way out.
pub struct Issued {
    pub key: ApiKey,
    pub secret: Secret,
}

pub async fn read(authority: &Authority, caller: &Caller, id: ApiKeyId) -> Result<Detail> {
    caller.require(Permission::KeysRead)?;
    let key = find(&authority.db, caller, id).await?;
    let secrets = secrets::list(&authority.db, &id.to_string()).await?;
    let exercised = sql::exercised(&authority.db, id).await?;
    Ok(Detail { key, secrets, exercised })
}

/// The key, if it is in the caller's environment and the caller may know of it.
pub(crate) async fn find(on: &impl Query, caller: &Caller, id: ApiKeyId) -> Result<ApiKey> {
    let row = on.optional(sql::BY_ID, params![caller.context.environment.id.to_string(), id.to_string()]).await?;
    let key = row.as_ref().map(sql::key).filter(|key| caller.sees(key.organization_id));
    key.ok_or_else(|| Refusal::not_found("API key", id).into())
}
