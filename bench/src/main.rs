//! `make bench`: what Claviger costs beside the limit of each thing it does, measured side by side in one run.
//! It drives the release binary through HTTP only, and judges by ratios: absolute figures belong to one machine.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the real clock and its own environment, and waits for processes")]

mod bare;
mod changes;
mod claviger;
mod client;
mod figures;
mod load;
mod residents;
mod tokens;
mod verify;

use std::process::ExitCode;

use figures::Report;

pub type Outcome<T> = Result<T, String>;

/// What the environment says about the run.
pub struct Plan {
    /// Seconds per round.
    pub seconds: f64,
    pub rounds: usize,
    pub connections: usize,
    /// Keys of the large server.
    pub keys: usize,
    /// Address of a PostgreSQL server that may be used.
    pub postgres: Option<String>,
    /// Which parts to run; empty for all.
    pub only: Option<String>,
}

impl Plan {
    fn read() -> Self {
        Self {
            seconds: number("CLAVIGER_BENCH_SECONDS", 2.0),
            rounds: number("CLAVIGER_BENCH_ROUNDS", 5.0) as usize,
            connections: 64,
            keys: number("CLAVIGER_BENCH_KEYS", 1_000_000.0) as usize,
            postgres: std::env::var("CLAVIGER_TEST_POSTGRES").ok().filter(|address| !address.is_empty()),
            only: std::env::var("CLAVIGER_BENCH_ONLY").ok(),
        }
    }

    fn wants(&self, part: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only.split(',').any(|wanted| wanted == part))
    }
}

fn number(name: &str, default: f64) -> f64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        // The bench starts itself again in these two parts.
        ["limit", body] => bare::serve(body),
        ["load", rest @ ..] => load::run(rest),
        _ => measure(&Plan::read()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("claviger-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

type Part = fn(&Plan, &mut Report) -> Outcome<()>;

fn measure(plan: &Plan) -> Outcome<()> {
    let mut report = Report::default();
    let parts: [(&str, Part); 4] =
        [("verify", verify::measure), ("tokens", tokens::measure), ("residents", residents::measure), ("changes", changes::measure)];
    let mut failures = Vec::new();
    for (name, part) in parts {
        if plan.wants(name) {
            eprintln!("# {name}");
            // One part that fails leaves the others measured.
            if let Err(error) = part(plan, &mut report) {
                failures.push(format!("{name}: {error}"));
            }
        }
    }
    report.print(plan);
    if failures.is_empty() { Ok(()) } else { Err(format!("could not be measured: {}", failures.join("; "))) }
}
