//! Everything the platform decides: who may hold which credential, and whether one is good now.
//! It knows no HTTP, and it alone speaks SQL.

pub mod access;
pub mod applications;
mod authority;
pub mod clock;
pub mod db;
pub mod doctor;
pub mod environments;
pub mod error;
pub mod gate;
pub mod idempotency;
pub mod ids;
pub mod journal;
pub mod keys;
pub mod limits;
pub mod organizations;
pub mod owners;
pub mod page;
pub mod resources;
pub mod rng;
pub mod seal;
mod secrets;
pub mod text;
pub mod tokens;

pub use authority::{Authority, Context, Settings};
pub use claviger_credential as credential;
pub use error::{Error, Refusal, Result, Violation};
