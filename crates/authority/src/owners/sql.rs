//! Statements of owners.

use super::{Kind, Owner, Status};
use crate::db::{Error, Row, Tx, params};
use crate::ids::{OrganizationId, OwnerId};

pub(super) const SELECT: &str = "
    SELECT id, organization_id, type, name, email, external_id, status, departed_at, revision, created_at, updated_at
    FROM owners";

pub(super) const BY_ID: &str = "
    SELECT id, organization_id, type, name, email, external_id, status, departed_at, revision, created_at, updated_at
    FROM owners
    WHERE environment_id = $1
      AND id = $2";

pub(super) const BY_EXTERNAL_ID: &str = "
    SELECT id
    FROM owners
    WHERE environment_id = $1
      AND external_id = $2";

pub(super) fn owner(row: &Row) -> Owner {
    Owner {
        id: OwnerId::stored(&row.text("id")),
        organization_id: row.opt_text("organization_id").map(|id| OrganizationId::stored(&id)),
        kind: if row.text("type") == Kind::Team.as_str() { Kind::Team } else { Kind::Person },
        name: row.text("name"),
        email: row.text("email"),
        external_id: row.opt_text("external_id"),
        status: if row.text("status") == Status::Active.as_str() { Status::Active } else { Status::Departed },
        departed_at: row.opt_time("departed_at"),
        revision: row.int("revision"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    }
}

/// Writes every column that can change.
pub(super) async fn store(tx: &Tx, owner: &Owner) -> Result<(), Error> {
    tx.execute(
        "UPDATE owners
         SET name = $2, email = $3, external_id = $4, status = $5, departed_at = $6, revision = $7, updated_at = $8
         WHERE id = $1",
        params![
            owner.id.to_string(),
            &owner.name,
            &owner.email,
            owner.external_id.clone(),
            owner.status.as_str(),
            owner.departed_at,
            owner.revision,
            owner.updated_at,
        ],
    )
    .await?;
    Ok(())
}
