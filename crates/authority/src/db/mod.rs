//! The store: one SQL text on two engines, SQLite (embedded) and PostgreSQL.
//! Reads go through [`Query`]; the only way to write is a change, which cannot commit without its journal event.

mod change;
mod migrate;
mod open;
mod query;
mod row;
mod tx;

pub mod copy;

pub use change::{Change, Committed, Retryable};
pub use migrate::{Migration, Pending};
pub use open::{Db, Location, PoolSizes};
pub(crate) use query::params;
pub use query::{Param, Query, Select, contains};
pub use row::Row;
pub use tx::Tx;

/// What can go wrong with the store, as the operator should read it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database answered: {0}")]
    Sqlx(#[from] sqlx::Error),
    #[error("the connection was lost while a change was committed, and it cannot be asked whether it was")]
    CommitUnknown,
    #[error(
        "the database was written by a newer release (migration {found}, this binary knows {known}): start that release, or restore a backup"
    )]
    NewerSchema { found: i64, known: i64 },
    #[error(
        "migration {version} was changed after it ran (checksum {found}, expected {expected}): this is not the database of this program"
    )]
    ChangedMigration { version: i64, found: String, expected: String },
    #[error(
        "the database is being migrated by another node for longer than {0} s: look at that node, or delete the row of migration_lock when it is gone"
    )]
    MigrationLocked(i64),
    #[error("no database at {0}: run `claviger init` or `claviger serve` first")]
    Missing(String),
    #[error("not a database address: {0} (want sqlite:PATH or postgres://…)")]
    Address(String),
    #[error("{0}")]
    Copy(String),
}

impl Error {
    /// The change lost a race against another transaction and may simply run again.
    fn is_retryable(&self) -> bool {
        let Self::Sqlx(sqlx::Error::Database(error)) = self else { return false };
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
    }

    /// The connection broke, so nothing is known of the statement under way.
    fn is_connection_loss(&self) -> bool {
        match self {
            Self::Sqlx(sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) => true,
            Self::Sqlx(sqlx::Error::Database(error)) => {
                matches!(error.code().as_deref(), Some("57P01" | "57P02" | "57P03" | "08006" | "08003"))
            }
            _ => false,
        }
    }
}
