//! Keys as other domains see them: what an organization, an owner or a permission still has.

use serde_json::json;

use super::{ApiKey, sql};
use crate::clock::Timestamp;
use crate::db::{Error, Query, Select, Tx, params};
use crate::ids::{ApiKeyId, OrganizationId, OwnerId, ResourceId};
use crate::journal::Event;

pub(crate) async fn unrevoked_of_organization(on: &impl Query, id: OrganizationId) -> Result<Vec<ApiKey>, Error> {
    let mut select = Select::new(sql::SELECT);
    select.and("k.organization_id = ?", params![id.to_string()]).and("k.status <> 'revoked'", vec![]);
    Ok(select.all(on).await?.iter().map(sql::key).collect())
}

pub(crate) async fn unrevoked_of_owner(on: &impl Query, id: OwnerId) -> Result<Vec<ApiKeyId>, Error> {
    let rows = on
        .all(
            "SELECT id
             FROM api_keys
             WHERE owner_id = $1
               AND status <> 'revoked'
             ORDER BY created_at, id",
            params![id.to_string()],
        )
        .await?;
    Ok(rows.iter().map(|row| ApiKeyId::stored(&row.text("id"))).collect())
}

/// The organizations in which the owner still has keys.
pub(crate) async fn organizations_of_owner(on: &impl Query, id: OwnerId) -> Result<Vec<OrganizationId>, Error> {
    let rows = on
        .all(
            "SELECT DISTINCT organization_id
             FROM api_keys
             WHERE owner_id = $1
               AND status <> 'revoked'",
            params![id.to_string()],
        )
        .await?;
    Ok(rows.iter().map(|row| OrganizationId::stored(&row.text("organization_id"))).collect())
}

/// Gives every key that is not revoked to another owner; answers which.
pub(crate) async fn give_to_owner(tx: &Tx, from: OwnerId, to: OwnerId, at: Timestamp) -> Result<Vec<(ApiKeyId, OrganizationId)>, Error> {
    let rows = tx
        .all(
            "UPDATE api_keys
             SET owner_id = $2, revision = revision + 1, updated_at = $3
             WHERE owner_id = $1
               AND status <> 'revoked'
             RETURNING id, organization_id",
            params![from.to_string(), to.to_string(), at],
        )
        .await?;
    Ok(rows.iter().map(|row| (ApiKeyId::stored(&row.text("id")), OrganizationId::stored(&row.text("organization_id")))).collect())
}

/// The keys, revoked ones aside, that hold any of the permissions of the resource.
pub(crate) async fn holders(on: &impl Query, resource: ResourceId, permissions: &[String]) -> Result<Vec<ApiKey>, Error> {
    if permissions.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new(sql::SELECT);
    select.and("k.resource_id = ?", params![resource.to_string()]).and("k.status <> 'revoked'", vec![]);
    select.and("k.id IN (SELECT p.api_key_id FROM api_key_permissions p WHERE p.resource_id = ?", params![resource.to_string()]);
    select.and_in("p.permission", permissions.iter().map(|name| name.as_str().into()).collect());
    select.push(")", vec![]);
    Ok(select.all(on).await?.iter().map(sql::key).collect())
}

/// How many keys, revoked ones included, belong to the resource.
pub(crate) async fn of_resource(on: &impl Query, resource: ResourceId) -> Result<i64, Error> {
    let row = on.one("SELECT COUNT(*) AS keys FROM api_keys WHERE resource_id = $1", params![resource.to_string()]).await?;
    Ok(row.int("keys"))
}

/// Takes permissions from keys because the resource loses them; one event each.
pub(crate) async fn take_away(tx: &Tx, keys: &[ApiKey], permissions: &[String], at: Timestamp) -> Result<Vec<Event>, Error> {
    let mut events = Vec::with_capacity(keys.len());
    for before in keys {
        let mut key = before.clone();
        let (removed, kept) = key.permissions.into_iter().partition::<Vec<_>, _>(|name| permissions.contains(name));
        key.permissions = kept;
        key.revision += 1;
        key.updated_at = at;
        sql::store(tx, &key).await?;
        sql::delete_permissions(tx, key.id, &removed).await?;
        let data = json!({ "removed": removed, "cause": "resource.updated" });
        events.push(Event::new("api_key.narrowed", key.id, data).of(key.organization_id));
    }
    Ok(events)
}
