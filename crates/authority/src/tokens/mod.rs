//! Access tokens: short-lived JWTs (RFC 9068) that applications obtain with a minting credential (RFC 6749 section 4.4).
//! Minting writes no row. What ends a token early is a short list, kept by the gate.

mod authenticate;
mod bind;
mod claims;
mod grant;
mod mint;
mod once;
mod revoke;
pub mod signing;
mod verify;

use crate::clock::Timestamp;

pub use authenticate::{Authenticated, authenticate, authenticate_by_assertion};
pub use bind::bind;
pub use grant::{Ask, Granted, grant};
pub use mint::{Minted, mint};
pub use revoke::{Named, revoke, revoke_own};
pub use verify::{Genuine, Told, Verdict, environment_of, looks_like_token, verify};

/// Why the token endpoint refuses, in the words of RFC 6749 section 5.2 and RFC 8707 section 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Who asks is not known, or may not ask now. Only who proved to be the client learns why.
    InvalidClient(&'static str),
    /// A client assertion that is genuine and yet not good.
    InvalidAssertion(String),
    /// RFC 9449 section 5.
    InvalidProof(String),
    InvalidScope(String),
    InvalidTarget(String),
    UnauthorizedClient(&'static str),
    /// Too many tokens; the number of seconds until there is one again.
    TooMany(i64),
    /// No key can sign at the moment.
    Unavailable(&'static str),
}

impl Refused {
    /// The `error` of the answer.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidClient(_) | Self::InvalidAssertion(_) => "invalid_client",
            Self::InvalidProof(_) => "invalid_dpop_proof",
            Self::InvalidScope(_) => "invalid_scope",
            Self::InvalidTarget(_) => "invalid_target",
            Self::UnauthorizedClient(_) => "unauthorized_client",
            Self::TooMany(_) | Self::Unavailable(_) => "temporarily_unavailable",
        }
    }

    /// The `error_description`: ASCII without quotation marks and backslashes (RFC 6749 section 5.2).
    pub fn description(&self) -> String {
        let text = match self {
            Self::InvalidClient(why) | Self::UnauthorizedClient(why) | Self::Unavailable(why) => (*why).to_owned(),
            Self::InvalidAssertion(why) | Self::InvalidProof(why) | Self::InvalidScope(why) | Self::InvalidTarget(why) => why.clone(),
            Self::TooMany(seconds) => format!("too many tokens: keep the one you have until it expires, and ask again in {seconds} s"),
        };
        text.chars().map(|letter| if matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\') { letter } else { '?' }).collect()
    }
}

/// Whole seconds since the Unix epoch (NumericDate, RFC 7519 section 2).
fn seconds(at: Timestamp) -> i64 {
    at.micros().div_euclid(1_000_000)
}
