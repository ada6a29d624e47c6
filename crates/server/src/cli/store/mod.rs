//! Commands that open the store themselves, beside a running server or without one.

pub mod backup;
pub mod doctor;
pub mod export;
pub mod journal;
pub mod restore;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use claviger_authority::db::Location;
use claviger_authority::db::copy::Head;
use indicatif::{ProgressBar, ProgressStyle};

use crate::host::config::Config;

/// Where the store and what belongs to it are.
pub struct Store {
    pub location: Location,
    pub master_key_file: PathBuf,
    pub data_dir: PathBuf,
    pub public_url: String,
}

impl Store {
    pub fn of(config: &Config) -> Result<Self, String> {
        Ok(Self {
            location: crate::serve::location(config)?,
            master_key_file: crate::serve::master_key_file(config),
            data_dir: config.data_dir.clone(),
            public_url: crate::serve::public_url(config),
        })
    }
}

/// A bar on standard error, if somebody looks at it.
fn bar() -> impl FnMut(u64, u64) {
    let bar = std::io::stderr().is_terminal().then(ProgressBar::no_length);
    if let Some(bar) = &bar {
        bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} rows").expect("the template is good"));
    }
    move |done, total| {
        let Some(bar) = &bar else { return };
        bar.set_length(total);
        bar.set_position(done);
        if done >= total {
            bar.finish_and_clear();
        }
    }
}

/// `live up to event 12 (2026-11-24T08:00:00Z)`
fn reach(heads: &[Head]) -> String {
    let reach = |head: &Head| format!("{} up to event {} ({})", head.slug, head.seq, head.time());
    heads.iter().map(reach).collect::<Vec<_>>().join(", ")
}
