//! What is wrong with an installation, in plain words, each with what to do about it.
//! It changes nothing, and no secret is in what it says.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use rustix::fs::{Access, AtFlags, CWD, accessat, statvfs};
use serde::Serialize;
use sqlx::postgres::PgConnectOptions;

use crate::clock::Clock;
use crate::db::{self, Db, Location, PoolSizes, Query as _, Tx};
use crate::ids::EnvironmentId;
use crate::rng::Rng;
use crate::seal::MasterKey;
use crate::tokens::signing;
use crate::{environments, journal};

/// What is looked at.
pub struct Installation {
    pub location: Location,
    pub master_key_file: PathBuf,
    pub data_dir: PathBuf,
    /// The base of issuer addresses.
    pub public_url: String,
    pub clock: Clock,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub outcome: Outcome,
    pub words: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_to_do: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Ok,
    Warning,
    Failure,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

impl Check {
    pub fn ok(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Ok, words: words.into(), what_to_do: None }
    }

    pub fn warning(name: &'static str, words: impl Into<String>, what_to_do: &'static str) -> Self {
        Self { name, outcome: Outcome::Warning, words: words.into(), what_to_do: Some(what_to_do) }
    }

    pub fn failure(name: &'static str, words: impl Into<String>, what_to_do: &'static str) -> Self {
        Self { name, outcome: Outcome::Failure, words: words.into(), what_to_do: Some(what_to_do) }
    }
}

/// Runs every check; those that need the database are left out when it cannot be opened.
pub async fn examine(installation: &Installation) -> Vec<Check> {
    let mut checks = vec![issuer(&installation.public_url), key_file(installation), data_dir(&installation.data_dir)];
    checks.push(disk(&installation.data_dir));
    match Db::open(&installation.location, PoolSizes { sqlite_readers: 1, postgres: 2 }, false).await {
        Ok(db) => {
            database(&db, installation, &mut checks).await;
            db.close().await;
        }
        Err(error) => checks.push(Check::failure(
            "database",
            format!("{} cannot be opened: {error}", place(&installation.location)),
            "check `database` in the configuration and that the server behind it runs; a first `claviger serve` makes a SQLite file",
        )),
    }
    checks
}

/// Where the database is, without user and password.
fn place(location: &Location) -> String {
    match location {
        Location::Sqlite(path) => format!("SQLite in {}", path.display()),
        Location::Postgres(address) => match PgConnectOptions::from_str(address) {
            Ok(options) => {
                let name = options.get_database().unwrap_or("its default database");
                format!("PostgreSQL at {}:{}, {name}", options.get_host(), options.get_port())
            }
            Err(_) => "PostgreSQL at an address that cannot be read".to_owned(),
        },
    }
}

fn issuer(url: &str) -> Check {
    const NAME: &str = "issuer";
    if url.starts_with("https://") {
        return Check::ok(NAME, format!("{url} uses https"));
    }
    let host = url.strip_prefix("http://").unwrap_or_default().split('/').next().unwrap_or_default();
    let host = host.strip_prefix('[').map_or_else(|| host.split(':').next(), |host| host.split(']').next()).unwrap_or_default();
    let is_loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_loopback {
        return Check::ok(NAME, format!("{url} uses http, which is fine on this machine only"));
    }
    Check::warning(
        NAME,
        format!("{url} is not https: credentials travel in the clear, and OAuth clients refuse such an issuer"),
        "set `public_url` to an https address, and end TLS in the gateway or with `tls.certificate_file`",
    )
}

fn key_file(installation: &Installation) -> Check {
    const NAME: &str = "master key file";
    let path = installation.master_key_file.as_path();
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) => {
            let todo = "put the key of this installation there; without it nothing in the database can be opened";
            return Check::failure(NAME, format!("{}: {error}", path.display()), todo);
        }
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        return Check::failure(NAME, format!("{} has mode {mode:04o}: everybody here can use it", path.display()), "chmod 600 it");
    }
    let ours = rustix::process::geteuid().as_raw();
    let of_data = installation.data_dir.metadata().map_or(ours, |folder| folder.uid());
    let owner = metadata.uid();
    if owner != 0 && owner != ours && owner != of_data {
        let words = format!("{} belongs to user {owner}, who is neither the server nor root", path.display());
        return Check::failure(NAME, words, "chown it to the user that the server runs as");
    }
    if mode & 0o070 != 0 {
        return Check::warning(NAME, format!("{} has mode {mode:04o}: its group can use it", path.display()), "chmod 600 it");
    }
    Check::ok(NAME, format!("{} has mode {mode:04o}", path.display()))
}

