//! Owners: the named person or team that answers for a credential. No credential exists without one.

mod create;
mod depart;
mod sql;
mod transfer;
mod update;

use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{Query, Select, contains, params};
use crate::error::{Refusal, Result};
use crate::ids::{OrganizationId, OwnerId};
use crate::page::{Page, Paging};

pub(crate) use create::insert;
pub use create::{New, create};
pub use depart::{Departed, depart};
pub use transfer::{Transferred, transfer};
pub use update::{Update, update};

#[derive(Clone, Debug)]
pub struct Owner {
    pub id: OwnerId,
    /// Set when the owner belongs to one customer; it can then own only that customer's credentials.
    pub organization_id: Option<OrganizationId>,
    pub kind: Kind,
    pub name: String,
    pub email: String,
    pub external_id: Option<String>,
    pub status: Status,
    pub departed_at: Option<Timestamp>,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Person,
    Team,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Team => "team",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    /// Gone: what it owned works on, but nothing new can be given to it.
    Departed,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Departed => "departed",
        }
    }
}

/// Which owners a list shall hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub organization: Option<OrganizationId>,
    pub email: Option<String>,
    /// Text anywhere in name or e-mail.
    pub search: Option<String>,
}

/// Owners, oldest first.
pub async fn list(authority: &Authority, caller: &Caller, filter: Filter, paging: Paging) -> Result<Page<Owner>> {
    caller.require(Permission::OwnersRead)?;
    let environment = caller.context.environment.id;
    let limit = paging.limit()?;
    let scope = format!("owners/{environment}/{:?}/{filter:?}", caller.organization);
    let after = paging.position(&authority.cursors, &scope)?;
    let search = filter.search.as_deref().map(contains);
    let mut select = Select::new(sql::SELECT);
    select
        .and("environment_id = ?", params![environment.to_string()])
        .and_if("organization_id = ?", caller.organization.map(|id| id.to_string()))
        .and_if("organization_id = ?", filter.organization.map(|id| id.to_string()))
        .and_if("status = ?", filter.status.map(Status::as_str))
        .and_if("LOWER(email) = ?", filter.email.map(|email| email.to_lowercase()));
    if let Some(search) = search {
        select.and("(LOWER(name) LIKE ? ESCAPE '\\' OR LOWER(email) LIKE ? ESCAPE '\\')", params![search.clone(), search]);
    }
    select.and_if("id > ?", after).push("\nORDER BY id\nLIMIT ?", params![i64::from(limit) + 1]);
    let found = select.all(&authority.db).await?.iter().map(sql::owner).collect();
    Ok(authority.cursors.page(&scope, found, limit, |owner: &Owner| owner.id.to_string()))
}

pub async fn read(authority: &Authority, caller: &Caller, id: OwnerId) -> Result<Owner> {
    caller.require(Permission::OwnersRead)?;
    find(&authority.db, caller, id).await
}

/// The owner, if it is in the caller's environment and the caller may know of it.
pub(crate) async fn find(on: &impl Query, caller: &Caller, id: OwnerId) -> Result<Owner> {
    let row = on.optional(sql::BY_ID, params![caller.context.environment.id.to_string(), id.to_string()]).await?;
    let owner = row.as_ref().map(sql::owner);
    let visible = |owner: &Owner| caller.organization.is_none_or(|own| owner.organization_id == Some(own));
    owner.filter(visible).ok_or_else(|| Refusal::not_found("owner", id).into())
}

/// The owner, if it can be given a credential of that organization (`None`: one of the SaaS itself).
pub(crate) async fn accountable(on: &impl Query, caller: &Caller, id: OwnerId, organization: Option<OrganizationId>) -> Result<Owner> {
    let owner = find(on, caller, id).await?;
    if owner.status == Status::Departed {
        return Err(Refusal::OwnerDeparted.into());
    }
    if owner.organization_id.is_some() && owner.organization_id != organization {
        return Err(Refusal::OwnerOfOtherOrganization.into());
    }
    Ok(owner)
}
