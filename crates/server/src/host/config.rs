//! The configuration: one tree of keys, filled from defaults, a file, the environment and flags.
//! It never reads the ambient environment; `main` hands that in, so a test decides what is set.

mod check;
mod error;
mod keys;
mod load;
mod nearest;
mod origins;
mod print;
mod section;
mod values;

pub use error::{ConfigError, Problem};
pub use keys::{Config, Gate, Gateway, Http, Log, Postgres, Signing, Sqlite, Telemetry, TlsFiles};
pub use values::{DatabaseUrl, ForwardedHeader, LogFormat};
