//! The journal: the gapless, ordered, hash-chained log of every change, one per environment.
//! Nothing is ever updated or removed here.

mod append;
mod chain;
mod read;

use serde_json::Value;

use crate::clock::Timestamp;
use crate::ids::OrganizationId;

pub(crate) use append::append;
pub use chain::{Break, verify};
pub use read::{Entry, Filter, heads, list, since};

/// What one change did to one thing. Texts are fixed words such as `api_key.revoked`.
pub struct Event {
    pub kind: &'static str,
    pub subject: String,
    pub organization: Option<OrganizationId>,
    /// What changed, without secrets and without personal data: names and addresses stay in their tables.
    pub data: Value,
}

impl Event {
    pub fn new(kind: &'static str, subject: impl std::fmt::Display, data: Value) -> Self {
        Self { kind, subject: subject.to_string(), organization: None, data }
    }

    pub fn of(mut self, organization: impl Into<Option<OrganizationId>>) -> Self {
        self.organization = organization.into();
        self
    }
}

/// The last event of an environment's journal.
pub struct Head {
    pub seq: i64,
    pub hash: Vec<u8>,
    pub at: Timestamp,
}
