//! `claviger export`

use std::process::ExitCode;

use claviger_authority::clock::Clock;
use claviger_authority::db::{Location, copy};

use super::super::{Outcome, Place};
use super::{Store, bar, reach};
use crate::cli::output::say;

/// The variable for `--to`, whose address may carry a password.
pub const TO: &str = "CLAVIGER_EXPORT_TO";

#[derive(clap::Args)]
pub struct Export {
    #[command(flatten)]
    pub place: Place,
    /// The empty database to copy everything into: postgres://…
    #[arg(long, value_name = "URL", env = TO, hide_env_values = true)]
    to: String,
}

impl Export {
    pub async fn run(&self, store: &Store) -> Outcome {
        let into = Location::parse(&self.to).map_err(|error| error.to_string())?;
        if !matches!((&store.location, &into), (Location::Sqlite(_), Location::Postgres(_))) {
            return Err("export goes from SQLite to postgres://…; for another way take `claviger backup --format logical` and restore it"
                .to_owned());
        }
        let exported = copy::export(&store.location, &into, &Clock::System, bar());
        let exported = exported.await.map_err(|error| format!("nothing was copied: {error}"))?;
        say(format!(
            "{} rows are copied and counted, {} events of the journal checked.\n\
             Copied: {}. What a server changed on the old database after that is not in the new one.\n\
             The old database was not changed. The master key ({}) stays the same.\n",
            exported.rows,
            exported.events,
            reach(&exported.heads),
            store.master_key_file.display()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
