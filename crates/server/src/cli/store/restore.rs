//! `claviger restore`

use std::path::PathBuf;
use std::process::ExitCode;

use claviger_authority::clock::Clock;
use claviger_authority::db::copy::{self, Replayed};

use super::super::{Outcome, Place};
use super::{Store, bar, reach};

#[derive(clap::Args)]
pub struct Restore {
    #[command(flatten)]
    pub place: Place,
    /// The backup, in either form.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// A journal written by `claviger journal` after the backup: what it says was revoked or narrowed is so again.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

impl Restore {
    pub async fn run(&self, store: &Store) -> Outcome {
        let restored = copy::restore(&self.from, &store.location, self.journal.as_deref(), &Clock::System, bar());
        let restored = restored.await.map_err(|error| format!("nothing was restored: {error}"))?;
        println!("{} rows are restored; the backup's journals are whole: {}", restored.rows, reach(&restored.heads));
        match &restored.replayed {
            Some(replayed) => tell(replayed),
            None => println!(
                "No journal was given: keys that were revoked after the backup work again. Revoke them anew, or restore with --journal."
            ),
        }
        println!("The server needs the master key of the server that was backed up in {}.", store.master_key_file.display());
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(replayed: &Replayed) {
    println!("{} events were read from the journal, {} of them newer than the backup.", replayed.events, replayed.newer_events);
    println!("{} revocations and other reductions of access were applied again.", replayed.total());
    for (kind, count) in &replayed.reapplied {
        println!("  {count:>6} {kind}");
    }
    println!("The journal goes to: {}. What was revoked after that is not known here.", reach(&replayed.heads));
    if !replayed.rotated.is_empty() {
        println!(
            "{} keys were rotated after the backup. Their new secrets are lost and their old ones end; rotate these keys again:",
            replayed.rotated.len()
        );
        replayed.rotated.iter().for_each(|id| println!("  {id}"));
    }
    if !replayed.unknown.is_empty() {
        println!(
            "{} keys were made after the backup. They are lost, for a journal holds no secrets; make new ones for:",
            replayed.unknown.len()
        );
        replayed.unknown.iter().for_each(|id| println!("  {id}"));
    }
}
