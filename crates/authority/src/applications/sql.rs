//! Statements of applications.

use std::collections::HashMap;

use super::{Application, Grant};
use crate::db::{Error, Query, Row, Select, Tx, params};
use crate::ids::{ApplicationId, EnvironmentId, OrganizationId, OwnerId, ResourceId};
use crate::keys::{Reason, Revocation, Status};

pub(super) const SELECT: &str = "
    SELECT a.id, a.organization_id, a.owner_id, a.name, a.purpose, a.status, a.token_lifetime_seconds, a.require_dpop, a.ratelimit,
           a.metadata, a.tags, a.created_by, a.revoked_at, a.revocation_reason, a.revocation_comment, a.undo_until,
           a.status_before_revocation, a.revision, a.created_at, a.updated_at
    FROM applications a";

pub(super) const BY_ID: &str = "
    SELECT a.id, a.organization_id, a.owner_id, a.name, a.purpose, a.status, a.token_lifetime_seconds, a.require_dpop, a.ratelimit,
           a.metadata, a.tags, a.created_by, a.revoked_at, a.revocation_reason, a.revocation_comment, a.undo_until,
           a.status_before_revocation, a.revision, a.created_at, a.updated_at
    FROM applications a
    WHERE a.environment_id = $1
      AND a.id = $2";

const GRANTS: &str = "
    SELECT p.application_id, p.resource_id, p.permission, r.identifier
    FROM application_permissions p
    JOIN resources r ON r.id = p.resource_id";

/// The applications of rows, with what they may ask for read beside them.
pub(super) async fn applications(on: &impl Query, rows: &[Row]) -> Result<Vec<Application>, Error> {
    let mut found: Vec<Application> = rows.iter().map(application).collect();
    let places: HashMap<ApplicationId, usize> = found.iter().enumerate().map(|(place, application)| (application.id, place)).collect();
    let ids: Vec<String> = found.iter().map(|application| application.id.to_string()).collect();
    // Both engines count the parameters of a statement.
    for ids in ids.chunks(1_000) {
        let mut select = Select::new(GRANTS);
        select.and_in("p.application_id", ids.iter().map(Into::into).collect());
        for row in &select.all(on).await? {
            let application = &mut found[places[&ApplicationId::stored(&row.text("application_id"))]];
            let (resource_id, permission) = (ResourceId::stored(&row.text("resource_id")), row.text("permission"));
            let place = application.grants.iter().position(|grant| grant.resource_id == resource_id).unwrap_or_else(|| {
                application.grants.push(Grant { resource_id, identifier: row.text("identifier"), permissions: Vec::new() });
                application.grants.len() - 1
            });
            application.grants[place].permissions.extend(Some(permission).filter(|permission| !permission.is_empty()));
        }
    }
    // Each engine sorts texts by its own collation.
    for application in &mut found {
        application.grants.sort_by(|one, other| one.identifier.cmp(&other.identifier));
        application.grants.iter_mut().for_each(|grant| grant.permissions.sort());
    }
    Ok(found)
}

