//! Statements of environments.

use super::Environment;
use crate::credential::Prefix;
use crate::db::{Error, Query, Row, Tx, params};
use crate::ids::EnvironmentId;

pub(super) const BY_SLUG_OR_ID: &str = "
    SELECT id, slug, name, key_prefix, issuer, revision, created_at, updated_at
    FROM environments
    WHERE slug = $1 OR id = $1";

/// Every environment, oldest first: there are few.
pub(crate) async fn all(on: &impl Query) -> Result<Vec<Environment>, Error> {
    let rows = on
        .all(
            "SELECT id, slug, name, key_prefix, issuer, revision, created_at, updated_at
             FROM environments
             ORDER BY created_at, id",
            vec![],
        )
        .await?;
    Ok(rows.iter().map(environment).collect())
}

pub(super) fn environment(row: &Row) -> Environment {
    Environment {
        id: EnvironmentId::stored(&row.text("id")),
        slug: row.text("slug"),
        name: row.text("name"),
        key_prefix: Prefix::parse(&row.text("key_prefix")).expect("a stored prefix was checked"),
        issuer: row.text("issuer"),
        revision: row.int("revision"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    }
}

/// The row of a new environment and the empty head of its journal.
pub(crate) async fn insert_row(tx: &Tx, environment: &Environment) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO environments (id, slug, name, key_prefix, issuer, revision, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, 1, $6, $6)",
        params![
            environment.id.to_string(),
            &environment.slug,
            &environment.name,
            environment.key_prefix.as_str(),
            &environment.issuer,
            environment.created_at,
        ],
    )
    .await?;
    tx.execute(
        "INSERT INTO journal_heads (environment_id, seq, hash, at) VALUES ($1, 0, $2, $3)",
        params![environment.id.to_string(), vec![0u8; 32], environment.created_at],
    )
    .await?;
    Ok(())
}
