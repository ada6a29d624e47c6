//! `claviger doctor`. Exit code 1 when a check fails, 0 otherwise.

use std::process::ExitCode;

use claviger_authority::clock::Clock;
use claviger_authority::doctor::{Check, Installation, Outcome as Found, examine};
use serde_json::json;

use super::super::output::{Format, say};
use super::super::{Outcome, Place};
use super::Store;

#[derive(clap::Args)]
pub struct Doctor {
    #[command(flatten)]
    pub place: Place,
    /// How to print what was found.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Doctor {
    /// A configuration that cannot be read is a finding like any other.
    pub async fn run(&self, store: Result<Store, String>) -> Outcome {
        let mut checks = Vec::new();
        match store {
            Err(words) => checks.push(Check::failure("configuration", words, "see `claviger config check`; nothing else was looked at")),
            Ok(store) => {
                checks.push(Check::ok("configuration", "it can be read"));
                let Store { location, master_key_file, data_dir, public_url } = store;
                checks.extend(examine(&Installation { location, master_key_file, data_dir, public_url, clock: Clock::System }).await);
            }
        }
        match self.output {
            Format::Table => say(checks.iter().map(lines).collect::<String>())?,
            format => format.print(&json!({ "checks": checks }), &[])?,
        }
        let failed = checks.iter().any(|check| check.outcome == Found::Failure);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn lines(check: &Check) -> String {
    // What a database says of itself must not reach the terminal as an escape sequence.
    let words: String = check.words.replace('\n', "; ").chars().filter(|character| !character.is_control()).collect();
    let mut lines = format!("{:<8} {:<16} {words}\n", check.outcome.as_str(), check.name);
    if let Some(what_to_do) = check.what_to_do {
        lines.push_str(&format!("{:<8} {:<16} → {what_to_do}\n", "", ""));
    }
    lines
}
