//! The command line. Exit codes: 0 done, 1 refused or failed, 2 wrong words on the command line.
//! It decides nothing: it calls a running server, or opens the store for what must be done beside one.

pub mod client;
mod config;
mod init;
mod output;
pub mod remote;
mod serve;
pub mod store;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::host::config::Config;
use store::Store;

/// Issues, validates and governs machine credentials.
#[derive(Parser)]
#[command(name = "claviger", version, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    /// Configuration file (TOML). Without it ./claviger.toml, if there is one.
    #[arg(long, global = true, env = "CLAVIGER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server.
    Serve(serve::Serve),
    /// Make the database and hand out a first management key without starting the server.
    Init(init::Init),
    /// Organizations of a running server.
    #[command(subcommand)]
    Org(remote::org::Org),
    /// Owners of a running server.
    #[command(subcommand)]
    Owner(remote::owner::Owner),
    /// Resources of a running server.
    #[command(subcommand)]
    Resource(remote::resource::Resource),
    /// API keys of a running server.
    #[command(subcommand)]
    Key(remote::key::Key),
    /// Applications of a running server, and their credentials.
    #[command(subcommand)]
    Application(remote::application::Application),
    /// Management keys of a running server.
    #[command(subcommand)]
    ManagementKey(remote::management_key::ManagementKey),
    /// Operators of a running server.
    #[command(subcommand)]
    Operator(remote::operator::Operator),
    /// Environments of a running server.
    #[command(subcommand)]
    Environment(remote::environment::Environment),
    /// Signing keys of a running server.
    #[command(subcommand)]
    SigningKeys(remote::signing_keys::SigningKeys),
    /// Copy the whole store into a file, while servers run.
    Backup(store::backup::Backup),
    /// Restore a backup into an empty place, and take away again what was taken away since.
    Restore(store::restore::Restore),
    /// Copy everything from SQLite into an empty PostgreSQL database.
    Export(store::export::Export),
    /// Write the journal into a file, event by event as it was hashed.
    Journal(store::journal::Journal),
    /// Look for what is wrong with this installation.
    Doctor(store::doctor::Doctor),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print completions for a shell.
    Completions { shell: clap_complete::Shell },
    /// Print the OpenAPI document.
    Openapi,
}

/// Where the store is, for commands that open it themselves.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Place {
    /// Folder of the server's own files.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// postgres://… or sqlite:PATH; without it SQLite in the data folder.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl Place {
    fn flags(&self) -> Vec<(&'static str, String)> {
        let data_dir = self.data_dir.as_ref().map(|dir| ("data_dir", dir.display().to_string()));
        let database = self.database.as_ref().map(|url| ("database", url.clone()));
        data_dir.into_iter().chain(database).collect()
    }
}

/// The environment that the process was started with.
pub type Environment = Vec<(String, String)>;

/// What a command ends with: an exit code, or words for standard error and exit code 1.
pub type Outcome = Result<ExitCode, String>;

/// Runs the command line.
pub fn run(arguments: Vec<OsString>, environment: Environment) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(arguments, &environment) {
        Ok(code) => code,
        Err(words) => {
            eprintln!("error: {words}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: Arguments, environment: &Environment) -> Outcome {
    let file = arguments.config;
    let load = |flags: Vec<(&'static str, String)>| load(file.as_deref(), environment, &flags);
    match arguments.command {
        Command::Serve(command) => command.run(load(command.flags())?),
        Command::Init(command) => block_on(command.run(load(command.place.flags())?)),
        Command::Org(command) => block_on(command.run(environment)),
        Command::Owner(command) => block_on(command.run(environment)),
        Command::Resource(command) => block_on(command.run(environment)),
        Command::Key(command) => block_on(command.run(environment)),
        Command::Application(command) => block_on(command.run(environment)),
        Command::ManagementKey(command) => block_on(command.run(environment)),
        Command::Operator(command) => block_on(command.run(environment)),
        Command::Environment(command) => block_on(command.run(environment)),
        Command::SigningKeys(command) => block_on(command.run(environment)),
        Command::Backup(command) => block_on(command.run(&Store::of(&load(command.place.flags())?)?)),
        Command::Restore(command) => block_on(command.run(&Store::of(&load(command.place.flags())?)?)),
        Command::Export(command) => block_on(command.run(&Store::of(&load(command.place.flags())?)?)),
        Command::Journal(command) => block_on(command.run(&Store::of(&load(command.place.flags())?)?)),
        Command::Doctor(command) => block_on(command.run(load(command.place.flags()).and_then(|config| Store::of(&config)))),
        Command::Config(command) => command.run(file.as_deref(), environment),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "claviger", &mut script);
            output::say(script)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            output::say(crate::router::document().to_pretty_json().map_err(|error| error.to_string())? + "\n")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn load(file: Option<&std::path::Path>, environment: &Environment, flags: &[(&str, String)]) -> Result<Config, String> {
    let default = std::path::Path::new("claviger.toml");
    let file = file.or_else(|| default.exists().then_some(default));
    // This one is `claviger export`'s alone.
    let variables = environment.iter().filter(|(name, _)| name != store::export::TO).cloned();
    Config::load(file, variables, flags).map_err(|error| error.to_string())
}

fn block_on(future: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("the runtime does not start: {error}"))?.block_on(future)
}
