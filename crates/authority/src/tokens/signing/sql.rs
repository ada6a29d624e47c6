//! Statements of signing keys. Private halves are read sealed, by [`all_sealed`] and [`sealed`] alone.

use super::mint::label;
use super::{Key, Status};
use crate::clock::Timestamp;
use crate::credential::jose::{Algorithm, PublicJwk};
use crate::db::{Error, Param, Query, Row, Select, Tx, params};
use crate::ids::EnvironmentId;

const KEYS: &str = "
    SELECT id, algorithm, status, provider, jwk, usable_from, created_at, published_at, activated_at, retired_at, gone_at,
           compromised_at, revision
    FROM signing_keys";

const OLDEST_FIRST: &str = "\nORDER BY created_at, id";

/// Every key of an environment, oldest first.
pub(super) async fn all(on: &impl Query, environment: EnvironmentId) -> Result<Vec<Key>, Error> {
    let mut select = Select::new(KEYS);
    select.and("environment_id = ?", params![environment.to_string()]).push(OLDEST_FIRST, vec![]);
    Ok(select.all(on).await?.iter().map(key).collect())
}

pub(super) async fn of_algorithm(on: &impl Query, environment: EnvironmentId, algorithm: Algorithm) -> Result<Vec<Key>, Error> {
    let mut select = Select::new(KEYS);
    select
        .and("environment_id = ?", params![environment.to_string()])
        .and("algorithm = ?", params![algorithm.as_str()])
        .push(OLDEST_FIRST, vec![]);
    Ok(select.all(on).await?.iter().map(key).collect())
}

pub(super) async fn by_kid(on: &impl Query, environment: EnvironmentId, kid: &str) -> Result<Option<Key>, Error> {
    let mut select = Select::new(KEYS);
    select.and("environment_id = ?", params![environment.to_string()]).and("id = ?", params![kid]);
    Ok(select.optional(on).await?.as_ref().map(key))
}

/// Every key that is not gone, oldest first, with its sealed private half.
pub(super) async fn all_sealed(on: &impl Query, environment: EnvironmentId) -> Result<Vec<(Key, Option<Vec<u8>>)>, Error> {
    let rows = on
        .all(
            "SELECT id, algorithm, status, provider, jwk, usable_from, created_at, published_at, activated_at, retired_at, gone_at,
                    compromised_at, revision, sealed
             FROM signing_keys
             WHERE environment_id = $1
               AND status <> 'gone'
             ORDER BY created_at, id",
            params![environment.to_string()],
        )
        .await?;
    Ok(rows.iter().map(|row| (key(row), row.opt_bytes("sealed"))).collect())
}

/// Every private half in the database, and what it is sealed for.
pub(crate) async fn sealed(on: &impl Query) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let rows = on.all("SELECT environment_id, id, sealed FROM signing_keys WHERE sealed IS NOT NULL", vec![]).await?;
    let label = |row: &Row| label(EnvironmentId::stored(&row.text("environment_id")), &row.text("id"));
    Ok(rows.iter().map(|row| (label(row), row.bytes("sealed"))).collect())
}

fn key(row: &Row) -> Key {
    let algorithm: Algorithm = row.text("algorithm").parse().expect("only algorithms spoken here are stored");
    Key {
        kid: row.text("id"),
        status: Status::stored(&row.text("status")),
        provider: row.text("provider"),
        jwk: PublicJwk::parse(&row.json("jwk"), algorithm).expect("a stored public key was checked"),
        usable_from: row.opt_time("usable_from"),
        created_at: row.time("created_at"),
        published_at: row.time("published_at"),
        activated_at: row.opt_time("activated_at"),
        retired_at: row.opt_time("retired_at"),
        gone_at: row.opt_time("gone_at"),
        compromised_at: row.opt_time("compromised_at"),
        revision: row.int("revision"),
    }
}

pub(super) async fn insert(tx: &Tx, environment: EnvironmentId, key: &Key, sealed: Option<Vec<u8>>) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO signing_keys
             (environment_id, id, algorithm, status, provider, sealed, jwk, usable_from, created_at, published_at, activated_at,
              revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        params![
            environment.to_string(),
            &key.kid,
            key.algorithm().as_str(),
            key.status.as_str(),
            &key.provider,
            Param::Bytes(sealed),
            key.jwk.published().to_string(),
            key.usable_from,
            key.created_at,
            key.published_at,
            key.activated_at,
            key.revision,
        ],
    )
    .await?;
    Ok(())
}

/// Writes what became of a key. The statement itself wipes the private half of one that does not sign any more.
pub(super) async fn store(tx: &Tx, environment: EnvironmentId, key: &mut Key, at: Timestamp) -> Result<(), Error> {
    key.revision += 1;
    match key.status {
        Status::Active => key.activated_at = Some(at),
        Status::Retired => key.retired_at = Some(at),
        Status::Gone => key.gone_at = Some(at),
        Status::Compromised => key.compromised_at = Some(at),
        Status::Standby => {}
    }
    tx.execute(
        "UPDATE signing_keys
         SET status = $3,
             sealed = CASE WHEN $3 IN ('standby', 'active') THEN sealed END,
             usable_from = $4,
             activated_at = $5,
             retired_at = $6,
             gone_at = $7,
             compromised_at = $8,
             revision = $9
         WHERE environment_id = $1
           AND id = $2",
        params![
            environment.to_string(),
            &key.kid,
            key.status.as_str(),
            key.usable_from,
            key.activated_at,
            key.retired_at,
            key.gone_at,
            key.compromised_at,
            key.revision,
        ],
    )
    .await?;
    Ok(())
}
