//! `claviger doctor`

use std::process::ExitCode;

use claviger_authority::clock::Clock;
use claviger_authority::doctor::{self, Patient};
use serde_json::{Value, json};

use crate::cli::output::Format;
use crate::cli::{Outcome, Place};
use crate::host::config::Config;
use crate::serve::location;

#[derive(clap::Args)]
pub struct Doctor {
    #[command(flatten)]
    pub place: Place,
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

impl Doctor {
    /// Exit code 1 when something must be mended; warnings alone are 0.
    pub async fn run(&self, config: Config) -> Outcome {
        let patient = Patient {
            location: location(&config)?,
            master_key_file: config.master_key_path(),
            data_dir: config.data_dir.clone(),
            public_url: config.issuer_base(),
            clock: Clock::System,
        };
        let checks = doctor::examine(&patient).await;
        let word = |outcome| match outcome {
            doctor::Outcome::Ok => "ok",
            doctor::Outcome::Warning => "warning",
            doctor::Outcome::Failure => "failure",
        };
        let rows: Vec<Value> =
            checks.iter().map(|check| json!({ "outcome": word(check.outcome), "check": check.name, "words": check.words })).collect();
        self.output.print(&json!({ "data": rows }), &["outcome", "check", "words"]);
        let is_well = checks.iter().all(|check| check.outcome != doctor::Outcome::Failure);
        Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
