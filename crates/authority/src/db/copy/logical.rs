//! The logical form of a backup, the same for both engines: NDJSON with a header, one row per line, and a trailer
//! that counts and hashes what came before it, so that a file cut off or changed is recognised.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{Error, Head, about, hex};

/// Raised when a reader of the old form could misread the new one.
const FORMAT: i64 = 1;

#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    claviger_backup: i64,
    pub schema: i64,
    pub engine: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub journal: Vec<Head>,
    pub rows: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RowLine {
    pub table: String,
    /// Bytes are base64 (RFC 4648, with padding).
    pub row: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Trailer {
    /// Rows of each table.
    rows: BTreeMap<String, i64>,
    /// Of every byte before this line.
    sha256: String,
}

pub(super) struct Writer {
    out: BufWriter<File>,
    hash: Sha256,
    rows: BTreeMap<String, i64>,
}

impl Header {
    pub fn new(schema: i64, engine: &str, created_at: String, journal: Vec<Head>, rows: i64) -> Self {
        Self { claviger_backup: FORMAT, schema, engine: engine.to_owned(), created_at, journal, rows }
    }
}

impl Writer {
    pub fn begin(file: File, header: &Header) -> std::io::Result<Self> {
        let mut writer = Self { out: BufWriter::new(file), hash: Sha256::new(), rows: BTreeMap::new() };
        writer.line(header)?;
        Ok(writer)
    }

    pub fn row(&mut self, table: &str, row: Map<String, Value>) -> std::io::Result<()> {
        *self.rows.entry(table.to_owned()).or_default() += 1;
        self.line(&RowLine { table: table.to_owned(), row })
    }

    pub fn end(mut self) -> std::io::Result<()> {
        let sha256 = hex(&self.hash.clone().finalize());
        let trailer = Trailer { rows: std::mem::take(&mut self.rows), sha256 };
        self.line(&trailer)?;
        self.out.flush()
    }

    fn line(&mut self, value: &impl Serialize) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(value).expect("texts and numbers can be written");
        line.push(b'\n');
        self.hash.update(&line);
        self.out.write_all(&line)
    }
}

/// A backup in logical form whose every byte was checked.
pub(super) struct Checked {
    lines: std::io::Lines<BufReader<File>>,
    pub header: Header,
    pub counts: BTreeMap<String, i64>,
}

impl Checked {
    /// Reads the file to its end before anything is done with it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |error: std::io::Error| about(path, format!("cannot be read: {error}"));
        let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
        let (mut hash, mut last, mut line) = (Sha256::new(), Vec::new(), Vec::new());
        let mut lines = 0;
        while file.read_until(b'\n', &mut line).map_err(unreadable)? > 0 {
            hash.update(&last);
            std::mem::swap(&mut last, &mut line);
            line.clear();
            lines += 1;
        }
        let trailer = last.strip_suffix(b"\n").and_then(|last| serde_json::from_slice::<Trailer>(last).ok());
        let Some(trailer) = trailer else {
            return Err(about(path, "is cut off: its last line is missing; use another backup"));
        };
        if trailer.sha256 != hex(&hash.finalize()) || trailer.rows.values().sum::<i64>() != lines - 2 {
            return Err(about(path, "was changed after it was written; use another backup"));
        }
        let mut lines = BufReader::new(File::open(path).map_err(unreadable)?).lines();
        let first = lines.next().transpose().map_err(unreadable)?.unwrap_or_default();
        let header: Header = serde_json::from_str(&first).map_err(|_| about(path, "is not a backup: its first line is no header"))?;
        if header.claviger_backup != FORMAT {
            return Err(about(
                path,
                format!("has the form {}, and this binary reads {FORMAT}: use a newer release", header.claviger_backup),
            ));
        }
        Ok(Self { lines, header, counts: trailer.rows })
    }

    /// The next row; `None` at the trailer.
    pub fn next_row(&mut self, path: &Path) -> Result<Option<RowLine>, Error> {
        let line = self.lines.next().transpose().map_err(|error| about(path, format!("cannot be read: {error}")))?;
        Ok(line.and_then(|line| serde_json::from_str(&line).ok()))
    }
}

/// Whether the file begins as a database of SQLite does.
pub(super) fn is_sqlite(path: &Path) -> Result<bool, Error> {
    use std::io::Read as _;
    let file = File::open(path).map_err(|error| about(path, format!("cannot be read: {error}")))?;
    let mut start = Vec::new();
    file.take(16).read_to_end(&mut start).map_err(|error| about(path, format!("cannot be read: {error}")))?;
    Ok(start == b"SQLite format 3\0")
}
