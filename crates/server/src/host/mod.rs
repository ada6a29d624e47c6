//! The process: configuration, logs, sockets, signals, metrics; what any server needs to run.
//! It never knows what a route does.

pub mod client_address;
pub mod config;
pub mod listen;
pub mod logs;
pub mod metrics;
pub mod notify;
pub mod request_id;
pub mod signals;
pub mod spawn;
pub mod tls;
#[cfg(feature = "otlp")]
pub mod traces;
