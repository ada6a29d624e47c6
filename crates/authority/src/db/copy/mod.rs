//! Copies of the whole database: backup, restore, export to the other engine, and the journal as a file.
//! A copy is read from one snapshot and appears whole or not at all. The master key is never part of one.

mod backup;
mod export;
mod journal_file;
mod logical;
mod new_file;
mod replay;
mod restore;
mod schema;
mod source;
mod target;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Error, Query, Row};
use crate::clock::Timestamp;

pub use backup::{Backup, Format, backup};
pub use export::{Exported, export};
pub use journal_file::{Written, write_journal};
pub(crate) use replay::Original;
pub use replay::Replayed;
pub use restore::{Restored, restore};

/// How far the journal of one environment goes in a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub environment: String,
    pub slug: String,
    pub seq: i64,
    /// SHA-256 of the last event, 64 hexadecimal digits.
    pub hash: String,
    /// Microseconds since the Unix epoch.
    pub at: i64,
}

impl Head {
    pub fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.at)
    }
}

async fn heads(on: &impl Query) -> Result<Vec<Head>, Error> {
    let rows = on
        .all(
            "SELECT e.id, e.slug, h.seq, h.hash, h.at
             FROM environments e
             JOIN journal_heads h ON h.environment_id = e.id
             ORDER BY e.created_at, e.id",
            vec![],
        )
        .await?;
    let head = |row: &Row| Head {
        environment: row.text("id"),
        slug: row.text("slug"),
        seq: row.int("seq"),
        hash: hex(&row.bytes("hash")),
        at: row.int("at"),
    };
    Ok(rows.iter().map(head).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An error about a file, in the operator's words.
fn about(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::Copy(format!("{}: {what}", path.display()))
}
