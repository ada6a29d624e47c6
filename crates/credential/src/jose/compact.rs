//! A JSON Web Signature in compact form (RFC 7515): taken apart strictly, then verified, and only then are its claims read.
//! It never finds a key by itself: what a header says about keys is a hint (`kid`) or an error.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{Algorithm, Claims, VerifyingKey, json};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// The longest `kid`, in characters.
const MAX_KID_LENGTH: usize = 256;

/// Members that change what a token means. None is understood here, so none is skipped.
const EXTENSIONS: [&str; 4] = ["crit", "b64", "zip", "enc"];

/// Members by which a token names the key that is to verify it (RFC 8725 section 3.10).
const KEYS_IN_HEADERS: [&str; 4] = ["jku", "jwk", "x5u", "x5c"];

/// A JWS that was taken apart, not yet verified.
///
/// ```
/// use claviger_credential::jose::{Compact, JwsError};
///
/// let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.AA"; // {"alg":"none"}
/// assert_eq!(Compact::parse(none).unwrap_err(), JwsError::Unsupported);
/// ```
#[derive(Debug)]
pub struct Compact<'a> {
    signing_input: &'a str,
    algorithm: Algorithm,
    header: Map<String, Value>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsError {
    /// Longer than [`MAX_TOKEN_LENGTH`].
    TooLong,
    /// Not three parts in base64url, or a header that is not a JSON object of the right types without duplicates.
    Malformed,
    /// An `alg` that is not spoken here, or a header that asks for `crit`, `b64`, `zip` or `enc`.
    Unsupported,
    /// The header brings its own key (`jku`, `jwk`, `x5u`, `x5c`).
    KeyInHeader,
    /// The key is for another algorithm than the header's.
    WrongAlgorithm,
    /// The signature is not this key's.
    BadSignature,
    /// Signed, but not a JSON object without duplicates.
    Payload,
}

impl<'a> Compact<'a> {
    /// Takes a token apart: at most 16 KiB; exactly three non-empty parts in base64url without padding, whitespace or stray
    /// bits; a header that is a JSON object without duplicates, whose `alg` is spoken here and which neither extends the
    /// format nor brings a key.
    ///
    /// # Errors
    /// [`JwsError::TooLong`], [`JwsError::Malformed`], [`JwsError::Unsupported`] and [`JwsError::KeyInHeader`].
    pub fn parse(text: &'a str) -> Result<Compact<'a>, JwsError> {
        Compact::read(text, &KEYS_IN_HEADERS)
    }

    /// As [`parse`](Compact::parse), but the header must bring its key as `jwk` (RFC 9449 section 4.2).
    pub(super) fn parse_with_jwk(text: &'a str) -> Result<(Compact<'a>, Value), JwsError> {
        let mut compact = Compact::read(text, &["jku", "x5u", "x5c"])?;
        let jwk = compact.header.remove("jwk").ok_or(JwsError::Malformed)?;
        Ok((compact, jwk))
    }

    fn read(text: &'a str, refused_keys: &[&str]) -> Result<Compact<'a>, JwsError> {
        if text.len() > MAX_TOKEN_LENGTH {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = text.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Malformed)?;
        let header = json::object(&part(header)?).ok_or(JwsError::Malformed)?;
        let (payload, signature) = (part(payload)?, part(signature)?);

        let is_text = |name: &str| header.get(name).is_none_or(Value::is_string);
        let kid_length = header.get("kid").and_then(Value::as_str).map(|kid| kid.chars().count());
        if !["alg", "kid", "typ", "cty"].into_iter().all(is_text) || kid_length.is_some_and(|it| !(1..=MAX_KID_LENGTH).contains(&it)) {
            return Err(JwsError::Malformed);
        }
        let alg = header.get("alg").and_then(Value::as_str).ok_or(JwsError::Malformed)?;
        let algorithm = Algorithm::of_others(alg).map_err(|_| JwsError::Unsupported)?;
        let has = |name: &&str| header.contains_key(*name);
        if EXTENSIONS.iter().any(has) {
            return Err(JwsError::Unsupported);
        }
        if refused_keys.iter().any(has) {
            return Err(JwsError::KeyInHeader);
        }
        Ok(Compact { signing_input, algorithm, header, payload, signature })
    }

    /// The algorithm that the header claims. The key decides.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Which key the header claims, 1 to 256 characters of any kind: something to look up, never a path or a query.
    pub fn kid(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// The type that the header claims. Compare it with [`typ_is`].
    pub fn typ(&self) -> Option<&str> {
        self.header.get("typ").and_then(Value::as_str)
    }

    /// What was signed: the first two parts with the dot between them.
    pub fn signing_input(&self) -> &'a str {
        self.signing_input
    }

    /// The `iss` of a payload that **anyone may have written**: good for choosing a key, for nothing else.
    pub fn unverified_iss(&self) -> Option<String> {
        self.unverified_text("iss")
    }

    /// The `sub` of a payload that **anyone may have written**: good for choosing a key, for nothing else.
    pub fn unverified_sub(&self) -> Option<String> {
        self.unverified_text("sub")
    }

    fn unverified_text(&self, name: &str) -> Option<String> {
        json::object(&self.payload)?.get(name)?.as_str().map(str::to_owned)
    }

    /// The claims, once the key's algorithm is the header's and the signature is the key's. The payload is read last. No time
    /// and no audience is checked here.
    ///
    /// # Errors
    /// [`JwsError::WrongAlgorithm`], [`JwsError::BadSignature`] and [`JwsError::Payload`].
    pub fn verified(&self, key: &VerifyingKey) -> Result<Claims, JwsError> {
        if key.algorithm() != self.algorithm {
            return Err(JwsError::WrongAlgorithm);
        }
        if !key.verify(self.signing_input.as_bytes(), &self.signature) {
            return Err(JwsError::BadSignature);
        }
        json::object(&self.payload).map(Claims::new).ok_or(JwsError::Payload)
    }
}

/// Whether two types are the same (RFC 7515 section 4.1.9): in any letter case, with or without `application/`.
///
/// ```
/// use claviger_credential::jose::typ_is;
///
/// assert!(typ_is("application/AT+JWT", "at+jwt"));
/// assert!(!typ_is("at+jwt; v=1", "at+jwt"));
/// ```
pub fn typ_is(typ: &str, expected: &str) -> bool {
    bare(typ).eq_ignore_ascii_case(bare(expected))
}

/// The type without `application/`, which stands for itself only where no other slash follows.
fn bare(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.contains('/') => rest,
        _ => typ,
    }
}

/// One part, decoded. The engine refuses padding, other characters and bits beyond the last byte.
fn part(text: &str) -> Result<Vec<u8>, JwsError> {
    match URL_SAFE_NO_PAD.decode(text) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(JwsError::Malformed),
    }
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JwsError::TooLong => "longer than 16 KiB",
            JwsError::Malformed => "not a JSON Web Signature in compact form (RFC 7515)",
            JwsError::Unsupported => "an algorithm other than ES256, EdDSA, PS256 and RS256, or a header with crit, b64, zip or enc",
            JwsError::KeyInHeader => "brings its own key (jku, jwk, x5u, x5c)",
            JwsError::WrongAlgorithm => "signed with another algorithm than its key is for",
            JwsError::BadSignature => "not signed by this key",
            JwsError::Payload => "holds no JSON object of distinct members",
        })
    }
}

impl std::error::Error for JwsError {}
