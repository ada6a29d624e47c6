//! The published contract: what goes over the wire, and the codes of problems.
//! It decides nothing and depends on nothing of the server.
//!
//! Times are RFC 3339 in UTC. Ids are a prefix and 26 digits of base 32 (`org_…`), those of credentials a class and
//! 17 digits of base 62 (`ak_…`). Unknown fields in requests are refused.

pub mod access_tokens;
pub mod api_keys;
pub mod applications;
pub mod environments;
pub mod journal;
pub mod list;
pub mod management_keys;
pub mod operators;
pub mod organizations;
pub mod owners;
pub mod problem;
pub mod resources;
pub mod signing_keys;
pub mod verify;

use serde::{Deserialize, Deserializer};

/// Tells a field that is absent (`None`) from one that is `null` (`Some(None)`): `null` takes a value away.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
