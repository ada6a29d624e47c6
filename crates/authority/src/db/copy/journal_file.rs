//! The journal as a file: the exact text of every event, one per line, so that its hash chain can be checked anywhere.
//! No event vouches for the last one, so a closing line does: without it a file cut off would silently lose revocations.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::new_file::NewFile;
use super::source::Source;
use super::{Error, Head, about, heads, hex};
use crate::db::{Location, Query as _, params};

/// What was written.
#[derive(Debug)]
pub struct Written {
    pub events: i64,
    /// Where the written journals end.
    pub heads: Vec<Head>,
}

const BATCH: i64 = 1_000;

/// Writes the events after `after_seq` of one environment (slug or id), or of all, to a new file (0600).
pub async fn write_journal(location: &Location, output: &Path, environment: Option<&str>, after_seq: i64) -> Result<Written, Error> {
    let source = Source::open(location).await?;
    let written = write(&source, output, environment, after_seq).await;
    source.close().await;
    written
}

async fn write(source: &Source, output: &Path, environment: Option<&str>, after_seq: i64) -> Result<Written, Error> {
    let mut heads = heads(&source.tx).await?;
    if let Some(named) = environment {
        heads.retain(|head| head.slug == named || head.environment == named);
        if heads.is_empty() {
            return Err(Error::Copy(format!("there is no environment {named:?}")));
        }
    }
    let (new, file) = NewFile::begin(output, source.db.rng)?;
    let unwritten = |error: std::io::Error| about(output, format!("cannot be written: {error}"));
    let mut out = BufWriter::new(file);
    let mut events = 0;
    for head in &heads {
        let mut seq = after_seq;
        loop {
            let rows = source
                .tx
                .all(
                    "SELECT seq, leaf
                     FROM journal
                     WHERE environment_id = $1
                       AND seq > $2
                     ORDER BY seq
                     LIMIT $3",
                    params![&head.environment, seq, BATCH],
                )
                .await?;
            for row in &rows {
                writeln!(out, "{}", row.text("leaf")).map_err(unwritten)?;
                seq = row.int("seq");
                events += 1;
            }
            if rows.len() < BATCH as usize {
                break;
            }
        }
    }
    let end = End { journal_ends: heads.clone() };
    writeln!(out, "{}", serde_json::to_string(&end).expect("texts and numbers can be written")).map_err(unwritten)?;
    out.flush().map_err(unwritten)?;
    drop(out);
    new.publish()?;
    Ok(Written { events, heads })
}

/// One event of the file.
#[derive(Deserialize)]
pub(super) struct Event {
    pub environment: String,
    pub seq: i64,
    pub at: i64,
    pub kind: String,
    pub subject: String,
    #[serde(default)]
    pub data: Value,
    pub previous: String,
    /// SHA-256 of the line.
    #[serde(skip)]
    pub hash: String,
}

/// The closing line: where the journals end. Files may be put one behind the other, each with its own.
#[derive(Serialize, Deserialize)]
struct End {
    journal_ends: Vec<Head>,
}

enum Line {
    Event(Event),
    End(Vec<Head>),
}

/// One environment's events in the file: an unbroken chain.
pub(super) struct Link {
    pub first_seq: i64,
    pub first_previous: String,
    pub last_seq: i64,
    pub last_hash: String,
    pub last_at: i64,
}

/// A journal file whose every chain was checked in itself.
pub(super) struct Links {
    pub path: PathBuf,
    pub by_environment: BTreeMap<String, Link>,
    pub events: i64,
}

impl Links {
    /// Reads the file to its end; a changed, missing or moved event is refused, and a file that is cut off.
    pub fn check(path: &Path) -> Result<Self, Error> {
        let mut links = Self { path: path.to_owned(), by_environment: BTreeMap::new(), events: 0 };
        let (mut open, mut is_closed) = (BTreeSet::new(), false);
        for line in links.lines()? {
            match line? {
                Line::Event(event) => {
                    open.insert(event.environment.clone());
                    links.add(event)?;
                }
                Line::End(heads) => {
                    is_closed = true;
                    for head in heads {
                        let link = links.by_environment.get(&head.environment);
                        if link.is_some_and(|link| (link.last_seq, &link.last_hash) != (head.seq, &head.hash)) {
                            let (seq, environment) = (head.seq, head.environment);
                            return Err(about(path, format!("event {seq} of {environment}, the last one, was changed or is missing")));
                        }
                        open.remove(&head.environment);
                    }
                }
            }
        }
        if is_closed && open.is_empty() { Ok(links) } else { Err(about(path, "is cut off: its closing line is missing")) }
    }

    fn add(&mut self, event: Event) -> Result<(), Error> {
        self.events += 1;
        let Some(link) = self.by_environment.get_mut(&event.environment) else {
            let link = Link {
                first_seq: event.seq,
                first_previous: event.previous,
                last_seq: event.seq,
                last_hash: event.hash,
                last_at: event.at,
            };
            self.by_environment.insert(event.environment, link);
            return Ok(());
        };
        let broken = |what: &str| Err(about(&self.path, format!("event {} of {} {what}", event.seq, event.environment)));
        if event.seq != link.last_seq + 1 {
            return broken("does not come next: events are missing before it");
        }
        if event.previous != link.last_hash {
            return broken("does not follow the one before it: one of them was changed");
        }
        if event.at < link.last_at {
            return broken("lies before the one before it in time");
        }
        (link.last_seq, link.last_hash, link.last_at) = (event.seq, event.hash, event.at);
        Ok(())
    }

    /// What the file has at that place of a journal.
    pub fn hash_at(&self, environment: &str, seq: i64) -> Result<Option<String>, Error> {
        for event in self.read()? {
            let event = event?;
            if event.environment == environment && event.seq == seq {
                return Ok(Some(event.hash));
            }
        }
        Ok(None)
    }

    /// The events in the order of the file.
    pub fn read(&self) -> Result<impl Iterator<Item = Result<Event, Error>> + use<>, Error> {
        Ok(self.lines()?.filter_map(|line| match line {
            Ok(Line::Event(event)) => Some(Ok(event)),
            Ok(Line::End(_)) => None,
            Err(error) => Some(Err(error)),
        }))
    }

    fn lines(&self) -> Result<impl Iterator<Item = Result<Line, Error>> + use<>, Error> {
        let path = self.path.clone();
        let file = File::open(&path).map_err(|error| about(&path, format!("cannot be read: {error}")))?;
        Ok(BufReader::new(file).lines().enumerate().map(move |(place, line)| {
            let line = line.map_err(|error| about(&path, format!("cannot be read: {error}")))?;
            if let Ok(end) = serde_json::from_str::<End>(&line) {
                return Ok(Line::End(end.journal_ends));
            }
            let mut event: Event =
                serde_json::from_str(&line).map_err(|_| about(&path, format!("line {} is not an event of a journal", place + 1)))?;
            event.hash = hex(&Sha256::digest(line.as_bytes()));
            Ok(Line::Event(event))
        }))
    }
}
