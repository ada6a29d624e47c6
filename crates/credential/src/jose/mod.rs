//! JSON Object Signing: which algorithms exist here, public keys, and what is verified with them.
//! No I/O and no clock: whoever fetches keys or tells the time does so outside, and times come in as seconds since the Unix
//! epoch.
//!
//! A token passes in three steps, and each type exists only after its step: [`Compact`] is read strictly, [`Claims`] are
//! verified with a [`VerifyingKey`], and [`dpop`], [`assertion`] or the caller decides whether they are what was expected.

mod algorithm;
pub mod assertion;
mod claims;
mod compact;
pub mod dpop;
mod json;
mod jwk;
mod verifying_key;

pub use algorithm::Algorithm;
pub use claims::{Audience, ClaimError, Claims, MAX_NUMERIC_DATE, if_present};
pub use compact::{Compact, JwsError, MAX_TOKEN_LENGTH, typ_is};
pub use jwk::{JwkError, PublicJwk};
pub use verifying_key::VerifyingKey;
