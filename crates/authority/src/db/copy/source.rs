//! What a copy is read from: one snapshot of a database of this program, whatever its schema version.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::new_file::{SQLITE_COMPANIONS, with_suffix};
use super::schema::{self, BATCH, Table};
use super::{Error, about};
use crate::db::open::Pools;
use crate::db::{Db, Location, PoolSizes, Query, Tx};

pub(super) struct Source {
    pub db: Db,
    pub tx: Tx,
    pub schema: i64,
    pub tables: Vec<Table>,
}

impl Source {
    /// Opens a database that may be in use.
    pub async fn open(location: &Location) -> Result<Self, Error> {
        Self::of(Db::open(location, PoolSizes { sqlite_readers: 1, postgres: 2 }, false).await?).await
    }

    /// Opens a backup in SQLite's own form, after checking every page; the file is not touched.
    pub async fn open_file(path: &Path) -> Result<Self, Error> {
        let is_live = |suffix: &str| suffix != "-shm" && with_suffix(path, suffix).metadata().is_ok_and(|beside| beside.len() > 0);
        if let Some(suffix) = SQLITE_COMPANIONS.into_iter().find(|suffix| is_live(suffix)) {
            return Err(about(path, format!("has a {suffix} file beside it: it is a database in use, or one that crashed, not a backup")));
        }
        let damaged = |error: Error| about(path, format!("is damaged or cut off ({error}): use another backup"));
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
        let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.map_err(|error| damaged(error.into()))?;
        let db = Db { pools: Pools::Sqlite { write: pool.clone(), read: pool }, rng: crate::rng::Rng };
        let found = db.all("PRAGMA integrity_check(1)", vec![]).await.map_err(damaged)?;
        let verdict = found.first().map(|row| row.text("integrity_check")).unwrap_or_default();
        if verdict != "ok" {
            return Err(damaged(Error::Copy(verdict)));
        }
        Self::of(db).await
    }

    async fn of(db: Db) -> Result<Self, Error> {
        if !schema::present(&db, &db).await?.iter().any(|table| table == "schema_migrations") {
            return Err(Error::Copy("there is nothing to copy: the database is not one of Claviger".to_owned()));
        }
        // A newer schema is refused here: this binary does not know its tables.
        db.pending_migrations().await?;
        let tx = db.snapshot().await?;
        let schema = tx.one("SELECT COALESCE(MAX(version), 0) AS version FROM schema_migrations", vec![]).await?.int("version");
        let tables = schema::tables(schema).await?;
        Ok(Self { db, tx, schema, tables })
    }

    /// The number of rows of each table, in the tables' order.
    pub async fn counts(&self) -> Result<Vec<i64>, Error> {
        let mut counts = Vec::with_capacity(self.tables.len());
        for table in &self.tables {
            counts.push(table.count(&self.tx).await?);
        }
        Ok(counts)
    }

    /// Every row into a transaction of another database, whose schema is the same.
    pub async fn pour(&self, into: &Tx, total: i64, progress: &mut impl FnMut(u64, u64)) -> Result<(), Error> {
        let mut done = 0;
        for table in &self.tables {
            let mut last = None;
            loop {
                let rows = table.after(&self.tx, last.as_ref()).await?;
                let count = rows.len();
                last = rows.last().cloned();
                table.insert(into, rows).await?;
                done += count as u64;
                progress(done, total as u64);
                if count < BATCH {
                    break;
                }
            }
        }
        Ok(())
    }

    pub async fn close(self) {
        let _ = self.tx.rollback().await;
        self.db.close().await;
    }
}