fn application(row: &Row) -> Application {
    Application {
        id: ApplicationId::stored(&row.text("id")),
        organization_id: OrganizationId::stored(&row.text("organization_id")),
        owner_id: OwnerId::stored(&row.text("owner_id")),
        name: row.text("name"),
        purpose: row.opt_text("purpose"),
        grants: Vec::new(),
        status: row.text("status").parse().expect("a stored status is known"),
        token_lifetime_seconds: row.opt_int("token_lifetime_seconds"),
        require_dpop: row.int("require_dpop") != 0,
        ratelimit: row.opt_json("ratelimit"),
        metadata: row.json("metadata"),
        tags: row.json("tags"),
        revocation: revocation(row),
        created_by: row.text("created_by"),
        revision: row.int("revision"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    }
}

fn revocation(row: &Row) -> Option<Revocation> {
    let at = row.opt_time("revoked_at")?;
    Some(Revocation {
        at,
        reason: row.opt_text("revocation_reason").and_then(|text| text.parse().ok()).unwrap_or(Reason::Unspecified),
        comment: row.opt_text("revocation_comment"),
        undo_until: row.opt_time("undo_until"),
        status_before: row.opt_text("status_before_revocation").and_then(|text| text.parse().ok()).unwrap_or(Status::Active),
    })
}

/// Writes a new application with its grants and tags.
pub(super) async fn insert(tx: &Tx, environment: EnvironmentId, application: &Application) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO applications
             (id, environment_id, organization_id, owner_id, name, purpose, status, token_lifetime_seconds, require_dpop, ratelimit,
              metadata, tags, created_by, revision, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, $14, $14)",
        params![
            application.id.to_string(),
            environment.to_string(),
            application.organization_id.to_string(),
            application.owner_id.to_string(),
            &application.name,
            application.purpose.clone(),
            application.status.as_str(),
            application.token_lifetime_seconds,
            i64::from(application.require_dpop),
            application.ratelimit.as_ref().map(json),
            json(&application.metadata),
            json(&application.tags),
            &application.created_by,
            application.created_at,
        ],
    )
    .await?;
    insert_grants(tx, application).await?;
    insert_tags(tx, environment, application).await
}

/// Writes every column that can change, without grants and tags.
pub(super) async fn store(tx: &Tx, application: &Application) -> Result<(), Error> {
    let revocation = application.revocation.as_ref();
    tx.execute(
        "UPDATE applications
         SET owner_id = $2, name = $3, purpose = $4, status = $5, token_lifetime_seconds = $6, require_dpop = $7, ratelimit = $8,
             metadata = $9, tags = $10, revoked_at = $11, revocation_reason = $12, revocation_comment = $13, undo_until = $14,
             status_before_revocation = $15, revision = $16, updated_at = $17
         WHERE id = $1",
        params![
            application.id.to_string(),
            application.owner_id.to_string(),
            &application.name,
            application.purpose.clone(),
            application.status.as_str(),
            application.token_lifetime_seconds,
            i64::from(application.require_dpop),
            application.ratelimit.as_ref().map(json),
            json(&application.metadata),
            json(&application.tags),
            revocation.map(|revocation| revocation.at),
            revocation.map(|revocation| revocation.reason.as_str()),
            revocation.and_then(|revocation| revocation.comment.clone()),
            revocation.and_then(|revocation| revocation.undo_until),
            revocation.map(|revocation| revocation.status_before.as_str()),
            application.revision,
            application.updated_at,
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn replace_grants(tx: &Tx, application: &Application) -> Result<(), Error> {
    tx.execute("DELETE FROM application_permissions WHERE application_id = $1", params![application.id.to_string()]).await?;
    insert_grants(tx, application).await
}

/// A resource without permissions has one row with an empty name.
async fn insert_grants(tx: &Tx, application: &Application) -> Result<(), Error> {
    for grant in &application.grants {
        let none = [String::new()];
        for permission in if grant.permissions.is_empty() { &none[..] } else { &grant.permissions } {
            tx.execute(
                "INSERT INTO application_permissions (application_id, resource_id, permission) VALUES ($1, $2, $3)",
                params![application.id.to_string(), grant.resource_id.to_string(), permission],
            )
            .await?;
        }
    }
    Ok(())
}

pub(super) async fn replace_tags(tx: &Tx, environment: EnvironmentId, application: &Application) -> Result<(), Error> {
    tx.execute("DELETE FROM application_tags WHERE application_id = $1", params![application.id.to_string()]).await?;
    insert_tags(tx, environment, application).await
}

async fn insert_tags(tx: &Tx, environment: EnvironmentId, application: &Application) -> Result<(), Error> {
    for tag in &application.tags {
        tx.execute(
            "INSERT INTO application_tags (application_id, tag, environment_id) VALUES ($1, $2, $3)",
            params![application.id.to_string(), tag, environment.to_string()],
        )
        .await?;
    }
    Ok(())
}

pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("what was parsed can be written")
}
