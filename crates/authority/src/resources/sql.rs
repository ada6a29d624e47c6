//! Statements of resources.

use super::{Permission, Resource, Risk};
use crate::db::{Error, Query, Row, Tx, params};
use crate::ids::ResourceId;

pub(super) const SELECT: &str = "
    SELECT id, identifier, name, token, revision, created_at, updated_at
    FROM resources";

pub(super) const BY_ID: &str = "
    SELECT id, identifier, name, token, revision, created_at, updated_at
    FROM resources
    WHERE environment_id = $1
      AND id = $2";

pub(super) const BY_IDENTIFIER: &str = "
    SELECT id, identifier, name, token, revision, created_at, updated_at
    FROM resources
    WHERE environment_id = $1
      AND identifier = $2";

/// The resource of a row, with its permissions read beside it.
pub(super) async fn resource(on: &impl Query, row: &Row) -> Result<Resource, Error> {
    let id = ResourceId::stored(&row.text("id"));
    let permissions = on
        .all(
            "SELECT name, description, risk
             FROM resource_permissions
             WHERE resource_id = $1
             ORDER BY name",
            params![id.to_string()],
        )
        .await?;
    let permission =
        |row: &Row| Permission { name: row.text("name"), description: row.opt_text("description"), risk: Risk::stored(&row.text("risk")) };
    Ok(Resource {
        id,
        identifier: row.text("identifier"),
        name: row.text("name"),
        permissions: permissions.iter().map(permission).collect(),
        token: row.opt_json("token"),
        revision: row.int("revision"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    })
}

/// Writes the permissions anew: what keys hold refers to them by name.
pub(super) async fn replace_permissions(tx: &Tx, id: ResourceId, permissions: &[Permission]) -> Result<(), Error> {
    tx.execute("DELETE FROM resource_permissions WHERE resource_id = $1", params![id.to_string()]).await?;
    for permission in permissions {
        tx.execute(
            "INSERT INTO resource_permissions (resource_id, name, description, risk) VALUES ($1, $2, $3, $4)",
            params![id.to_string(), &permission.name, permission.description.clone(), permission.risk.as_str()],
        )
        .await?;
    }
    Ok(())
}
