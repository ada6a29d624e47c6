//! Resources: protected APIs (OAuth audiences, RFC 8707) with the permissions they know.

mod create;
mod sql;
mod update;

use serde::{Deserialize, Serialize};

use crate::access::{Caller, Permission as ManagementPermission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{Query, Select, contains, params};
use crate::error::{Refusal, Result};
use crate::ids::ResourceId;
use crate::page::{Page, Paging};

pub use create::{New, create};
pub use update::{Update, remove, update};

#[derive(Clone, Debug)]
pub struct Resource {
    pub id: ResourceId,
    /// The absolute URI that names it in requests and tokens.
    pub identifier: String,
    pub name: String,
    /// Sorted by name.
    pub permissions: Vec<Permission>,
    pub token: Option<TokenDialect>,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One thing that may be done with a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    pub name: String,
    pub description: Option<String>,
    pub risk: Risk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    Low,
    Medium,
    High,
    Critical,
}

impl Risk {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    fn stored(text: &str) -> Self {
        [Self::Low, Self::Medium, Self::High].into_iter().find(|risk| risk.as_str() == text).unwrap_or(Self::Critical)
    }
}

/// How access tokens for the resource shall look, once applications can obtain them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenDialect {
    pub alg: String,
    pub typ: String,
    pub lifetime_seconds: i64,
}

/// Which resources a list shall hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub identifier: Option<String>,
    /// Text anywhere in name or identifier.
    pub search: Option<String>,
}

/// Resources, oldest first.
pub async fn list(authority: &Authority, caller: &Caller, filter: Filter, paging: Paging) -> Result<Page<Resource>> {
    caller.require(ManagementPermission::ResourcesRead)?;
    let environment = caller.context.environment.id;
    let limit = paging.limit()?;
    let scope = format!("resources/{environment}/{filter:?}");
    let after = paging.position(&authority.cursors, &scope)?;
    let mut select = Select::new(sql::SELECT);
    select.and("environment_id = ?", params![environment.to_string()]).and_if("identifier = ?", filter.identifier);
    if let Some(search) = filter.search.as_deref().map(contains) {
        select.and("(LOWER(name) LIKE ? ESCAPE '\\' OR LOWER(identifier) LIKE ? ESCAPE '\\')", params![search.clone(), search]);
    }
    select.and_if("id > ?", after).push("\nORDER BY id\nLIMIT ?", params![i64::from(limit) + 1]);
    let rows = select.all(&authority.db).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(sql::resource(&authority.db, row).await?);
    }
    Ok(authority.cursors.page(&scope, found, limit, |resource: &Resource| resource.id.to_string()))
}

pub async fn read(authority: &Authority, caller: &Caller, id: ResourceId) -> Result<Resource> {
    caller.require(ManagementPermission::ResourcesRead)?;
    find(&authority.db, caller, id).await
}

pub(crate) async fn find(on: &impl Query, caller: &Caller, id: ResourceId) -> Result<Resource> {
    let row = on.optional(sql::BY_ID, params![caller.context.environment.id.to_string(), id.to_string()]).await?;
    let row = row.ok_or_else(|| Refusal::not_found("resource", id))?;
    Ok(sql::resource(on, &row).await?)
}

/// The resource that a caller names by its identifier.
pub(crate) async fn by_identifier(on: &impl Query, caller: &Caller, identifier: &str) -> Result<Option<Resource>> {
    let row = on.optional(sql::BY_IDENTIFIER, params![caller.context.environment.id.to_string(), identifier]).await?;
    match row {
        Some(row) => Ok(Some(sql::resource(on, &row).await?)),
        None => Ok(None),
    }
}

/// The environment's resource when there is exactly one: then a caller need not name it.
pub(crate) async fn only_one(on: &impl Query, caller: &Caller) -> Result<Option<Resource>> {
    let mut select = Select::new(sql::SELECT);
    select.and("environment_id = ?", params![caller.context.environment.id.to_string()]).push("\nLIMIT 2", vec![]);
    match select.all(on).await?.as_slice() {
        [row] => Ok(Some(sql::resource(on, row).await?)),
        _ => Ok(None),
    }
}
