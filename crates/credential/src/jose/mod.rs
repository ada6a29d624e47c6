//! JSON Object Signing: which algorithms exist here, public keys, and what is signed with them.
//! No I/O and no clock: whoever fetches keys or compares times does so outside.

mod algorithm;
mod jwk;

pub use algorithm::Algorithm;
pub use jwk::{JwkError, PublicJwk};
