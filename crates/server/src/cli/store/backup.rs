//! `claviger backup`

use std::path::PathBuf;
use std::process::ExitCode;

use claviger_authority::clock::Clock;
use claviger_authority::db::Location;
use claviger_authority::db::copy::{self, Format};

use super::super::{Outcome, Place};
use super::{Store, bar, reach};

#[derive(clap::Args)]
pub struct Backup {
    #[command(flatten)]
    pub place: Place,
    /// New file for the backup (made with mode 0600); one that exists is never overwritten.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Form of the backup; without it sqlite from SQLite, logical from PostgreSQL.
    #[arg(long, value_enum)]
    format: Option<Form>,
}

#[derive(clap::ValueEnum, Clone, Copy)]
enum Form {
    /// A SQLite database file, usable as it is.
    Sqlite,
    /// NDJSON with a checksum, for either engine.
    Logical,
}

impl Backup {
    pub async fn run(&self, store: &Store) -> Outcome {
        let format = match (self.format, &store.location) {
            (Some(Form::Sqlite), _) | (None, Location::Sqlite(_)) => Format::Sqlite,
            (Some(Form::Logical), _) | (None, Location::Postgres(_)) => Format::Logical,
        };
        let backup = copy::backup(&store.location, &self.output, format, &Clock::System, bar()).await.map_err(|error| error.to_string())?;
        eprintln!("{} rows are in {}; journals: {}", backup.rows, self.output.display(), reach(&backup.heads));
        eprintln!(
            "The master key ({}) is not in it, and without that key the backup opens nothing: keep a copy of it elsewhere.",
            store.master_key_file.display()
        );
        Ok(ExitCode::SUCCESS)
    }
}
