//! `claviger journal`

use std::path::PathBuf;
use std::process::ExitCode;

use claviger_authority::db::copy;

use super::super::{Outcome, Place};
use super::{Store, reach};

#[derive(clap::Args)]
pub struct Journal {
    #[command(flatten)]
    pub place: Place,
    /// New file for the events, one per line (made with mode 0600); one that exists is never overwritten.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Only events after this one; sequence numbers belong to an environment.
    #[arg(long, value_name = "N", requires = "environment", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    after_seq: i64,
    /// Only this environment (slug or id); without it all of them.
    #[arg(long, value_name = "SLUG")]
    environment: Option<String>,
}

impl Journal {
    pub async fn run(&self, store: &Store) -> Outcome {
        let written = copy::write_journal(&store.location, &self.output, self.environment.as_deref(), self.after_seq);
        let written = written.await.map_err(|error| error.to_string())?;
        eprintln!("{} events are in {}: {}", written.events, self.output.display(), reach(&written.heads));
        Ok(ExitCode::SUCCESS)
    }
}
