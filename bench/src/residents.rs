//! What a million keys in memory cost: speed, bytes, and the start.

use std::io::Read as _;
use std::time::Instant;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::claviger::{Claviger, IDENTIFIER};
use crate::figures::{Report, Samples, Target, short};
use crate::load;
use crate::{Outcome, Plan};

const FEW: usize = 1_000;
/// Rows of one import.
const ROWS: usize = 1_000;
/// How many of the keys are asked for: far more than a processor's cache holds.
const ASKED: usize = 50_000;

pub fn measure(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let (mut few, _) = filled(FEW)?;
    let (mut many, imported_in) = filled(plan.keys)?;
    let name = thousands(plan.keys);
    report.add(
        format!("import of {name} keys, per second"),
        Samples::new(vec![plan.keys as f64 / imported_in]),
        Target::None,
        format!("{} s", short(imported_in)),
    );

    // What a start costs, and what memory looks like without the traces of the import.
    few.restart()?;
    let (mut starts, mut reads) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        starts.push(many.restart()?);
        reads.push(read_through(&many)?);
    }
    let seconds = |values: &[f64]| short(Samples::new(values.to_vec()).median());
    let note = format!("{} s; reading the file {} s", seconds(&starts), seconds(&reads));
    report.add(format!("start with {name} keys / reading the database file"), Samples::ratios(&starts, &reads), Target::None, note);

    let name_of = ["claviger_gate_directory_entries", "claviger_gate_directory_bytes"];
    let [[entries, bytes], [few_entries, few_bytes]] =
        [[many.metric(name_of[0])?, many.metric(name_of[1])?], [few.metric(name_of[0])?, few.metric(name_of[1])?]];
    if entries < plan.keys as f64 {
        return Err(format!("only {entries} of {} keys are resident", plan.keys));
    }
    let each_more = (bytes - few_bytes) / (entries - few_entries).max(1.0);
    let note = format!("{} more for each further key; the index is allocated whole", short(each_more));
    report.add("bytes per resident key, as /metrics counts them", Samples::new(vec![bytes / entries]), Target::None, note);
    let (large, small) = (many.process.resident_bytes(), few.process.resident_bytes());
    let held = (large - small) / (plan.keys - FEW.min(plan.keys - 1)) as f64;
    let note = format!("imported keys; {} MiB and {} MiB", short(large / 1_048_576.0), short(small / 1_048_576.0));
    report.add("bytes per resident key, by the process's memory", Samples::new(vec![held]), Target::None, note);

    let expected = "\"code\":\"VALID\"";
    let few_requests = few.requests("requests", asked(FEW))?;
    let many_requests = many.requests("requests", asked(plan.keys))?;
    let (mut few_rates, mut many_rates, mut few_tails, mut many_tails) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let seen = load::round(few.process.port, plan.connections, plan.seconds, &few_requests, expected)?;
        few_rates.push(seen.per_second);
        few_tails.push(seen.p99);
        let seen = load::round(many.process.port, plan.connections, plan.seconds, &many_requests, expected)?;
        many_rates.push(seen.per_second);
        many_tails.push(seen.p99);
    }
    let note = format!("{}/s and {}/s", seconds(&many_rates), seconds(&few_rates));
    report.add(
        format!("verify at {name} keys / at 1,000: throughput"),
        Samples::ratios(&many_rates, &few_rates),
        Target::AtLeast(0.9),
        note,
    );
    let note = format!("p99 {} µs and {} µs", seconds(&many_tails), seconds(&few_tails));
    report.add(format!("verify at {name} keys / at 1,000: p99"), Samples::ratios(&many_tails, &few_tails), Target::None, note);
    Ok(())
}

/// A server with so many imported keys, and how many seconds the import took.
fn filled(keys: usize) -> Outcome<(Claviger, f64)> {
    let server = Claviger::start(None)?;
    let mut client = server.client()?;
    let began = Instant::now();
    for first in (0..keys).step_by(ROWS) {
        let rows: Vec<_> = (first..keys.min(first + ROWS)).map(|number| row(&server, number)).collect();
        let count = rows.len();
        let done = client.post("/v1/api-keys/import", &json!({ "keys": rows }))?;
        if done["imported"] != count {
            return Err(format!("only {} of {count} rows were imported: {}", done["imported"], done["rows"][0]));
        }
        if first % 100_000 == 0 && first > 0 {
            eprintln!("# {} keys after {} s", thousands(first), short(began.elapsed().as_secs_f64()));
        }
    }
    Ok((server, began.elapsed().as_secs_f64()))
}

fn row(server: &Claviger, number: usize) -> serde_json::Value {
    let digest = Sha256::digest(credential(number));
    let mut row = server.new_key();
    row["sha256"] = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    row["resource"] = IDENTIFIER.into();
    row
}

/// The plaintext of an imported key; its digest is as good as random.
fn credential(number: usize) -> String {
    format!("sk_test_{number:024}")
}

/// Credentials from all over the keys there are.
fn asked(keys: usize) -> impl Iterator<Item = String> {
    let count = keys.min(ASKED);
    (0..count).map(move |number| credential(number * (keys / count)))
}

/// Seconds to read the database from its first byte to its last.
fn read_through(server: &Claviger) -> Outcome<f64> {
    let mut buffer = vec![0; 1 << 20];
    let began = Instant::now();
    let path = server.folder.path().join("data/claviger.db");
    let mut file = std::fs::File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    while file.read(&mut buffer).map_err(|error| error.to_string())? > 0 {}
    Ok(began.elapsed().as_secs_f64())
}

fn thousands(number: usize) -> String {
    let text = number.to_string();
    let groups: Vec<&str> = text.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
    groups.join(",")
}
