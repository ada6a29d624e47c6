//! `claviger init`: everything that a first start does, without serving; and the way back in when every key is lost.

use std::path::PathBuf;
use std::process::ExitCode;

use claviger_authority::access::keys;
use claviger_authority::clock::Clock;

use super::{Outcome, Place};
use crate::host::config::Config;
use crate::serve::{hand_out, open};

#[derive(clap::Args)]
pub struct Init {
    #[command(flatten)]
    pub place: Place,
    /// File for the management key (made with mode 0600); without it the terminal, once.
    #[arg(long, value_name = "FILE")]
    bootstrap_key_file: Option<PathBuf>,
    /// Hand out another key for an administrator of the whole instance, though there are keys already.
    #[arg(long)]
    another: bool,
}

impl Init {
    pub async fn run(&self, config: Config) -> Outcome {
        let authority = open(&config, Clock::System).await?;
        let file = self.bootstrap_key_file.clone();
        let made = keys::bootstrap(&authority, "live", !self.another, |secret| hand_out(secret, file.as_deref())).await;
        authority.close().await.map_err(|error| error.to_string())?;
        match made.map_err(|error| error.to_string())? {
            Some(id) => eprintln!("management key {id} was handed out"),
            None => return Err("it is initialised already; `claviger init --another` hands out a further key".to_owned()),
        }
        Ok(ExitCode::SUCCESS)
    }
}
