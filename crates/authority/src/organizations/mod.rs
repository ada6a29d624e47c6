//! Organizations: the customers of the SaaS. Suspending one silences every credential it has.

mod create;
mod fate;
mod offboard;
mod sql;
mod status;
mod update;

use serde_json::{Map, Value};

use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{Query, Select, contains, params};
use crate::error::{Refusal, Result};
use crate::ids::OrganizationId;
use crate::page::{Page, Paging};

pub use create::{New, create};
pub(crate) use fate::OrganizationFate;
pub use offboard::{Offboarded, offboard};
pub use status::{resume, suspend};
pub use update::{Update, update};

#[derive(Clone, Debug)]
pub struct Organization {
    pub id: OrganizationId,
    pub name: String,
    /// The SaaS's own id of it, unique in the environment.
    pub external_id: Option<String>,
    pub status: Status,
    pub status_changed_at: Timestamp,
    pub metadata: Map<String, Value>,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    /// Every credential is refused for now.
    Suspended,
    /// Every credential was revoked; there is no way back.
    Offboarded,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Offboarded => "offboarded",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Active, Self::Suspended, Self::Offboarded]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a status: want active, suspended or offboarded"))
    }
}

/// Which organizations a list shall hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub external_id: Option<String>,
    /// Text anywhere in the name.
    pub search: Option<String>,
}

/// Organizations, oldest first.
pub async fn list(authority: &Authority, caller: &Caller, filter: Filter, paging: Paging) -> Result<Page<Organization>> {
    caller.require(Permission::OrganizationsRead)?;
    let environment = caller.context.environment.id;
    let limit = paging.limit()?;
    let scope = format!("organizations/{environment}/{:?}/{filter:?}", caller.organization);
    let after = paging.position(&authority.cursors, &scope)?;
    let mut select = Select::new(sql::SELECT);
    select
        .and("environment_id = ?", params![environment.to_string()])
        .and_if("id = ?", caller.organization.map(|id| id.to_string()))
        .and_if("status = ?", filter.status.map(Status::as_str))
        .and_if("external_id = ?", filter.external_id)
        .and_if("LOWER(name) LIKE ? ESCAPE '\\'", filter.search.as_deref().map(contains))
        .and_if("id > ?", after)
        .push("\nORDER BY id\nLIMIT ?", params![i64::from(limit) + 1]);
    let found = select.all(&authority.db).await?.iter().map(sql::organization).collect();
    Ok(authority.cursors.page(&scope, found, limit, |organization: &Organization| organization.id.to_string()))
}

pub async fn read(authority: &Authority, caller: &Caller, id: OrganizationId) -> Result<Organization> {
    caller.require(Permission::OrganizationsRead)?;
    find(&authority.db, caller, id).await
}

/// The organization, if it is in the caller's environment and the caller may know of it.
pub(crate) async fn find(on: &impl Query, caller: &Caller, id: OrganizationId) -> Result<Organization> {
    let row = on.optional(sql::BY_ID, params![caller.context.environment.id.to_string(), id.to_string()]).await?;
    match row {
        Some(row) if caller.sees(id) => Ok(sql::organization(&row)),
        _ => Err(Refusal::not_found("organization", id).into()),
    }
}
