//! Statements of credentials of applications.

use super::{Credential, MintingId, Revocation};
use crate::applications::sql::json;
use crate::clock::Timestamp;
use crate::db::{Error, Query, Row, Select, Tx, params};
use crate::ids::{ApplicationId, EnvironmentId};
use crate::keys::Reason;

pub(super) const SELECT: &str = "
    SELECT c.id, c.application_id, c.name, c.hint, c.material, c.stored_in, c.status, c.expires_at, c.created_by, c.revoked_at,
           c.revocation_reason, c.revocation_comment, c.last_used_at, c.last_used_from, c.use_count, c.revision, c.created_at,
           c.updated_at
    FROM application_credentials c";

const BY_ID: &str = "
    SELECT c.id, c.application_id, c.name, c.hint, c.material, c.stored_in, c.status, c.expires_at, c.created_by, c.revoked_at,
           c.revocation_reason, c.revocation_comment, c.last_used_at, c.last_used_from, c.use_count, c.revision, c.created_at,
           c.updated_at
    FROM application_credentials c
    WHERE c.application_id = $1
      AND c.id = $2";

pub(crate) async fn find(on: &impl Query, application: ApplicationId, id: MintingId) -> Result<Option<Credential>, Error> {
    Ok(on.optional(BY_ID, params![application.to_string(), id.to_string()]).await?.as_ref().map(credential))
}

pub(super) fn credential(row: &Row) -> Credential {
    Credential {
        id: row.text("id").parse().expect("a stored id is one"),
        application_id: ApplicationId::stored(&row.text("application_id")),
        name: row.text("name"),
        hint: row.text("hint"),
        material: row.json("material"),
        stored_in: row.opt_text("stored_in"),
        status: row.text("status").parse().expect("a stored status is known"),
        expires_at: row.opt_time("expires_at"),
        revocation: row.opt_time("revoked_at").map(|at| Revocation {
            at,
            reason: row.opt_text("revocation_reason").and_then(|text| text.parse().ok()).unwrap_or(Reason::Unspecified),
            comment: row.opt_text("revocation_comment"),
        }),
        created_by: row.text("created_by"),
        last_used_at: row.opt_time("last_used_at"),
        last_used_from: row.opt_text("last_used_from"),
        use_count: row.int("use_count"),
        revision: row.int("revision"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    }
}

pub(super) async fn insert(tx: &Tx, environment: EnvironmentId, credential: &Credential) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO application_credentials
             (id, environment_id, application_id, kind, name, hint, material, stored_in, status, expires_at, created_by, use_count,
              revision, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 1, $12, $12)",
        params![
            credential.id.to_string(),
            environment.to_string(),
            credential.application_id.to_string(),
            credential.id.kind().as_str(),
            &credential.name,
            &credential.hint,
            json(&credential.material),
            credential.stored_in.clone(),
            credential.status.as_str(),
            credential.expires_at,
            &credential.created_by,
            credential.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// Writes every column that a deed can change.
pub(crate) async fn store(tx: &Tx, credential: &Credential) -> Result<(), Error> {
    let revocation = credential.revocation.as_ref();
    tx.execute(
        "UPDATE application_credentials
         SET name = $2, stored_in = $3, status = $4, expires_at = $5, revoked_at = $6, revocation_reason = $7, revocation_comment = $8,
             revision = $9, updated_at = $10
         WHERE id = $1",
        params![
            credential.id.to_string(),
            &credential.name,
            credential.stored_in.clone(),
            credential.status.as_str(),
            credential.expires_at,
            revocation.map(|revocation| revocation.at),
            revocation.map(|revocation| revocation.reason.as_str()),
            revocation.and_then(|revocation| revocation.comment.clone()),
            credential.revision,
            credential.updated_at,
        ],
    )
    .await?;
    Ok(())
}

/// Whether the tokens that it obtained up to then are refused already.
pub(super) async fn tokens_died(on: &impl Query, environment: EnvironmentId, id: MintingId, then: Timestamp) -> Result<bool, Error> {
    let row = on
        .optional(
            "SELECT not_before
             FROM token_revocations
             WHERE environment_id = $1
               AND subject = $2",
            params![environment.to_string(), id.to_string()],
        )
        .await?;
    Ok(row.is_some_and(|row| row.time("not_before") >= then))
}

/// Where the next page begins.
pub(super) fn position(credential: &Credential) -> String {
    format!("{}/{}", credential.created_at.micros(), credential.id)
}

/// One more than the page, to know whether there is more.
pub(super) fn oldest_first(select: &mut Select, after: Option<&str>, limit: u32) {
    let after = after.and_then(|position| position.split_once('/')).and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id)));
    if let Some((at, id)) = after {
        select.and("(c.created_at > ? OR (c.created_at = ? AND c.id > ?))", params![at, at, id]);
    }
    select.push("\nORDER BY c.created_at, c.id\nLIMIT ?", params![i64::from(limit) + 1]);
}
