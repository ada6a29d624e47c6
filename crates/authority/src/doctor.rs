//! Looking for what is wrong with an installation, in plain words. It changes nothing.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use crate::clock::{Clock, Timestamp};
use crate::db::{Db, Location, PoolSizes, Query};
use crate::environments;
use crate::journal;
use crate::rng::Rng;
use crate::seal::MasterKey;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    Warning,
    Failure,
}

/// One thing that was looked at.
#[derive(Debug)]
pub struct Check {
    pub name: &'static str,
    pub outcome: Outcome,
    /// What was found, and what to do where something is wrong.
    pub words: String,
}

/// What to look at.
pub struct Patient {
    pub location: Location,
    pub master_key_file: PathBuf,
    pub data_dir: PathBuf,
    pub public_url: String,
    pub clock: Clock,
}

fn found(name: &'static str, outcome: Outcome, words: impl Into<String>) -> Check {
    Check { name, outcome, words: words.into() }
}

/// Runs every check that can be run; a database that cannot be reached leaves out those that need it.
pub async fn examine(patient: &Patient) -> Vec<Check> {
    let mut checks = vec![issuer(&patient.public_url), key_file(patient), disk(patient)];
    match Db::open(&patient.location, PoolSizes::default(), false).await {
        Err(error) => checks.push(found("database", Outcome::Failure, error.to_string())),
        Ok(db) => {
            checks.push(found("database", Outcome::Ok, format!("{} answers", patient.location.engine())));
            checks.extend(inside(&db, patient).await);
            db.close().await;
        }
    }
    checks
}

async fn inside(db: &Db, patient: &Patient) -> Vec<Check> {
    let mut checks = Vec::new();
    match db.pending_migrations().await {
        Ok(pending) if pending.is_empty() => checks.push(found("schema", Outcome::Ok, "every migration has run")),
        Ok(pending) => {
            checks.push(found(
                "schema",
                Outcome::Warning,
                format!("{} migrations will run at the next start: make a backup before", pending.len()),
            ));
            return checks;
        }
        Err(error) => {
            checks.push(found("schema", Outcome::Failure, error.to_string()));
            return checks;
        }
    }
    checks.push(match journal::verify(db).await {
        Ok(Ok(events)) => found("journal", Outcome::Ok, format!("{events} events, gapless and whole")),
        Ok(Err(broken)) => found(
            "journal",
            Outcome::Failure,
            format!(
                "event {} of {}: {}. Somebody wrote to the database: restore a backup, and find out who",
                broken.seq, broken.environment, broken.what
            ),
        ),
        Err(error) => found("journal", Outcome::Failure, error.to_string()),
    });
    checks.push(clock(db, patient.clock.now()).await);
    checks.push(peppers(db, patient).await);
    checks
}

async fn clock(db: &Db, now: Timestamp) -> Check {
    let last = db.one("SELECT COALESCE(MAX(at), 0) AS at FROM journal_heads", vec![]).await.map(|row| row.time("at"));
    match last {
        Ok(last) if last > now.plus_seconds(1) => {
            found("clock", Outcome::Failure, format!("it is {now} here, but the last change was at {last}: set the clock (NTP)"))
        }
        Ok(_) => found("clock", Outcome::Ok, format!("{now}, after the last change")),
        Err(error) => found("clock", Outcome::Failure, error.to_string()),
    }
}

async fn peppers(db: &Db, patient: &Patient) -> Check {
    let opened = async {
        let master = MasterKey::load(&patient.master_key_file, false, Rng).map_err(|error| error.to_string())?;
        for environment in environments::all(db).await.map_err(|error| error.to_string())? {
            let rows = db
                .all("SELECT version, sealed FROM sealed_keys WHERE environment_id = $1", crate::db::params![environment.id.to_string()])
                .await
                .map_err(|error| error.to_string())?;
            for row in rows {
                let label = environments::pepper_label(environment.id, row.int("version"));
                master.open(&row.bytes("sealed"), &label).map_err(|error| error.to_string())?;
            }
        }
        Ok::<_, String>(())
    };
    match opened.await {
        Ok(()) => found("peppers", Outcome::Ok, "the master key opens them all"),
        Err(words) => found("peppers", Outcome::Failure, format!("{words}. No credential can be verified without them")),
    }
}

fn issuer(public_url: &str) -> Check {
    let host = public_url.split_once("://").map_or("", |(_, rest)| rest);
    let is_local = ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local));
    if public_url.starts_with("https://") || is_local {
        return found("issuer", Outcome::Ok, public_url);
    }
    found(
        "issuer",
        Outcome::Warning,
        format!("{public_url} is not https: credentials cross the network in the clear; set public_url, and TLS here or in front"),
    )
}

fn key_file(patient: &Patient) -> Check {
    let path = patient.master_key_file.display();
    match std::fs::metadata(&patient.master_key_file) {
        Err(error) => found("master key file", Outcome::Failure, format!("{path}: {error}")),
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => found(
            "master key file",
            Outcome::Failure,
            format!("{path} can be read by others (mode {:o}): chmod 600 it", metadata.permissions().mode() & 0o777),
        ),
        Ok(metadata) => found("master key file", Outcome::Ok, format!("{path}, mode 600, of user {}", metadata.uid())),
    }
}

fn disk(patient: &Patient) -> Check {
    let folder = patient.data_dir.display();
    match rustix::fs::statvfs(&patient.data_dir) {
        Err(error) => found("disk", Outcome::Failure, format!("{folder}: {error}")),
        Ok(space) => {
            let percent = space.f_bavail.saturating_mul(100) / space.f_blocks.max(1);
            let outcome = match percent {
                0 => Outcome::Failure,
                1..10 => Outcome::Warning,
                _ => Outcome::Ok,
            };
            let advice = if outcome == Outcome::Ok { "" } else { ": make room, or changes will be refused" };
            found("disk", outcome, format!("{folder} has {percent} % free{advice}"))
        }
    }
}
