//! `claviger config`

use std::path::Path;
use std::process::ExitCode;

use super::output::say;
use super::{Environment, Outcome, load};

#[derive(clap::Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration is good.
    Check,
    /// Print every key with its value; secrets are masked.
    Print,
}

impl ConfigCommand {
    pub fn run(&self, file: Option<&Path>, environment: &Environment) -> Outcome {
        let config = load(file, environment, &[])?;
        match self {
            Self::Check => {
                config.check().map_err(|error| error.to_string())?;
                say("the configuration is good\n")?;
            }
            Self::Print => say(config.print())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
