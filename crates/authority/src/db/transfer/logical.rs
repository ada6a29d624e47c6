//! Backups as files: SQLite's own form, or lines of JSON that either engine reads.
//! A file is written beside its name and renamed when it is whole; a cut or changed one is refused.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::{Db, Error, Param};
use super::tables::{Kind, Table, all};
use super::{Carried, Progress, prepare, refuse, whole_journal};
use crate::clock::Clock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A SQLite file; only from SQLite.
    Sqlite,
    /// Lines of JSON: a header, a row each, and a trailer with count and SHA-256 of everything before.
    Logical,
}

const FORMAT: i64 = 1;
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

fn io(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    move |error| refuse(format!("{}: {error}", path.display()))
}

/// Writes a backup while the server works on. Answers how many rows it holds; SQLite's form is not counted (0).
pub async fn backup(db: &Db, to: &Path, form: Form, clock: &Clock, progress: Progress<'_>) -> Result<u64, Error> {
    if to.exists() {
        return Err(refuse(format!("{} is there already; a backup never replaces a file", to.display())));
    }
    let partial = to.with_extension("partial");
    let _ = std::fs::remove_file(&partial);
    let rows = match form {
        Form::Sqlite => db.vacuum_into(&partial).await.map(|()| 0),
        Form::Logical => write(db, &partial, clock, progress).await,
    };
    let settled = rows.and_then(|rows| {
        std::fs::set_permissions(&partial, std::fs::Permissions::from_mode(0o600)).map_err(io(&partial))?;
        File::open(&partial).and_then(|file| file.sync_all()).map_err(io(&partial))?;
        std::fs::rename(&partial, to).map_err(io(to))?;
        Ok(rows)
    });
    if settled.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    settled
}

/// A writer that knows the digest of what went through it.
struct Hashed {
    inner: BufWriter<File>,
    hash: Sha256,
}

impl Hashed {
    fn line(&mut self, value: &Value) -> std::io::Result<()> {
        let line = format!("{value}\n");
        self.hash.update(line.as_bytes());
        self.inner.write_all(line.as_bytes())
    }
}

async fn write(db: &Db, to: &Path, clock: &Clock, progress: Progress<'_>) -> Result<u64, Error> {
    let file = File::options().write(true).create_new(true).mode(0o600).open(to).map_err(io(to))?;
    let mut out = Hashed { inner: BufWriter::new(file), hash: Sha256::new() };
    let snapshot = db.snapshot().await?;
    let tables = all();
    let mut total = 0;
    for table in &tables {
        total += table.count(&snapshot).await?;
    }
    out.line(&json!({ "claviger_backup": FORMAT, "created_at": clock.now(), "rows": total })).map_err(io(to))?;
    let mut rows = 0;
    for table in &tables {
        let mut after = None;
        loop {
            let batch = table.batch(&snapshot, after.as_deref()).await?;
            let Some(last) = batch.last() else { break };
            after = Some(table.key(last).to_vec());
            rows += batch.len() as u64;
            for row in &batch {
                out.line(&json!({ "table": table.name, "row": row.iter().map(value).collect::<Vec<_>>() })).map_err(io(to))?;
            }
            progress(rows, total);
        }
    }
    snapshot.rollback().await?;
    let digest = hex(&out.hash.clone().finalize());
    out.line(&json!({ "rows": rows, "sha256": digest })).map_err(io(to))?;
    out.inner.flush().map_err(io(to))?;
    Ok(rows)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn value(param: &Param) -> Value {
    match param {
        Param::Int(value) => json!(value),
        Param::Text(value) => json!(value),
        Param::Bytes(value) => json!(value.as_ref().map(|bytes| STANDARD.encode(bytes))),
    }
}

fn param(value: &Value, kind: Kind) -> Option<Param> {
    match kind {
        Kind::Int if value.is_null() => Some(Param::Int(None)),
        Kind::Text if value.is_null() => Some(Param::Text(None)),
        Kind::Bytes if value.is_null() => Some(Param::Bytes(None)),
        Kind::Int => value.as_i64().map(|value| Param::Int(Some(value))),
        Kind::Text => value.as_str().map(|value| Param::Text(Some(value.to_owned()))),
        Kind::Bytes => value.as_str().and_then(|value| STANDARD.decode(value).ok()).map(|value| Param::Bytes(Some(value))),
    }
}

pub(super) fn is_logical(file: &Path) -> Result<bool, Error> {
    let mut start = Vec::new();
    File::open(file).map_err(io(file))?.take(SQLITE_MAGIC.len() as u64).read_to_end(&mut start).map_err(io(file))?;
    Ok(start != SQLITE_MAGIC)
}

fn lines(file: &Path) -> Result<impl Iterator<Item = Result<String, Error>> + '_, Error> {
    let reader = BufReader::new(File::open(file).map_err(io(file))?);
    Ok(reader.lines().map(move |line| line.map_err(io(file))))
}

/// Reads the whole file before anything is written: is it one, is it whole, and is it what it was?
fn check(file: &Path) -> Result<u64, Error> {
    let (mut hash, mut count, mut last) = (Sha256::new(), 0u64, String::new());
    for line in lines(file)? {
        let line = line?;
        if count == 0 && parse(&line)?["claviger_backup"] != FORMAT {
            return Err(refuse(format!("{} is not a backup that this release reads", file.display())));
        }
        if count > 0 {
            hash.update(last.as_bytes());
            hash.update(b"\n");
        }
        last = line;
        count += 1;
    }
    let trailer = parse(&last).unwrap_or_default();
    if count < 2 || trailer["sha256"] != hex(&hash.finalize()).as_str() || trailer["rows"].as_u64() != Some(count - 2) {
        return Err(refuse(format!("{} is cut off or was changed: its digest does not fit", file.display())));
    }
    Ok(count - 2)
}

fn parse(line: &str) -> Result<Value, Error> {
    serde_json::from_str(line).map_err(|_| refuse("the backup holds a line that is not JSON"))
}

pub(super) async fn restore(file: &Path, to: &Db, clock: &Clock, progress: Progress<'_>) -> Result<Carried, Error> {
    let total = check(file)?;
    prepare(to, clock).await?;
    let target = to.begin().await?;
    let tables = all();
    let mut rows = 0;
    for line in lines(file)?.skip(1).take(total as usize) {
        let line = parse(&line?)?;
        let table = tables.iter().find(|table| line["table"] == table.name);
        let placed = table.and_then(|table| Some((table, row(table, &line["row"])?)));
        let (table, row) = placed.ok_or_else(|| refuse("the backup holds a row of another shape"))?;
        table.insert(&target, row).await?;
        rows += 1;
        progress(rows, total);
    }
    target.commit().await?;
    Ok(Carried { rows, journal_events: whole_journal(to).await? })
}

fn row(table: &Table, values: &Value) -> Option<Vec<Param>> {
    let values = values.as_array().filter(|values| values.len() == table.columns.len())?;
    values.iter().zip(&table.columns).map(|(value, (_, kind))| param(value, *kind)).collect()
}
