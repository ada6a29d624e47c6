//! DPoP proofs (RFC 9449 section 4.3): that whoever sends this request holds the key which a token is bound to.
//! It remembers nothing: that a proof's `jti` is new, and that its nonce is the server's, is checked by the caller.

mod target;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::claims::MAX_JTI_LENGTH;
use super::{ClaimError, Compact, JwkError, JwsError, PublicJwk, VerifyingKey, if_present, typ_is};

/// How old a proof may be, in seconds. Whoever remembers each `jti` until `iat + MAX_AGE` sees every proof once.
pub const MAX_AGE: i64 = 60;

/// How far a client's clock may be ahead, in seconds.
pub const MAX_AHEAD: i64 = 10;

/// The request that a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The method, in the letter case of the request.
    pub method: &'a str,
    /// The URL as clients see it. Its query and fragment do not matter.
    pub url: &'a str,
    /// Seconds since the Unix epoch.
    pub now: i64,
    /// The access token that came with the request, to whose digest the proof must be bound; none at the token endpoint.
    pub access_token: Option<&'a str>,
}

/// A good proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The RFC 7638 thumbprint of the key: what a bound token has as `cnf.jkt`.
    pub thumbprint: String,
    /// 1 to 256 characters, unique per proof and key.
    pub jti: String,
    /// When it was made, in seconds since the Unix epoch.
    pub iat: i64,
    /// The nonce of the server that it repeats.
    pub nonce: Option<String>,
}

/// Why a proof is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DpopError {
    /// Not a signed token. A header without `jwk` is [`JwsError::Malformed`].
    Token(JwsError),
    /// Its `typ` is not `dpop+jwt`.
    Type,
    /// Its `jwk` is no good public key.
    Key(JwkError),
    /// A claim that is missing or of the wrong type.
    Claim(ClaimError),
    /// A `jti` that is empty or longer than 256 characters.
    Jti,
    /// It is for another method (`htm`).
    Method,
    /// It is for another URL (`htu`).
    Url,
    /// Its `iat` is more than [`MAX_AGE`] ago or more than [`MAX_AHEAD`] ahead, or its own `exp` or `nbf` says no.
    Time,
    /// It is bound to another access token (`ath`).
    AccessToken,
}

/// Checks a proof against the request that it came with. The key is the proof's own: compare [`Proof::thumbprint`] with the
/// token's.
///
/// # Errors
/// Every [`DpopError`].
pub fn check(proof: &str, expected: &Expected<'_>) -> Result<Proof, DpopError> {
    let (token, jwk) = Compact::parse_with_jwk(proof).map_err(DpopError::Token)?;
    if !token.typ().is_some_and(|typ| typ_is(typ, "dpop+jwt")) {
        return Err(DpopError::Type);
    }
    // An RSA key without `alg` is for the header's; any other must agree with it, which `verified` sees to.
    let jwk = PublicJwk::parse(&jwk, token.algorithm()).map_err(DpopError::Key)?;
    let key = VerifyingKey::new(&jwk).map_err(DpopError::Key)?;
    let claims = token.verified(&key).map_err(DpopError::Token)?;

    if claims.text("htm")? != expected.method {
        return Err(DpopError::Method);
    }
    let target = target::normalised(claims.text("htu")?).ok_or(DpopError::Url)?;
    if target::normalised(expected.url) != Some(target) {
        return Err(DpopError::Url);
    }
    let iat = claims.iat()?;
    let latest = expected.now.saturating_add(MAX_AHEAD);
    let is_over = if_present(claims.exp())?.is_some_and(|exp| exp <= expected.now);
    let is_ahead = iat > latest || if_present(claims.nbf())?.is_some_and(|nbf| nbf > latest);
    if is_over || is_ahead || iat < expected.now.saturating_sub(MAX_AGE) {
        return Err(DpopError::Time);
    }
    if let Some(access_token) = expected.access_token
        && claims.text("ath")? != URL_SAFE_NO_PAD.encode(Sha256::digest(access_token))
    {
        return Err(DpopError::AccessToken);
    }
    let jti = claims.jti()?;
    if !(1..=MAX_JTI_LENGTH).contains(&jti.chars().count()) {
        return Err(DpopError::Jti);
    }
    let nonce = if_present(claims.text("nonce"))?.map(str::to_owned);
    Ok(Proof { thumbprint: jwk.thumbprint(), jti: jti.to_owned(), iat, nonce })
}

impl From<ClaimError> for DpopError {
    fn from(error: ClaimError) -> DpopError {
        DpopError::Claim(error)
    }
}

impl fmt::Display for DpopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DpopError::Token(JwsError::Malformed) => f.write_str("not a JSON Web Signature in compact form with jwk in its header"),
            DpopError::Token(error) => error.fmt(f),
            DpopError::Type => f.write_str("typ is not dpop+jwt"),
            DpopError::Key(error) => write!(f, "jwk is {error}"),
            DpopError::Claim(error) => error.fmt(f),
            DpopError::Jti => f.write_str("jti is not of 1 to 256 characters"),
            DpopError::Method => f.write_str("htm is not the method of this request"),
            DpopError::Url => f.write_str("htu is not the URL of this request"),
            DpopError::Time => f.write_str("made more than 60 s ago or more than 10 s ahead, or expired"),
            DpopError::AccessToken => f.write_str("ath is not the digest of the access token"),
        }
    }
}

impl std::error::Error for DpopError {}
