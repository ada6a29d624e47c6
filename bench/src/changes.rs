//! Creating and revoking beside what the disk can do, on both engines.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::claviger::Claviger;
use crate::client::Client;
use crate::figures::{Report, Samples, Target, short};
use crate::{Outcome, Plan};

/// Keys that are revoked and asked for at once.
const REVOCATIONS: usize = 200;
/// A page, which is the least that either database appends.
const PAGE: [u8; 4096] = [7; 4096];

pub fn measure(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let mut engines = vec![("SQLite", Claviger::start(None)?)];
    match &plan.postgres {
        Some(address) => engines.push(("PostgreSQL", Claviger::start(Some(fresh_database(address)?))?)),
        None => eprintln!("# CLAVIGER_TEST_POSTGRES is not set: PostgreSQL is left out"),
    }
    let lasts = Duration::from_secs_f64(plan.seconds / 2.0);
    let disk = engines[0].1.folder.path().join("appended");
    let mut appends = Vec::new();
    let mut alone = vec![Vec::new(); engines.len()];
    let mut together = vec![Vec::new(); engines.len()];
    for _ in 0..plan.rounds {
        appends.push(appended(&disk, lasts)?);
        for (place, (_, server)) in engines.iter().enumerate() {
            alone[place].push(created(server, 1, lasts)?);
            together[place].push(created(server, plan.connections, lasts)?);
        }
    }
    let rate = |values: &[f64]| format!("{}/s", short(Samples::new(values.to_vec()).median()));
    report.add("4 KiB in order, each with fdatasync, per second", Samples::new(appends.clone()), Target::None, "the limit of one commit");
    for (place, (engine, server)) in engines.iter().enumerate() {
        let note = |values| if *engine == "SQLite" { rate(values) } else { format!("{}; its fsync is off", rate(values)) };
        let samples = Samples::ratios(&alone[place], &appends);
        report.add(format!("creates one at a time, {engine} / synced append"), samples, Target::None, note(&alone[place]));
        let samples = Samples::ratios(&together[place], &appends);
        report.add(format!("creates 64 at once, {engine} / synced append"), samples, Target::None, note(&together[place]));
        let mut revocations = revoked(server)?;
        let violations = Samples::new(vec![revocations.violations as f64]);
        report.add(format!("revoked keys not refused at once, {engine}, of {REVOCATIONS}"), violations, Target::AtMost(0.0), "must be 0");
        let samples = Samples::ratios(&revocations.until_refused, &revocations.creates);
        let median = |values: &mut Vec<f64>| short(Samples::new(std::mem::take(values)).median() * 1e3);
        let note = format!("{} ms; a create {} ms", median(&mut revocations.until_refused), median(&mut revocations.creates));
        report.add(format!("from revoke to refused, {engine} / a create"), samples, Target::None, note);
    }
    Ok(())
}

/// Pages that reach the disk one by one, per second. Into a file of its full length already, as a write-ahead log in use
/// is: a file that grows makes the file system write more than the page.
fn appended(path: &std::path::Path, lasts: Duration) -> Outcome<f64> {
    append_pages(path, lasts).map_err(|error| format!("{}: {error}", path.display()))
}

fn append_pages(path: &std::path::Path, lasts: Duration) -> std::io::Result<f64> {
    const PAGES: u32 = 4_096;
    let mut file = File::options().create(true).truncate(true).write(true).open(path)?;
    file.write_all(&PAGE.repeat(PAGES as usize))?;
    file.sync_all()?;
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < lasts {
        if count.is_multiple_of(PAGES) {
            file.rewind()?;
        }
        file.write_all(&PAGE)?;
        file.sync_data()?;
        count += 1;
    }
    let took = began.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(f64::from(count) / took)
}

/// Keys created per second by so many callers at once.
fn created(server: &Claviger, callers: usize, lasts: Duration) -> Outcome<f64> {
    let began = Instant::now();
    let counts: Outcome<Vec<u32>> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..callers).map(|_| scope.spawn(move || create_until(server, began + lasts))).collect();
        callers.into_iter().map(|caller| caller.join().map_err(|_| "a caller panicked".to_owned())?).collect()
    });
    Ok(f64::from(counts?.iter().sum::<u32>()) / began.elapsed().as_secs_f64())
}

fn create_until(server: &Claviger, end: Instant) -> Outcome<u32> {
    let mut client = server.client()?;
    let mut count = 0;
    while Instant::now() < end {
        server.create(&mut client)?;
        count += 1;
    }
    Ok(count)
}

struct Revocations {
    /// Verifications after the acknowledged revocation that were not answered REVOKED.
    violations: usize,
    /// Seconds.
    until_refused: Vec<f64>,
    creates: Vec<f64>,
}

fn revoked(server: &Claviger) -> Outcome<Revocations> {
    let (mut client, mut asking) = (server.client()?, server.client()?);
    let mut seen = Revocations { violations: 0, until_refused: Vec::new(), creates: Vec::new() };
    for _ in 0..REVOCATIONS {
        let began = Instant::now();
        let (secret, id) = server.create(&mut client)?;
        seen.creates.push(began.elapsed().as_secs_f64());
        expect_valid(&mut asking, &secret)?;
        let began = Instant::now();
        client.post(&format!("/v1/api-keys/{id}/revoke"), &json!({ "reason": "key_compromise" }))?;
        // On another connection: what is acknowledged to one caller holds for all.
        if asking.code(&secret)? != "REVOKED" {
            seen.violations += 1;
            while asking.code(&secret)? != "REVOKED" {}
        }
        seen.until_refused.push(began.elapsed().as_secs_f64());
    }
    Ok(seen)
}

fn expect_valid(client: &mut Client, secret: &str) -> Outcome<()> {
    match client.code(secret)?.as_str() {
        "VALID" => Ok(()),
        code => Err(format!("a new key answers {code}")),
    }
}

/// A new database on the server of this address.
fn fresh_database(address: &str) -> Outcome<String> {
    let name = format!("claviger_bench_{}", std::process::id());
    let made = Command::new("psql").args([address, "-q", "-c", &format!("CREATE DATABASE {name}")]).status();
    if !made.map_err(|error| format!("psql: {error}"))?.success() {
        return Err("the PostgreSQL database could not be made".to_owned());
    }
    let (server, _) = address.rsplit_once('/').ok_or("CLAVIGER_TEST_POSTGRES names no database")?;
    Ok(format!("{server}/{name}"))
}
