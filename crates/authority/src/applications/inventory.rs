//! The inventory of applications.

use super::{Application, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Select, contains, params};
use crate::error::Result;
use crate::ids::{OrganizationId, OwnerId};
use crate::keys::Status;
use crate::page::{Page, Paging};

/// Which applications; every part that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub organization: Option<OrganizationId>,
    pub owner: Option<OwnerId>,
    /// Identifier of a resource that it may ask tokens for.
    pub resource: Option<String>,
    pub permission: Option<String>,
    pub tag: Option<String>,
    /// Text anywhere in the name.
    pub search: Option<String>,
}

/// Applications, oldest first.
pub async fn list(authority: &Authority, caller: &Caller, filter: &Filter, paging: &Paging) -> Result<Page<Application>> {
    caller.require(Permission::ApplicationsRead)?;
    let environment = caller.context.environment.id;
    let limit = paging.limit()?;
    let scope = format!("applications/{environment}/{:?}/{filter:?}", caller.organization);
    let after = paging.position(&authority.cursors, &scope)?;
    let after = after.as_deref().and_then(|position| position.split_once('/')).and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id)));
    let mut select = Select::new(sql::SELECT);
    select
        .and("a.environment_id = ?", params![environment.to_string()])
        .and_if("a.organization_id = ?", caller.organization.map(|id| id.to_string()))
        .and_if("a.organization_id = ?", filter.organization.map(|id| id.to_string()))
        .and_if("a.owner_id = ?", filter.owner.map(|id| id.to_string()))
        .and_if("a.status = ?", filter.status.map(Status::as_str))
        .and_if(
            "EXISTS (SELECT 1 FROM application_permissions p JOIN resources r ON r.id = p.resource_id
                     WHERE p.application_id = a.id AND r.identifier = ?)",
            filter.resource.clone(),
        )
        .and_if(
            "EXISTS (SELECT 1 FROM application_permissions p WHERE p.application_id = a.id AND p.permission = ?)",
            filter.permission.clone(),
        )
        .and_if("EXISTS (SELECT 1 FROM application_tags t WHERE t.application_id = a.id AND t.tag = ?)", filter.tag.clone())
        .and_if("LOWER(a.name) LIKE ? ESCAPE '\\'", filter.search.as_deref().map(contains));
    if let Some((at, id)) = after {
        select.and("(a.created_at > ? OR (a.created_at = ? AND a.id > ?))", params![at, at, id]);
    }
    select.push("\nORDER BY a.created_at, a.id\nLIMIT ?", params![i64::from(limit) + 1]);
    let found = sql::applications(&authority.db, &select.all(&authority.db).await?).await?;
    let position = |application: &Application| format!("{}/{}", application.created_at.micros(), application.id);
    Ok(authority.cursors.page(&scope, found, limit, position))
}
