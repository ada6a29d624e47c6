//! Statements of organizations.

use super::Organization;
use crate::db::{Error, Row, Tx, params};
use crate::ids::OrganizationId;

pub(super) const SELECT: &str = "
    SELECT id, name, external_id, status, status_changed_at, metadata, revision, created_at, updated_at
    FROM organizations";

pub(super) const BY_ID: &str = "
    SELECT id, name, external_id, status, status_changed_at, metadata, revision, created_at, updated_at
    FROM organizations
    WHERE environment_id = $1
      AND id = $2";

pub(super) fn organization(row: &Row) -> Organization {
    Organization {
        id: OrganizationId::stored(&row.text("id")),
        name: row.text("name"),
        external_id: row.opt_text("external_id"),
        status: row.text("status").parse().expect("a stored status is known"),
        status_changed_at: row.time("status_changed_at"),
        metadata: row.json("metadata"),
        revision: row.int("revision"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    }
}

/// Writes every column that can change.
pub(super) async fn store(tx: &Tx, organization: &Organization) -> Result<(), Error> {
    tx.execute(
        "UPDATE organizations
         SET name = $2, external_id = $3, status = $4, status_changed_at = $5, metadata = $6, revision = $7, updated_at = $8
         WHERE id = $1",
        params![
            organization.id.to_string(),
            &organization.name,
            organization.external_id.clone(),
            organization.status.as_str(),
            organization.status_changed_at,
            serde_json::Value::Object(organization.metadata.clone()).to_string(),
            organization.revision,
            organization.updated_at,
        ],
    )
    .await?;
    Ok(())
}

/// Who holds an external id in the environment.
pub(super) const BY_EXTERNAL_ID: &str = "
    SELECT id
    FROM organizations
    WHERE environment_id = $1
      AND external_id = $2";
