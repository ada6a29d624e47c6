//! The one way to write. State and journal event commit together, or neither does.

use std::future::Future;
use std::time::Duration;

use super::{Db, Error, Query, Tx, params};
use crate::authority::Context;
use crate::clock::Timestamp;
use crate::environments;
use crate::ids::{ChangeId, EnvironmentId};
use crate::journal::{self, Event, Head};

/// What the body of a change decided.
pub enum Change<T> {
    /// Rows were written, and these events tell of it. At least one: a change without an event is refused.
    Made(T, Vec<Event>),
    /// Nothing needs to change, as when a revoked key is revoked again. Whatever was written is rolled back.
    Nothing(T),
}

/// A change's value and the journal's sequence number after it.
pub struct Committed<T> {
    pub value: T,
    pub journal_seq: i64,
    /// The time the change carries in the journal.
    pub at: Timestamp,
}

/// How the environment's journal head comes to be held.
#[derive(Clone, Copy)]
enum Opening {
    Locking,
    Founding,
}

const ATTEMPTS: u32 = 5;

impl Db {
    /// Runs the body in a transaction that first locks the environment's journal head, so that commit order
    /// is sequence order. A serialization failure runs the body again; a connection lost in `COMMIT` is
    /// resolved by asking the journal whether the change is there, never by running it twice.
    pub async fn change<T, E, F, Fut>(&self, context: &Context, body: F) -> Result<Committed<T>, E>
    where
        E: From<Error> + Retryable,
        F: Fn(Tx, Timestamp) -> Fut,
        Fut: Future<Output = Result<Change<T>, E>> + Send,
    {
        self.change_from(context, Opening::Locking, body).await
    }

    /// The first change of an environment: its row and its journal begin in the same transaction.
    pub(crate) async fn found<T, E, F, Fut>(&self, context: &Context, body: F) -> Result<Committed<T>, E>
    where
        E: From<Error> + Retryable,
        F: Fn(Tx, Timestamp) -> Fut,
        Fut: Future<Output = Result<Change<T>, E>> + Send,
    {
        self.change_from(context, Opening::Founding, body).await
    }

    async fn change_from<T, E, F, Fut>(&self, context: &Context, opening: Opening, body: F) -> Result<Committed<T>, E>
    where
        E: From<Error> + Retryable,
        F: Fn(Tx, Timestamp) -> Fut,
        Fut: Future<Output = Result<Change<T>, E>> + Send,
    {
        let mut attempt = 1;
        loop {
            match self.attempt(context, opening, &body).await {
                Err(error) if error.is_retryable() && attempt < ATTEMPTS => {
                    tokio::time::sleep(Duration::from_millis(5 << attempt)).await;
                    attempt += 1;
                }
                settled => return settled,
            }
        }
    }

    async fn attempt<T, E, F, Fut>(&self, context: &Context, opening: Opening, body: &F) -> Result<Committed<T>, E>
    where
        E: From<Error> + Retryable,
        F: Fn(Tx, Timestamp) -> Fut,
        Fut: Future<Output = Result<Change<T>, E>> + Send,
    {
        let tx = self.begin().await?;
        if matches!(opening, Opening::Founding) {
            environments::insert_row(&tx, &context.environment).await?;
        }
        let head = lock_head(&tx, context.environment.id).await?;
        // Every change has a time of its own, later than the one before, whatever the system's clock does.
        let at = context.now.max(head.at.next());
        let (value, events) = match body(tx.clone(), at).await {
            Ok(Change::Made(value, events)) => (value, events),
            Ok(Change::Nothing(value)) => {
                tx.rollback().await?;
                return Ok(Committed { value, journal_seq: head.seq, at });
            }
            Err(error) => {
                // The caller's error matters more than a failed rollback: the connection is closed then.
                let _ = tx.rollback().await;
                return Err(error);
            }
        };
        assert!(!events.is_empty(), "a change must say in the journal what it did");
        let change = ChangeId::new(at, self.rng);
        let head = journal::append(&tx, context, change, at, head, events).await?;
        if let Err(error) = tx.commit().await {
            self.settle_lost_commit(error, context, change, &head).await?;
        }
        Ok(Committed { value, journal_seq: head.seq, at })
    }

    /// After a connection lost in `COMMIT`: taking the head's lock waits for the old transaction's end,
    /// and then the journal knows.
    async fn settle_lost_commit(&self, error: Error, context: &Context, change: ChangeId, head: &Head) -> Result<(), Error> {
        if !error.is_connection_loss() {
            return Err(error);
        }
        let ask = async {
            let tx = self.begin().await?;
            lock_head(&tx, context.environment.id).await?;
            let row = tx
                .optional(
                    "SELECT change_id FROM journal WHERE environment_id = $1 AND seq = $2",
                    params![context.environment.id.to_string(), head.seq],
                )
                .await?;
            tx.rollback().await?;
            Ok::<_, Error>(row.is_some_and(|row| row.text("change_id") == change.to_string()))
        };
        match ask.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(error),
            Err(_) => Err(Error::CommitUnknown),
        }
    }

    /// Writes that are not changes of what anyone may do: usage counters, remembered answers grown old.
    pub(crate) async fn note<T, F, Fut>(&self, body: F) -> Result<T, Error>
    where
        F: FnOnce(Tx) -> Fut,
        Fut: Future<Output = Result<T, Error>> + Send,
    {
        let tx = self.begin().await?;
        match body(tx.clone()).await {
            Ok(value) => tx.commit().await.map(|()| value),
            Err(error) => {
                let _ = tx.rollback().await;
                Err(error)
            }
        }
    }
}

/// Errors that say of themselves whether the same change may run again.
pub trait Retryable {
    fn is_retryable(&self) -> bool;
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        Self::is_retryable(self)
    }
}

pub(super) async fn lock_head(tx: &Tx, environment: EnvironmentId) -> Result<Head, Error> {
    let row = tx
        .one(
            "UPDATE journal_heads
             SET seq = seq
             WHERE environment_id = $1
             RETURNING seq, hash, at",
            params![environment.to_string()],
        )
        .await?;
    Ok(Head { seq: row.int("seq"), hash: row.bytes("hash"), at: row.time("at") })
}
