//! `claviger serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use super::{Outcome, Place};
use crate::host::config::Config;

#[derive(clap::Args)]
pub struct Serve {
    #[command(flatten)]
    place: Place,
    /// Address and port to serve on.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// File for the first management key (made with mode 0600); without it the terminal, once.
    #[arg(long, value_name = "FILE")]
    bootstrap_key_file: Option<PathBuf>,
}

impl Serve {
    pub fn flags(&self) -> Vec<(&'static str, String)> {
        let mut flags = self.place.flags();
        flags.extend(self.listen.map(|listen| ("listen", listen.to_string())));
        flags.extend(self.bootstrap_key_file.as_ref().map(|file| ("bootstrap_key_file", file.display().to_string())));
        flags
    }

    pub fn run(&self, config: Config) -> Outcome {
        crate::serve::run(config)?;
        Ok(ExitCode::SUCCESS)
    }
}
