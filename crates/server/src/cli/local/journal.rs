//! `claviger journal`: every event exactly as it was hashed, one a line.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use claviger_authority::journal;

use super::open;
use crate::cli::{Outcome, Place};
use crate::host::config::Config;
use crate::serve::location;

#[derive(clap::Args)]
pub struct Journal {
    #[command(flatten)]
    pub place: Place,
    /// The file to write; without it standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Journal {
    pub async fn run(&self, config: Config) -> Outcome {
        let db = open(&location(&config)?, false).await?;
        let mut out: Box<dyn std::io::Write + Send> = match &self.output {
            Some(path) => Box::new(std::fs::File::create_new(path).map_err(|error| format!("{}: {error}", path.display()))?),
            None => Box::new(std::io::stdout()),
        };
        let mut failed = None;
        let written = journal::leaves(&db, |leaf| {
            if let Err(error) = writeln!(out, "{leaf}") {
                failed.get_or_insert(error);
            }
        });
        let events = written.await.map_err(|error| error.to_string())?;
        db.close().await;
        match failed {
            Some(error) => Err(error.to_string()),
            None => {
                out.flush().map_err(|error| error.to_string())?;
                eprintln!("{events} events");
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
