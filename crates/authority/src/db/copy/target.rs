//! What a copy is written into: a SQLite file that is not there yet, or an empty PostgreSQL database.
//! Everything happens in one transaction, so that a failure leaves the place as empty as it was.

use std::path::Path;

use super::new_file::{NewFile, SQLITE_COMPANIONS, with_suffix};
use super::schema::{self, Table};
use super::{Error, about};
use crate::clock::Timestamp;
use crate::db::{Db, Location, PoolSizes, Tx, migrate};
use crate::journal;
use crate::rng::Rng;

pub(super) struct Target {
    pub db: Db,
    pub tx: Tx,
    file: Option<NewFile>,
}

impl Target {
    /// Refuses a place that holds anything.
    pub async fn open(location: &Location) -> Result<Self, Error> {
        match location {
            Location::Sqlite(path) => Self::in_file(path).await,
            Location::Postgres(_) => Self::of(Db::open(location, PoolSizes { sqlite_readers: 1, postgres: 2 }, false).await?, None).await,
        }
    }

    async fn in_file(path: &Path) -> Result<Self, Error> {
        if path.symlink_metadata().is_ok() {
            return Err(about(path, "is there already: restore into a place that is empty"));
        }
        // SQLite would play a write-ahead log left by another database into the new one.
        for suffix in SQLITE_COMPANIONS {
            let left = with_suffix(path, suffix);
            if left.exists() {
                return Err(about(&left, "was left by another database: move it away first"));
            }
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| about(folder, format!("cannot be made: {error}")))?;
        }
        let (file, _) = NewFile::begin(path, Rng)?;
        let sizes = PoolSizes { sqlite_readers: 1, postgres: 1 };
        let db = Db::open(&Location::Sqlite(file.temporary().to_owned()), sizes, true).await?;
        Self::of(db, Some(file)).await
    }

    async fn of(db: Db, file: Option<NewFile>) -> Result<Self, Error> {
        let tx = db.begin().await?;
        if let Some(table) = schema::present(&db, &tx).await?.first() {
            return Err(Error::Copy(format!("the database is not empty (it has a table {table}): give an empty one")));
        }
        Ok(Self { db, tx, file })
    }

    /// Makes the tables as they are in the copy.
    pub async fn found(&self, schema: i64, now: Timestamp) -> Result<(), Error> {
        migrate::found(&self.tx, schema, now).await
    }

    /// Refuses a copy that is not whole, then brings its schema up to date. Answers the number of events in the journal.
    pub async fn check(&self, tables: &[Table], counts: &[i64], schema: i64, now: Timestamp) -> Result<i64, Error> {
        for (table, expected) in tables.iter().zip(counts) {
            let found = table.count(&self.tx).await?;
            if found != *expected {
                return Err(Error::Copy(format!("{} has {found} rows in the copy and {expected} in its source", table.name)));
            }
        }
        let events = journal::verify(&self.tx).await?.map_err(|broken| {
            let journal::Break { environment, seq, what } = broken;
            Error::Copy(format!("the journal of {environment} is broken at event {seq}: {what}"))
        })?;
        migrate::advance(&self.tx, schema, migrate::newest(), now).await?;
        Ok(events)
    }

    /// Commits; a new SQLite file gets its name only now.
    async fn finish(self) -> Result<(), Error> {
        self.tx.commit().await?;
        self.db.close().await;
        self.file.map_or(Ok(()), NewFile::publish)
    }

    async fn abandon(self) {
        let _ = self.tx.rollback().await;
        self.db.close().await;
    }

    /// Keeps what was filled in, or leaves the place as it was.
    pub async fn settle<T>(self, filled: Result<T, Error>) -> Result<T, Error> {
        match filled {
            Ok(value) => self.finish().await.map(|()| value),
            Err(error) => {
                self.abandon().await;
                Err(error)
            }
        }
    }
}
