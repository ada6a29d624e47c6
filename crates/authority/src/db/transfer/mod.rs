//! The whole database on its way: into a backup, out of it, and from one engine to the other.
//! The master key is never part of it: without that key the peppers stay sealed.

mod logical;
mod replay;
mod tables;

use std::path::Path;

use super::{Db, Error, Location, PoolSizes, Query};
use crate::clock::Clock;
use crate::journal;

pub use logical::{Form, backup};
pub use replay::{Replayed, replay};

/// Told how many rows of how many are done.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// What was carried over.
#[derive(Debug)]
pub struct Carried {
    pub rows: u64,
    /// Events whose chain was checked at the new place.
    pub journal_events: i64,
}

fn refuse(words: impl Into<String>) -> Error {
    Error::Copy(words.into())
}

/// Copies a database into an empty one: all of it in one transaction, or nothing.
pub async fn copy(from: &Db, to: &Db, clock: &Clock, progress: Progress<'_>) -> Result<Carried, Error> {
    prepare(to, clock).await?;
    let (source, target) = (from.snapshot().await?, to.begin().await?);
    let tables = tables::all();
    let mut total = 0;
    for table in &tables {
        total += table.count(&source).await?;
    }
    let mut rows = 0;
    for table in &tables {
        let mut after = None;
        loop {
            let batch = table.batch(&source, after.as_deref()).await?;
            let Some(last) = batch.last() else { break };
            after = Some(table.key(last).to_vec());
            for row in batch {
                table.insert(&target, row).await?;
                rows += 1;
            }
            progress(rows, total);
        }
    }
    if rows != total {
        return Err(refuse(format!("{rows} rows were read of {total}: nothing was copied")));
    }
    target.commit().await?;
    source.rollback().await?;
    Ok(Carried { rows, journal_events: whole_journal(to).await? })
}

/// Restores a backup of either form into an empty place.
pub async fn restore(file: &Path, to: &Db, clock: &Clock, progress: Progress<'_>) -> Result<Carried, Error> {
    if logical::is_logical(file)? {
        return logical::restore(file, to, clock, progress).await;
    }
    let from = Db::open(&Location::Sqlite(file.to_owned()), PoolSizes::default(), false).await?;
    if !from.pending_migrations().await?.is_empty() {
        return Err(refuse("the backup is of an older release: start that release on a copy of it first"));
    }
    let carried = copy(&from, to, clock, progress).await;
    from.close().await;
    carried
}

/// Makes the schema, and refuses a place that holds anything.
async fn prepare(to: &Db, clock: &Clock) -> Result<(), Error> {
    to.migrate(clock).await?;
    if to.optional("SELECT id FROM environments LIMIT 1", vec![]).await?.is_some() {
        return Err(refuse("the place is not empty: name a new database, or remove the old one yourself"));
    }
    Ok(())
}

async fn whole_journal(db: &Db) -> Result<i64, Error> {
    match journal::verify(db).await? {
        Ok(events) => Ok(events),
        Err(broken) => Err(refuse(format!("event {} of {} in the copy is broken: {}", broken.seq, broken.environment, broken.what))),
    }
}
