//! Applications as other domains see them: what an organization, an owner or a permission still has.

use serde_json::json;

use super::{Application, grants, sql};
use crate::clock::Timestamp;
use crate::db::{Error, Query, Select, Tx, params};
use crate::ids::{ApplicationId, OrganizationId, OwnerId, ResourceId};
use crate::journal::Event;

pub(crate) async fn unrevoked_of_organization(on: &impl Query, id: OrganizationId) -> Result<Vec<Application>, Error> {
    let mut select = Select::new(sql::SELECT);
    select.and("a.organization_id = ?", params![id.to_string()]).and("a.status <> 'revoked'", vec![]);
    select.push("\nORDER BY a.created_at, a.id", vec![]);
    sql::applications(on, &select.all(on).await?).await
}

pub(crate) async fn unrevoked_of_owner(on: &impl Query, id: OwnerId) -> Result<Vec<ApplicationId>, Error> {
    let rows = on
        .all(
            "SELECT id
             FROM applications
             WHERE owner_id = $1
               AND status <> 'revoked'
             ORDER BY created_at, id",
            params![id.to_string()],
        )
        .await?;
    Ok(rows.iter().map(|row| ApplicationId::stored(&row.text("id"))).collect())
}

/// The organizations in which the owner still has applications.
pub(crate) async fn organizations_of_owner(on: &impl Query, id: OwnerId) -> Result<Vec<OrganizationId>, Error> {
    let rows = on
        .all(
            "SELECT DISTINCT organization_id
             FROM applications
             WHERE owner_id = $1
               AND status <> 'revoked'",
            params![id.to_string()],
        )
        .await?;
    Ok(rows.iter().map(|row| OrganizationId::stored(&row.text("organization_id"))).collect())
}

/// Gives every application that is not revoked to another owner; answers which.
pub(crate) async fn give_to_owner(
    tx: &Tx,
    from: OwnerId,
    to: OwnerId,
    at: Timestamp,
) -> Result<Vec<(ApplicationId, OrganizationId)>, Error> {
    let rows = tx
        .all(
            "UPDATE applications
             SET owner_id = $2, revision = revision + 1, updated_at = $3
             WHERE owner_id = $1
               AND status <> 'revoked'
             RETURNING id, organization_id",
            params![from.to_string(), to.to_string(), at],
        )
        .await?;
    Ok(rows.iter().map(|row| (ApplicationId::stored(&row.text("id")), OrganizationId::stored(&row.text("organization_id")))).collect())
}

/// The applications, revoked ones aside, that hold any of the permissions of the resource.
pub(crate) async fn holders(on: &impl Query, resource: ResourceId, permissions: &[String]) -> Result<Vec<Application>, Error> {
    if permissions.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new(sql::SELECT);
    select.and("a.status <> 'revoked'", vec![]);
    select.and("a.id IN (SELECT p.application_id FROM application_permissions p WHERE p.resource_id = ?", params![resource.to_string()]);
    select.and_in("p.permission", permissions.iter().map(|name| name.as_str().into()).collect());
    select.push(")\nORDER BY a.created_at, a.id", vec![]);
    sql::applications(on, &select.all(on).await?).await
}

/// How many applications, revoked ones included, name the resource.
pub(crate) async fn of_resource(on: &impl Query, resource: ResourceId) -> Result<i64, Error> {
    let sql = "SELECT COUNT(DISTINCT application_id) AS applications FROM application_permissions WHERE resource_id = $1";
    Ok(on.one(sql, params![resource.to_string()]).await?.int("applications"))
}

/// Takes permissions from applications because the resource loses them; one event each.
pub(crate) async fn take_away(
    tx: &Tx,
    applications: &[Application],
    resource: ResourceId,
    permissions: &[String],
    at: Timestamp,
) -> Result<Vec<Event>, Error> {
    let mut events = Vec::with_capacity(applications.len());
    for before in applications {
        let mut application = before.clone();
        for grant in application.grants.iter_mut().filter(|grant| grant.resource_id == resource) {
            grant.permissions.retain(|name| !permissions.contains(name));
        }
        application.revision += 1;
        application.updated_at = at;
        sql::store(tx, &application).await?;
        sql::replace_grants(tx, &application).await?;
        let removed = grants::beyond(&before.grants, &application.grants);
        let data = json!({ "removed": grants::told(&removed), "cause": "resource.updated" });
        events.push(Event::new("application.narrowed", application.id, data).of(application.organization_id));
    }
    Ok(events)
}
