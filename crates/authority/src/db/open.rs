//! Opening the database: where it is, how many connections, and the settings each engine needs.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::SqlStr;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::query::{Param, Query, bound};
use super::{Error, Row};

/// Where the database is.
#[derive(Clone)]
pub enum Location {
    Sqlite(PathBuf),
    /// A `postgres://` address; it may hold a password, so it has no `Debug`.
    Postgres(String),
}

impl Location {
    /// `sqlite:PATH` or `postgres://…`.
    pub fn parse(address: &str) -> Result<Self, Error> {
        if let Some(path) = address.strip_prefix("sqlite://").or_else(|| address.strip_prefix("sqlite:")) {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            return Ok(Self::Postgres(address.to_owned()));
        }
        let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme);
        Err(Error::Address(format!("{scheme}:…")))
    }

    pub fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// How many connections may be open at once. SQLite always writes through exactly one.
#[derive(Clone, Copy, Debug)]
pub struct PoolSizes {
    pub sqlite_readers: u32,
    pub postgres: u32,
}

impl Default for PoolSizes {
    fn default() -> Self {
        Self { sqlite_readers: 4, postgres: 16 }
    }
}

pub(super) enum Pools {
    Sqlite { write: SqlitePool, read: SqlitePool },
    Postgres(PgPool),
}

/// An open database.
pub struct Db {
    pub(super) pools: Pools,
    pub(super) rng: crate::rng::Rng,
}

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

impl Db {
    /// Opens the database; a SQLite file is made when `create` says so.
    pub async fn open(location: &Location, sizes: PoolSizes, create: bool) -> Result<Self, Error> {
        let pools = match location {
            Location::Sqlite(path) => sqlite(path, sizes.sqlite_readers, create).await?,
            Location::Postgres(address) => {
                let options = PgConnectOptions::from_str(address)
                    .map_err(|_| Error::Address("postgres://… (it cannot be read)".to_owned()))?
                    .application_name("claviger");
                let pool =
                    PgPoolOptions::new().max_connections(sizes.postgres).acquire_timeout(ACQUIRE_TIMEOUT).connect_with(options).await?;
                Pools::Postgres(pool)
            }
        };
        Ok(Self { pools, rng: crate::rng::Rng })
    }

    /// Closes every connection; SQLite folds its write-ahead log into the file.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.pools, Pools::Sqlite { .. })
    }
}

async fn sqlite(path: &Path, readers: u32, create: bool) -> Result<Pools, Error> {
    if !create && !path.exists() {
        return Err(Error::Missing(path.display().to_string()));
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(create)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(ACQUIRE_TIMEOUT)
        .pragma("cache_size", "-65536")
        .statement_cache_capacity(256);
    let write = first_connection(&options).await?;
    let read = SqlitePoolOptions::new()
        .max_connections(readers)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.pragma("query_only", "ON"))
        .await?;
    Ok(Pools::Sqlite { write, read })
}

/// SQLite turns a new file to its write-ahead log without waiting for whoever does so at the same moment, so we wait.
async fn first_connection(options: &SqliteConnectOptions) -> Result<SqlitePool, Error> {
    const PAUSE: Duration = Duration::from_millis(20);
    let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT * 6);
    for _ in 0..ACQUIRE_TIMEOUT.as_millis() / PAUSE.as_millis() {
        match pool.clone().connect_with(options.clone()).await {
            Err(sqlx::Error::Database(error)) if error.message().contains("database is locked") => tokio::time::sleep(PAUSE).await,
            opened => return Ok(opened?),
        }
    }
    Ok(pool.connect_with(options.clone()).await?)
}

impl Query for Db {
    async fn run(&self, sql: SqlStr, params: Vec<Param>) -> Result<Vec<Row>, Error> {
        Ok(match &self.pools {
            Pools::Sqlite { read, .. } => bound!(sql, params).fetch_all(read).await?.into_iter().map(Row::Sqlite).collect(),
            Pools::Postgres(pool) => bound!(sql, params).fetch_all(pool).await?.into_iter().map(Row::Postgres).collect(),
        })
    }
}
