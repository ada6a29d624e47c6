//! Client secrets: shown once, at most five that live at once, so that a rotation always has room and nobody hoards.

mod compromise;
mod create;
mod inventory;
mod rotate;
mod update;

pub use compromise::{Compromised, compromise};
pub use create::{Created, New, create};
pub use inventory::{Filter, Listed, list as inventory};
pub use rotate::{Rotated, rotate};
pub(in crate::applications) use update::difference;
pub use update::{Update, update};

use super::Credential;
use crate::credential::Secret;

/// How many client secrets of an application may live at once.
pub const MOST_THAT_LIVE: usize = 5;

/// The plaintext, on its one way out.
pub struct Issued {
    pub credential: Credential,
    pub secret: Secret,
}
