//! Backup, while servers run. The file appears under its name only when it is whole.

use std::path::Path;

use super::logical::{Header, Writer};
use super::new_file::NewFile;
use super::schema::BATCH;
use super::source::Source;
use super::{Error, Head, about, heads};
use crate::clock::Clock;
use crate::db::Location;
use crate::db::open::Pools;

/// How a backup is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A database file of SQLite, usable as it is. Only from SQLite.
    Sqlite,
    /// NDJSON, from either engine into either engine.
    Logical,
}

/// What a backup holds.
#[derive(Debug)]
pub struct Backup {
    pub rows: i64,
    pub heads: Vec<Head>,
}

/// Writes a backup to a new file (0600). `progress` hears how many rows of how many are done.
pub async fn backup(
    location: &Location,
    output: &Path,
    format: Format,
    clock: &Clock,
    mut progress: impl FnMut(u64, u64),
) -> Result<Backup, Error> {
    if format == Format::Sqlite && matches!(location, Location::Postgres(_)) {
        return Err(Error::Copy("the sqlite form is only for SQLite: take the logical form".to_owned()));
    }
    let source = Source::open(location).await?;
    let written = match format {
        Format::Logical => logical(&source, location, output, clock, &mut progress).await,
        Format::Sqlite => sqlite(&source, output, &mut progress).await,
    };
    source.close().await;
    written
}

async fn logical(
    source: &Source,
    location: &Location,
    output: &Path,
    clock: &Clock,
    progress: &mut impl FnMut(u64, u64),
) -> Result<Backup, Error> {
    let heads = heads(&source.tx).await?;
    let rows: i64 = source.counts().await?.iter().sum();
    let header = Header::new(source.schema, location.engine(), clock.now().to_string(), heads.clone(), rows);
    let (new, file) = NewFile::begin(output, source.db.rng)?;
    let unwritten = |error: std::io::Error| about(output, format!("cannot be written: {error}"));
    let mut writer = Writer::begin(file, &header).map_err(unwritten)?;
    let mut done = 0;
    for table in &source.tables {
        let mut last = None;
        loop {
            let batch = table.after(&source.tx, last.as_ref()).await?;
            let count = batch.len();
            last = batch.last().cloned();
            for values in batch {
                writer.row(&table.name, table.to_json(values)).map_err(unwritten)?;
            }
            done += count as u64;
            progress(done, rows as u64);
            if count < BATCH {
                break;
            }
        }
    }
    writer.end().map_err(unwritten)?;
    new.publish()?;
    Ok(Backup { rows, heads })
}

async fn sqlite(source: &Source, output: &Path, progress: &mut impl FnMut(u64, u64)) -> Result<Backup, Error> {
    let Pools::Sqlite { write, .. } = &source.db.pools else { unreachable!("refused by the caller") };
    let (new, _) = NewFile::begin(output, source.db.rng)?;
    // It reads under a snapshot of its own and takes no lock that a writer waits for; the reading connections may write
    // no file at all. SQLite accepts a file that is there as long as it is empty.
    let name = new.temporary().to_str().ok_or_else(|| about(output, "must have a name in UTF-8"))?;
    sqlx::query("VACUUM INTO $1").bind(name).execute(write).await?;
    let copy = Source::open_file(new.temporary()).await?;
    let (heads, counts) = (heads(&copy.tx).await?, copy.counts().await?);
    copy.close().await;
    new.publish()?;
    let rows = counts.iter().sum();
    progress(rows as u64, rows as u64);
    Ok(Backup { rows, heads })
}
