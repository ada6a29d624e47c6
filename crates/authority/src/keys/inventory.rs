//! The inventory of keys: every question that a review asks, as a filter.

use super::{ApiKey, Status, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{self, Query, Select, contains, params};
use crate::error::Result;
use crate::ids::{OrganizationId, OwnerId};
use crate::page::{Page, Paging};

/// Which keys; every part that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub organization: Option<OrganizationId>,
    pub owner: Option<OwnerId>,
    /// Identifier of the resource.
    pub resource: Option<String>,
    pub permission: Option<String>,
    pub tag: Option<String>,
    pub expiring_before: Option<Timestamp>,
    /// Never used, or not since then.
    pub unused_since: Option<Timestamp>,
    /// Text anywhere in the name.
    pub search: Option<String>,
}

impl Filter {
    pub(super) fn is_empty(&self) -> bool {
        let Self { status, organization, owner, resource, permission, tag, expiring_before, unused_since, search } = self;
        status.is_none()
            && organization.is_none()
            && owner.is_none()
            && resource.is_none()
            && permission.is_none()
            && tag.is_none()
            && expiring_before.is_none()
            && unused_since.is_none()
            && search.is_none()
    }
}

/// Keys, oldest first.
pub async fn list(authority: &Authority, caller: &Caller, filter: &Filter, paging: &Paging) -> Result<Page<ApiKey>> {
    caller.require(Permission::KeysRead)?;
    let limit = paging.limit()?;
    let scope = format!("api-keys/{}/{:?}/{filter:?}", caller.context.environment.id, caller.organization);
    let after = paging.position(&authority.cursors, &scope)?;
    let after = after.as_deref().and_then(|position| position.split_once('/')).and_then(|(at, id)| Some((at.parse().ok()?, id)));
    let found = matching(&authority.db, caller, filter, after, i64::from(limit) + 1).await?;
    Ok(authority.cursors.page(&scope, found, limit, |key: &ApiKey| format!("{}/{}", key.created_at.micros(), key.id)))
}

/// Up to `limit` keys that match, after a place in the order.
pub(super) async fn matching(
    on: &impl Query,
    caller: &Caller,
    filter: &Filter,
    after: Option<(i64, &str)>,
    limit: i64,
) -> Result<Vec<ApiKey>, db::Error> {
    let now = caller.context.now;
    let mut select = Select::new(sql::SELECT);
    select
        .and("k.environment_id = ?", params![caller.context.environment.id.to_string()])
        .and_if("k.organization_id = ?", caller.organization.map(|id| id.to_string()))
        .and_if("k.organization_id = ?", filter.organization.map(|id| id.to_string()))
        .and_if("k.owner_id = ?", filter.owner.map(|id| id.to_string()))
        .and_if("r.identifier = ?", filter.resource.clone())
        .and_if("EXISTS (SELECT 1 FROM api_key_permissions p WHERE p.api_key_id = k.id AND p.permission = ?)", filter.permission.clone())
        .and_if("EXISTS (SELECT 1 FROM api_key_tags t WHERE t.api_key_id = k.id AND t.tag = ?)", filter.tag.clone())
        .and_if("k.expires_at < ?", filter.expiring_before)
        .and_if("LOWER(k.name) LIKE ? ESCAPE '\\'", filter.search.as_deref().map(contains));
    if let Some(since) = filter.unused_since {
        select.and("k.created_at < ?", params![since]);
        select.and("(k.last_used_at IS NULL OR k.last_used_at < ?)", params![since]);
    }
    match filter.status {
        Some(Status::Expired) => select.and("k.status <> 'revoked'", vec![]).and("k.expires_at <= ?", params![now]),
        Some(Status::Revoked) => select.and("k.status = 'revoked'", vec![]),
        Some(status) => {
            select.and("k.status = ?", params![status.as_str()]).and("(k.expires_at IS NULL OR k.expires_at > ?)", params![now])
        }
        None => &mut select,
    };
    if let Some((at, id)) = after {
        select.and("(k.created_at > ? OR (k.created_at = ? AND k.id > ?))", params![at, at, id]);
    }
    select.push("\nORDER BY k.created_at, k.id\nLIMIT ?", params![limit]);
    Ok(select.all(on).await?.iter().map(sql::key).collect())
}
