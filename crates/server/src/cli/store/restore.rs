//! `claviger restore`

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use claviger_authority::clock::Clock;
use claviger_authority::db::copy::{self, Replayed};

use super::super::{Outcome, Place};
use super::{Store, bar, reach};
use crate::cli::output::say;

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
        let mut words = format!("{} rows are restored; the backup's journals are whole: {}\n", restored.rows, reach(&restored.heads));
        match &restored.replayed {
            Some(replayed) => tell(&mut words, replayed).expect("writing to a string does not fail"),
            None => words.push_str(
                "No journal was given: keys and applications that were revoked after the backup work again. Revoke them anew, or restore with --journal.\n",
            ),
        }
        say(words + &format!("The server needs the master key of the server that was backed up in {}.\n", store.master_key_file.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(words: &mut String, replayed: &Replayed) -> std::fmt::Result {
    writeln!(words, "{} events were read from the journal, {} of them newer than the backup.", replayed.events, replayed.newer_events)?;
    writeln!(words, "{} revocations and other reductions of access were applied again.", replayed.total())?;
    for (kind, count) in &replayed.reapplied {
        writeln!(words, "  {count:>6} {kind}")?;
    }
    writeln!(words, "The journal goes to: {}. What was revoked after that is not known here.", reach(&replayed.heads))?;
    if !replayed.rotated.is_empty() {
        let count = replayed.rotated.len();
        writeln!(
            words,
            "{count} credentials were rotated after the backup. Their new secrets are lost and their old ones end; rotate these again:"
        )?;
        replayed.rotated.iter().try_for_each(|id| writeln!(words, "  {id}"))?;
    }
    if !replayed.unknown.is_empty() {
        let count = replayed.unknown.len();
        writeln!(
            words,
            "{count} credentials and applications were made after the backup. They are lost, for a journal holds no secrets; make new ones for:"
        )?;
        replayed.unknown.iter().try_for_each(|id| writeln!(words, "  {id}"))?;
    }
    Ok(())
}
