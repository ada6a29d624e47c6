//! What is wrong with a configuration, all of it at once: which key, where it was set, what to do.
//! A problem never quotes the value of a secret.

use std::fmt;

/// One thing to put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The dotted key, or what stands in its place: a variable, a file.
    pub key: String,
    /// Where it was set: `claviger.toml:3`, `CLAVIGER_LISTEN`, `--listen`.
    pub origin: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.key, self.origin, self.message)
    }
}

/// Why a configuration was refused; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (last, others) = self.problems.split_last().expect("an error has a problem");
        for problem in others {
            writeln!(f, "{problem}")?;
        }
        write!(f, "{last}")
    }
}

impl std::error::Error for ConfigError {}
