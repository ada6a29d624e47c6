//! Restoring a backup into an empty place, and bringing back on it what a journal says was taken away since.

use std::path::Path;

use super::journal_file::Links;
use super::logical::{Checked, is_sqlite};
use super::replay::{self, Replayed};
use super::schema::{self, BATCH, Table, Values};
use super::source::Source;
use super::target::Target;
use super::{Error, Head, about, heads};
use crate::clock::Clock;
use crate::db::{Location, migrate};

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    pub rows: i64,
    /// Events in the backup's journal.
    pub events: i64,
    /// Where the backup's journal ends.
    pub heads: Vec<Head>,
    /// What the given journal brought, if one was given.
    pub replayed: Option<Replayed>,
}

/// Restores a backup of either form. Backup and journal are checked first; rows, revocations and schema are one
/// transaction, so that no database ever appears in which a key lives that the journal knows revoked.
pub async fn restore(
    from: &Path,
    into: &Location,
    journal: Option<&Path>,
    clock: &Clock,
    mut progress: impl FnMut(u64, u64),
) -> Result<Restored, Error> {
    let links = journal.map(Links::check).transpose()?;
    if is_sqlite(from)? {
        let source = Source::open_file(from).await?;
        let target = Target::open(into).await?;
        let restored = restore_database(&source, &target, links.as_ref(), clock, &mut progress).await;
        source.close().await;
        return target.settle(restored).await;
    }
    let backup = Checked::open(from)?;
    if backup.header.schema > migrate::newest() {
        return Err(Error::NewerSchema { found: backup.header.schema, known: migrate::newest() });
    }
    let target = Target::open(into).await?;
    let restored = restore_logical(backup, from, &target, links.as_ref(), clock, &mut progress).await;
    target.settle(restored).await
}

async fn restore_database(
    source: &Source,
    target: &Target,
    links: Option<&Links>,
    clock: &Clock,
    progress: &mut impl FnMut(u64, u64),
) -> Result<Restored, Error> {
    let counts = source.counts().await?;
    target.found(source.schema, clock.now()).await?;
    source.pour(&target.tx, counts.iter().sum(), progress).await?;
    complete(target, &source.tables, &counts, source.schema, links, clock).await
}

async fn restore_logical(
    mut backup: Checked,
    path: &Path,
    target: &Target,
    links: Option<&Links>,
    clock: &Clock,
    progress: &mut impl FnMut(u64, u64),
) -> Result<Restored, Error> {
    let (schema, total) = (backup.header.schema, backup.header.rows as u64);
    let tables = schema::tables(schema).await?;
    target.found(schema, clock.now()).await?;
    let mut done = 0;
    let mut pending: (usize, Vec<Values>) = (0, Vec::new());
    while let Some(line) = backup.next_row(path)? {
        let wrong = || about(path, format!("row {} is not one of {} in schema {schema}", done + 1, line.table));
        let place = tables.iter().position(|table| table.name == line.table).ok_or_else(wrong)?;
        let values = tables[place].parse(&line.row).ok_or_else(wrong)?;
        if pending.0 != place || pending.1.len() == BATCH {
            let rows = std::mem::take(&mut pending.1);
            tables[pending.0].insert(&target.tx, rows).await?;
            pending.0 = place;
            progress(done, total);
        }
        pending.1.push(values);
        done += 1;
    }
    tables[pending.0].insert(&target.tx, pending.1).await?;
    progress(done, total);
    let counts: Vec<i64> = tables.iter().map(|table| backup.counts.get(&table.name).copied().unwrap_or(0)).collect();
    complete(target, &tables, &counts, schema, links, clock).await
}

async fn complete(
    target: &Target,
    tables: &[Table],
    counts: &[i64],
    schema: i64,
    links: Option<&Links>,
    clock: &Clock,
) -> Result<Restored, Error> {
    let events = target.check(tables, counts, schema, clock.now()).await?;
    let heads = heads(&target.tx).await?;
    let replayed = match links {
        Some(links) => Some(replay::replay(&target.tx, &heads, links, clock, target.db.rng).await?),
        None => None,
    };
    Ok(Restored { rows: counts.iter().sum(), events, heads, replayed })
}
