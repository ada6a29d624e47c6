//! `claviger backup`, `claviger restore` and `claviger export`

use std::path::PathBuf;
use std::process::ExitCode;

use claviger_authority::clock::Clock;
use claviger_authority::db::Location;
use claviger_authority::db::transfer::{self, Form};

use super::{open, progress};
use crate::cli::{Outcome, Place};
use crate::host::config::Config;
use crate::serve::location;

#[derive(clap::Args)]
pub struct Backup {
    #[command(flatten)]
    pub place: Place,
    /// The file to write; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[arg(long, value_enum, default_value_t = BackupForm::Logical)]
    form: BackupForm,
}

#[derive(clap::ValueEnum, Clone, Copy)]
pub enum BackupForm {
    /// Lines of JSON that either engine restores.
    Logical,
    /// A SQLite file.
    Sqlite,
}

impl Backup {
    pub async fn run(&self, config: Config) -> Outcome {
        let db = open(&location(&config)?, false).await?;
        let form = match self.form {
            BackupForm::Logical => Form::Logical,
            BackupForm::Sqlite => Form::Sqlite,
        };
        let rows = transfer::backup(&db, &self.output, form, &Clock::System, &mut progress()).await.map_err(|error| error.to_string())?;
        db.close().await;
        let counted = if rows > 0 { format!("{rows} rows in ") } else { String::new() };
        println!("{counted}{}", self.output.display());
        eprintln!("The master key is not in it: keep a copy of {} elsewhere.", config.master_key_path().display());
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(clap::Args)]
pub struct Restore {
    #[command(flatten)]
    pub place: Place,
    /// The backup to read.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// A journal (`claviger journal`) that continues the backup: what it revoked is revoked again.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

impl Restore {
    pub async fn run(&self, config: Config) -> Outcome {
        let target = location(&config)?;
        if let Location::Sqlite(path) = &target
            && let Some(folder) = path.parent()
        {
            std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let db = open(&target, true).await?;
        let clock = Clock::System;
        let copied = transfer::restore(&self.from, &db, &clock, &mut progress()).await.map_err(|error| error.to_string())?;
        println!("{} rows restored, {} journal events checked", copied.rows, copied.journal_events);
        if let Some(journal) = &self.journal {
            let done = transfer::replay(&db, journal, &clock)
                .await
                .map_err(|error| format!("restored, but the journal was not applied: {error}"))?;
            println!(
                "{} events read: {} keys revoked again, {} disabled, {} narrowed, {} organizations closed",
                done.events_read, done.revoked, done.disabled, done.narrowed, done.organizations_closed
            );
            for (ids, words) in [
                (
                    &done.rotated,
                    "rotated since: the new secret is lost and the old one must not live, so it is disabled; rotate and enable it",
                ),
                (&done.unknown, "made after the backup: it is gone; make a new one"),
            ] {
                for id in ids {
                    println!("{id} was {words}");
                }
            }
        }
        db.close().await;
        eprintln!("Put the master key that belongs to it at {} before you start the server.", config.master_key_path().display());
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(clap::Args)]
pub struct Export {
    #[command(flatten)]
    pub place: Place,
    /// An empty database: postgres://… or sqlite:PATH.
    #[arg(long, value_name = "URL")]
    to: String,
}

impl Export {
    pub async fn run(&self, config: Config) -> Outcome {
        let from = open(&location(&config)?, false).await?;
        let target = Location::parse(&self.to).map_err(|error| error.to_string())?;
        let to = open(&target, true).await?;
        let copied = transfer::copy(&from, &to, &Clock::System, &mut progress()).await.map_err(|error| error.to_string())?;
        from.close().await;
        to.close().await;
        println!("{} rows copied to {}, {} journal events checked", copied.rows, target.engine(), copied.journal_events);
        eprintln!(
            "Start the server with --database and the same master key; changes made meanwhile at the old place are not in the new one."
        );
        Ok(ExitCode::SUCCESS)
    }
}
