//! Statements of management keys and operators.

use super::keys::ManagementKey;
use super::operators::Operator;
use super::permission::Permissions;
use crate::db::{Error, Row, Tx, params};
use crate::ids::{EnvironmentId, ManagementKeyId, OperatorId, OrganizationId, OwnerId};

pub(super) const SELECT: &str = "
    SELECT id, owner_id, operator_id, organization_id, name, permissions, grantable, hint, status, expires_at, created_by,
           revoked_at, revocation_reason, last_used_at, last_used_from, revision, created_at, updated_at
    FROM management_keys";

pub(super) const BY_ID: &str = "
    SELECT id, owner_id, operator_id, organization_id, name, permissions, grantable, hint, status, expires_at, created_by,
           revoked_at, revocation_reason, last_used_at, last_used_from, revision, created_at, updated_at
    FROM management_keys
    WHERE environment_id = $1
      AND id = $2";

pub(super) fn management_key(row: &Row) -> ManagementKey {
    ManagementKey {
        id: ManagementKeyId::stored(&row.text("id")),
        owner_id: OwnerId::stored(&row.text("owner_id")),
        operator_id: row.opt_text("operator_id").map(|id| OperatorId::stored(&id)),
        organization_id: row.opt_text("organization_id").map(|id| OrganizationId::stored(&id)),
        name: row.text("name"),
        // A permission that this release does not know gives nothing.
        permissions: Permissions::of(
            &row.json::<Vec<String>>("permissions").iter().filter_map(|name| name.parse().ok()).collect::<Vec<_>>(),
        ),
        grantable: row.opt_json("grantable"),
        hint: row.text("hint"),
        status: row.text("status").parse().expect("a stored status is known"),
        expires_at: row.opt_time("expires_at"),
        created_by: row.text("created_by"),
        revoked_at: row.opt_time("revoked_at"),
        revocation_reason: row.opt_text("revocation_reason"),
        last_used_at: row.opt_time("last_used_at"),
        last_used_from: row.opt_text("last_used_from"),
        revision: row.int("revision"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    }
}

pub(super) async fn insert(tx: &Tx, environment: EnvironmentId, key: &ManagementKey) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO management_keys
             (id, environment_id, owner_id, operator_id, organization_id, name, permissions, grantable, hint, status,
              expires_at, created_by, revision, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $13)",
        params![
            key.id.to_string(),
            environment.to_string(),
            key.owner_id.to_string(),
            key.operator_id.map(|id| id.to_string()),
            key.organization_id.map(|id| id.to_string()),
            &key.name,
            json(&key.permissions.names()),
            key.grantable.as_ref().map(json),
            &key.hint,
            key.status.as_str(),
            key.expires_at,
            &key.created_by,
            key.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// Writes every column that can change.
pub(super) async fn store(tx: &Tx, key: &ManagementKey) -> Result<(), Error> {
    tx.execute(
        "UPDATE management_keys
         SET hint = $2, status = $3, revoked_at = $4, revocation_reason = $5, revision = $6, updated_at = $7
         WHERE id = $1",
        params![
            key.id.to_string(),
            &key.hint,
            key.status.as_str(),
            key.revoked_at,
            key.revocation_reason.clone(),
            key.revision,
            key.updated_at,
        ],
    )
    .await?;
    Ok(())
}

pub(super) const OPERATORS: &str = "
    SELECT id, name, email, role, status, revision, created_at, updated_at
    FROM operators";

pub(super) fn operator(row: &Row) -> Operator {
    Operator {
        id: OperatorId::stored(&row.text("id")),
        name: row.text("name"),
        email: row.text("email"),
        role: row.text("role").parse().expect("a stored role is known"),
        is_active: row.text("status") == "active",
        revision: row.int("revision"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("what was parsed can be written")
}