fn data_dir(path: &Path) -> Check {
    const NAME: &str = "data folder";
    match accessat(CWD, path, Access::EXISTS | Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        Ok(()) => Check::ok(NAME, format!("{} can be written", path.display())),
        Err(error) => {
            let todo = "make the folder, or give it to the user that the server runs as";
            Check::failure(NAME, format!("{} cannot be written: {error}", path.display()), todo)
        }
    }
}

fn disk(path: &Path) -> Check {
    const NAME: &str = "disk";
    const TODO: &str = "make room: a full disk stops every change";
    match statvfs(path) {
        Ok(found) => free_space(path, found.f_bavail.saturating_mul(found.f_frsize), found.f_blocks.saturating_mul(found.f_frsize), TODO),
        Err(error) => Check::warning(NAME, format!("the free space of {} cannot be told: {error}", path.display()), TODO),
    }
}

fn free_space(path: &Path, free: u64, total: u64, todo: &'static str) -> Check {
    const NAME: &str = "disk";
    let per_mille = if total == 0 { 1_000 } else { u128::from(free) * 1_000 / u128::from(total) };
    let words = format!("{} MiB ({}.{} %) are free below {}", free >> 20, per_mille / 10, per_mille % 10, path.display());
    match per_mille {
        0..10 => Check::failure(NAME, words, todo),
        10..100 => Check::warning(NAME, words, todo),
        _ => Check::ok(NAME, words),
    }
}

async fn database(db: &Db, installation: &Installation, checks: &mut Vec<Check>) {
    const TODO: &str = "look at the database's own log";
    let sql = if db.is_sqlite() { "SELECT sqlite_version() AS version" } else { "SELECT current_setting('server_version') AS version" };
    let place = place(&installation.location);
    match db.one(sql, vec![]).await {
        Ok(row) => checks.push(Check::ok("database", format!("{place} answers, version {}", row.text("version")))),
        Err(error) => return checks.push(Check::failure("database", format!("{place} does not answer: {error}"), TODO)),
    }
    if db.is_sqlite() {
        checks.push(quick_check(db).await);
    }
    let schema = schema(db).await;
    let is_readable = schema.outcome != Outcome::Failure;
    checks.push(schema);
    if !is_readable {
        return;
    }
    match contents(db, installation).await {
        Ok(found) => checks.extend(found),
        Err(error) => checks.push(Check::failure("database", format!("{place} cannot be read: {error}"), TODO)),
    }
}

async fn quick_check(db: &Db) -> Check {
    const NAME: &str = "database file";
    const TODO: &str = "stop the server, keep the file for inspection, and restore a backup";
    match db.all("PRAGMA quick_check(1)", vec![]).await {
        Ok(rows) => match rows.first().map(|row| row.text("quick_check")) {
            Some(verdict) if verdict == "ok" => Check::ok(NAME, "every page is sound"),
            verdict => Check::failure(NAME, format!("it is damaged: {}", verdict.unwrap_or_default()), TODO),
        },
        Err(error) => Check::failure(NAME, format!("it is damaged: {error}"), TODO),
    }
}

async fn schema(db: &Db) -> Check {
    const NAME: &str = "schema";
    match db.pending_migrations().await {
        Ok(pending) if pending.is_empty() => Check::ok(NAME, "it is up to date"),
        Ok(pending) => {
            let names: Vec<&str> = pending.iter().map(|migration| migration.name).collect();
            let words = format!("{} migrations have not run yet: {}", pending.len(), names.join(", "));
            Check::warning(NAME, words, "nothing: the next `claviger serve` of this release runs them; take a backup before")
        }
        Err(error @ db::Error::NewerSchema { .. }) => {
            Check::failure(NAME, error.to_string(), "run the release that wrote it, or a newer one")
        }
        Err(error @ db::Error::ChangedMigration { .. }) => Check::failure(NAME, error.to_string(), "check `database` in the configuration"),
        Err(error) => Check::failure(
            NAME,
            format!("it is not a database of Claviger: {error}"),
            "check `database`, or start the server once to fill it",
        ),
    }
}

/// Everything that is read from one snapshot, so that a running server does not look like damage.
async fn contents(db: &Db, installation: &Installation) -> Result<Vec<Check>, db::Error> {
    let has_signing_keys = db.pending_migrations().await?.is_empty();
    let tx = db.snapshot().await?;
    let mut checks = vec![chain(&tx).await?, clock(&tx, &installation.clock).await?];
    if !db.is_sqlite() {
        checks.push(server_clock(db, &installation.clock).await?);
    }
    checks.push(master_key(&tx, &installation.master_key_file, has_signing_keys).await?);
    for environment in environments::all(&tx).await? {
        // One that nobody set follows the public URL, which is checked by itself.
        if !environment.issuer.is_empty() {
            checks.extend(Some(issuer(&environment.issuer)).filter(|check| check.outcome != Outcome::Ok));
        }
    }
    Ok(checks)
}

