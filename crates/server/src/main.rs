//! The one binary: hands arguments and environment to the command line. It does nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[allow(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    let variables = std::env::vars_os();
    let ours = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment = ours.filter(|(name, _)| name.starts_with("CLAVIGER_")).collect();
    claviger_server::cli::run(std::env::args_os().collect(), environment)
}
