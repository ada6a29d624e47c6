//! A transaction under way. It never commits by itself: [`super::change`] does, with the journal event in hand.

use std::sync::Arc;

use sqlx::{Postgres, SqlStr, Sqlite, Transaction};
use tokio::sync::Mutex;

use super::open::Pools;
use super::query::{Param, Query, bound};
use super::{Db, Error, Row};

pub(super) enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A handle on the transaction. The mutex is never contended: a change is one line of thought.
#[derive(Clone)]
pub struct Tx(Arc<Mutex<Option<Inner>>>);

const OPEN: &str = "the transaction is open while its change runs";

impl Db {
    pub(super) async fn begin(&self) -> Result<Tx, Error> {
        let inner = match &self.pools {
            Pools::Sqlite { write, .. } => Inner::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Inner::Postgres(pool.begin().await?),
        };
        Ok(Tx(Arc::new(Mutex::new(Some(inner)))))
    }

    /// The whole database as it is now, whatever others change meanwhile: for copies and checks. It cannot write.
    pub(crate) async fn snapshot(&self) -> Result<Tx, Error> {
        let inner = match &self.pools {
            Pools::Sqlite { read, .. } => Inner::Sqlite(read.begin().await?),
            Pools::Postgres(pool) => Inner::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?),
        };
        Ok(Tx(Arc::new(Mutex::new(Some(inner)))))
    }
}

impl Tx {
    /// Runs a statement and answers how many rows it touched.
    pub async fn execute(&self, sql: &'static str, params: Vec<Param>) -> Result<u64, Error> {
        Ok(match self.0.lock().await.as_mut().expect(OPEN) {
            Inner::Sqlite(tx) => bound!(sql, params).execute(&mut **tx).await?.rows_affected(),
            Inner::Postgres(tx) => bound!(sql, params).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Runs a script of several statements without parameters, such as a migration.
    pub(super) async fn script(&self, sql: &'static str) -> Result<(), Error> {
        match self.0.lock().await.as_mut().expect(OPEN) {
            Inner::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(|_| ())?,
            Inner::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(|_| ())?,
        }
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        match self.0.lock().await.take().expect(OPEN) {
            Inner::Sqlite(tx) => tx.commit().await?,
            Inner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub(super) async fn rollback(self) -> Result<(), Error> {
        match self.0.lock().await.take().expect(OPEN) {
            Inner::Sqlite(tx) => tx.rollback().await?,
            Inner::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

impl Query for Tx {
    async fn run(&self, sql: SqlStr, params: Vec<Param>) -> Result<Vec<Row>, Error> {
        Ok(match self.0.lock().await.as_mut().expect(OPEN) {
            Inner::Sqlite(tx) => bound!(sql, params).fetch_all(&mut **tx).await?.into_iter().map(Row::Sqlite).collect(),
            Inner::Postgres(tx) => bound!(sql, params).fetch_all(&mut **tx).await?.into_iter().map(Row::Postgres).collect(),
        })
    }
}
