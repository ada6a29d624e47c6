//! Embedded migrations, each with a checksum; two nodes may start at once.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{Db, Error, Query, Tx, params};
use crate::clock::{Clock, Timestamp};
use crate::ids::ChangeId;

/// One step of the schema.
pub struct Migration {
    pub version: i64,
    pub name: &'static str,
    sql: &'static str,
}

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "foundation", sql: include_str!("migrations/0001_foundation.sql") },
    Migration { version: 2, name: "signing_keys", sql: include_str!("migrations/0002_signing_keys.sql") },
    Migration { version: 3, name: "applications", sql: include_str!("migrations/0003_applications.sql") },
    Migration { version: 4, name: "used_tokens", sql: include_str!("migrations/0004_used_tokens.sql") },
];

impl Migration {
    fn checksum(&self) -> String {
        Sha256::digest(self.sql.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Migrations this binary knows and the database has not run.
pub type Pending = Vec<&'static Migration>;

const LOCK_SECONDS: i64 = 60;
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Tables that belong to the migrations themselves, and to one database only: copies do not carry them.
const BOOKKEEPING: &str = "
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS migration_lock (
        id BIGINT PRIMARY KEY, holder TEXT NOT NULL, locked_until BIGINT NOT NULL);
    INSERT INTO migration_lock (id, holder, locked_until) VALUES (1, '', 0) ON CONFLICT (id) DO NOTHING;";

impl Db {
    /// Brings the schema up to date. A node that finds another one migrating waits for it.
    pub async fn migrate(&self, clock: &Clock) -> Result<(), Error> {
        self.alone(clock, async { Ok(()) }).await
    }

    /// Brings the schema up to date and then runs `first`, while other nodes that start wait for the end of both.
    pub async fn alone<T, E: From<Error>>(&self, clock: &Clock, first: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.note(async |tx| tx.script(BOOKKEEPING).await).await.or_else(lost_race_to_create)?;
        let holder = ChangeId::new(clock.now(), self.rng).to_string();
        self.lock_migrations(&holder, clock).await?;
        let outcome = match self.run_pending(clock).await {
            Ok(()) => first.await,
            Err(error) => Err(error.into()),
        };
        self.note(async |tx| {
            tx.execute("UPDATE migration_lock SET locked_until = 0 WHERE id = 1 AND holder = $1", params![&holder]).await?;
            Ok(())
        })
        .await?;
        outcome
    }

    /// What is still to run; also refuses a schema that is newer or was tampered with.
    pub async fn pending_migrations(&self) -> Result<Pending, Error> {
        let rows = self.all("SELECT version, checksum FROM schema_migrations ORDER BY version", vec![]).await?;
        let known = newest();
        for row in &rows {
            let version = row.int("version");
            let Some(migration) = MIGRATIONS.iter().find(|migration| migration.version == version) else {
                return Err(Error::NewerSchema { found: version, known });
            };
            if migration.checksum() != row.text("checksum") {
                return Err(Error::ChangedMigration { version, found: row.text("checksum"), expected: migration.checksum() });
            }
        }
        let ran: Vec<i64> = rows.iter().map(|row| row.int("version")).collect();
        Ok(MIGRATIONS.iter().filter(|migration| !ran.contains(&migration.version)).collect())
    }

    async fn lock_migrations(&self, holder: &str, clock: &Clock) -> Result<(), Error> {
        let patience = clock.now().plus_seconds(2 * LOCK_SECONDS);
        loop {
            let now = clock.now();
            let tx = self.begin().await?;
            let taken = tx
                .execute(
                    "UPDATE migration_lock SET holder = $1, locked_until = $2 WHERE id = 1 AND locked_until < $3",
                    params![holder, now.plus_seconds(LOCK_SECONDS), now],
                )
                .await?;
            tx.commit().await?;
            if taken == 1 {
                return Ok(());
            }
            if clock.now() > patience {
                return Err(Error::MigrationLocked(2 * LOCK_SECONDS));
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
    }

    async fn run_pending(&self, clock: &Clock) -> Result<(), Error> {
        let pending = self.pending_migrations().await?;
        for migration in &pending {
            let now = clock.now();
            self.note(|tx| apply(tx, migration, now)).await?;
        }
        Ok(())
    }
}

/// The schema of an earlier release, or of this one, in an empty database; part of a larger transaction.
pub(super) async fn found(tx: &Tx, version: i64, now: Timestamp) -> Result<(), Error> {
    tx.script(BOOKKEEPING).await?;
    advance(tx, 0, version, now).await
}

/// The migrations after one version, up to another; part of a larger transaction.
pub(super) async fn advance(tx: &Tx, after: i64, up_to: i64, now: Timestamp) -> Result<(), Error> {
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > after && migration.version <= up_to) {
        apply(tx.clone(), migration, now).await?;
    }
    Ok(())
}

/// The newest schema that this binary knows.
pub(super) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |last| last.version)
}

async fn apply(tx: Tx, migration: &Migration, now: Timestamp) -> Result<(), Error> {
    tx.script(migration.sql).await?;
    tx.execute(
        "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
        params![migration.version, migration.name, migration.checksum(), now],
    )
    .await?;
    Ok(())
}

/// PostgreSQL lets two `CREATE TABLE IF NOT EXISTS` collide in its catalogue; the loser finds the tables made.
fn lost_race_to_create(error: Error) -> Result<(), Error> {
    match &error {
        Error::Sqlx(sqlx::Error::Database(database)) if matches!(database.code().as_deref(), Some("23505" | "42P07")) => Ok(()),
        _ => Err(error),
    }
}
