//! Commands that open the store themselves, beside a server or without one.

pub mod backup;
pub mod doctor;
pub mod journal;

use std::io::IsTerminal as _;

use claviger_authority::db::{Db, Location, PoolSizes};
use indicatif::{ProgressBar, ProgressStyle};

/// A bar where somebody watches; nothing where a program does.
fn progress() -> impl FnMut(u64, u64) + Send {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let bar = bar.with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} rows").expect("the template is fixed"));
    move |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    }
}

async fn open(location: &Location, create: bool) -> Result<Db, String> {
    Db::open(location, PoolSizes::default(), create).await.map_err(|error| error.to_string())
}