async fn chain(tx: &Tx) -> Result<Check, db::Error> {
    const NAME: &str = "journal";
    Ok(match journal::verify(tx).await? {
        Ok(events) => Check::ok(NAME, format!("all {events} events are there, unchanged and in order")),
        Err(journal::Break { environment, seq, what }) => {
            let todo =
                "somebody or something changed the database beside Claviger: keep a copy of it, then restore a backup with its journal";
            Check::failure(NAME, format!("at event {seq} of {environment}: {what}"), todo)
        }
    })
}

const CLOCK_TODO: &str = "set the clock (NTP): expiry and rate limits are judged by it";

async fn clock(tx: &Tx, clock: &Clock) -> Result<Check, db::Error> {
    const NAME: &str = "clock";
    let last = tx.one("SELECT COALESCE(MAX(at), 0) AS at FROM journal_heads", vec![]).await?.time("at");
    let now = clock.now();
    let behind = (last.micros() - now.micros()) / 1_000_000;
    Ok(match behind {
        i64::MIN..=2 => Check::ok(NAME, format!("{now}, after the last change in the journal ({last})")),
        3..=60 => Check::warning(NAME, format!("{now} is {behind} s before the last change in the journal ({last})"), CLOCK_TODO),
        _ => Check::failure(NAME, format!("{now} is {behind} s before the last change in the journal ({last})"), CLOCK_TODO),
    })
}

async fn server_clock(db: &Db, clock: &Clock) -> Result<Check, db::Error> {
    const NAME: &str = "database clock";
    const SQL: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now";
    let before = clock.now().micros();
    let theirs = db.one(SQL, vec![]).await?.int("now");
    let ours = before + (clock.now().micros() - before) / 2;
    let skew = (theirs - ours) / 1_000;
    let words = match skew {
        0.. => format!("PostgreSQL's clock is {skew} ms ahead of this machine's"),
        _ => format!("PostgreSQL's clock is {} ms behind this machine's", -skew),
    };
    Ok(match skew.abs() {
        0..=2_000 => Check::ok(NAME, words),
        2_001..=60_000 => Check::warning(NAME, words, CLOCK_TODO),
        _ => Check::failure(NAME, words, CLOCK_TODO),
    })
}

async fn master_key(tx: &Tx, master_key_file: &Path, has_signing_keys: bool) -> Result<Check, db::Error> {
    const NAME: &str = "master key";
    const TODO: &str = "put the master key that this database was made with into the file; there is no other way to open it";
    let key = match MasterKey::load(master_key_file, false, Rng) {
        Ok(key) => key,
        Err(error) => return Ok(Check::failure(NAME, error.to_string(), TODO)),
    };
    let rows = tx.all("SELECT environment_id, version, sealed FROM sealed_keys WHERE type = 'pepper'", vec![]).await?;
    for row in &rows {
        let environment = EnvironmentId::stored(&row.text("environment_id"));
        if let Err(error) = key.open(&row.bytes("sealed"), &environments::pepper_label(environment, row.int("version"))) {
            return Ok(Check::failure(NAME, error.to_string(), TODO));
        }
    }
    let signing_keys = if has_signing_keys { signing::sealed(tx).await? } else { Vec::new() };
    for (label, sealed) in &signing_keys {
        if let Err(error) = key.open(sealed, label) {
            return Ok(Check::failure(NAME, error.to_string(), TODO));
        }
    }
    Ok(Check::ok(NAME, format!("it opens all {} peppers and {} signing keys", rows.len(), signing_keys.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_be_reached_without_tls() {
        for good in ["https://auth.example.com", "http://localhost:7480", "http://127.0.0.1", "http://[::1]:7480/live"] {
            assert_eq!(issuer(good).outcome, Outcome::Ok, "{good}");
        }
        for bad in ["http://auth.example.com", "http://localhost.example.com", "http://10.0.0.1:7480", "http://[2001:db8::1]"] {
            assert_eq!(issuer(bad).outcome, Outcome::Warning, "{bad}");
        }
    }

    #[test]
    fn a_disk_warns_below_a_tenth_and_fails_below_a_hundredth() {
        let outcome = |free| free_space(Path::new("/"), free, 1_000, "").outcome;
        assert_eq!(
            [outcome(100), outcome(99), outcome(10), outcome(9)],
            [Outcome::Ok, Outcome::Warning, Outcome::Warning, Outcome::Failure]
        );
    }
}
