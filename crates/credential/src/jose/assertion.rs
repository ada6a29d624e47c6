//! A client's own assertion in place of a secret (RFC 7523 section 3, with the one audience of its revision
//! draft-ietf-oauth-rfc7523bis and the times of FAPI 2.0 section 5.3.2.1).
//! It decides over verified claims and remembers nothing: that a `jti` is new is checked by the caller.

use std::fmt;

use super::claims::MAX_JTI_LENGTH;
use super::{Audience, ClaimError, Claims, if_present, typ_is};

/// How long an assertion may live, in seconds.
pub const MAX_LIFETIME: i64 = 300;

/// How far a client's clock may be ahead, in seconds. FAPI 2.0 asks for at least 10 and at most 60.
pub const MAX_AHEAD: i64 = 10;

/// Who must have made the assertion, for whom, and when it is.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuer's identifier, which must be the whole `aud`, as a string: an assertion that is for several servers can be
    /// replayed by one of them at another. An array is refused even if this is all it holds.
    pub issuer: &'a str,
    /// The client, which must be `iss` and `sub`.
    pub client_id: &'a str,
    /// Seconds since the Unix epoch.
    pub now: i64,
}

/// A good assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// 1 to 256 characters, unique per client.
    pub jti: String,
    /// Until when the `jti` must be remembered, in seconds since the Unix epoch.
    pub exp: i64,
}

/// Why an assertion is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionError {
    /// Its `typ` is neither absent nor `JWT` nor `client-authentication+jwt`: it was made for something else.
    Type,
    /// A claim that is missing or of the wrong type.
    Claim(ClaimError),
    /// `iss` and `sub` are not both the client.
    Client,
    /// `aud` is not exactly the issuer.
    Audience,
    /// It is over.
    Expired,
    /// It lives, or is still to live, for more than [`MAX_LIFETIME`].
    TooLong,
    /// Its `iat` or `nbf` is more than [`MAX_AHEAD`] away.
    Ahead,
    /// A `jti` that is empty or longer than 256 characters.
    Jti,
}

/// Checks verified claims, and the `typ` of their header.
///
/// # Errors
/// Every [`AssertionError`].
pub fn check(claims: &Claims, typ: Option<&str>, expected: &Expected<'_>) -> Result<Assertion, AssertionError> {
    if typ.is_some_and(|typ| !typ_is(typ, "JWT") && !typ_is(typ, "client-authentication+jwt")) {
        return Err(AssertionError::Type);
    }
    if claims.iss()? != expected.client_id || claims.sub()? != expected.client_id {
        return Err(AssertionError::Client);
    }
    if claims.aud()? != Audience::One(expected.issuer) {
        return Err(AssertionError::Audience);
    }
    let exp = claims.exp()?;
    let iat = if_present(claims.iat())?;
    let nbf = if_present(claims.nbf())?;
    if exp <= expected.now {
        return Err(AssertionError::Expired);
    }
    let latest = expected.now.saturating_add(MAX_AHEAD);
    if [iat, nbf].into_iter().flatten().any(|begin| begin > latest) {
        return Err(AssertionError::Ahead);
    }
    // Both by the client's clock, where it says when it began; by ours, plus what that clock may be ahead, in any case.
    if exp > latest.saturating_add(MAX_LIFETIME) || iat.is_some_and(|iat| exp.saturating_sub(iat) > MAX_LIFETIME) {
        return Err(AssertionError::TooLong);
    }
    let jti = claims.jti()?;
    if !(1..=MAX_JTI_LENGTH).contains(&jti.chars().count()) {
        return Err(AssertionError::Jti);
    }
    Ok(Assertion { jti: jti.to_owned(), exp })
}

impl From<ClaimError> for AssertionError {
    fn from(error: ClaimError) -> AssertionError {
        AssertionError::Claim(error)
    }
}

impl fmt::Display for AssertionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AssertionError::Claim(error) => return error.fmt(f),
            AssertionError::Type => "typ is neither JWT nor client-authentication+jwt",
            AssertionError::Client => "iss and sub are not both this client",
            AssertionError::Audience => "aud is not exactly the issuer of this server, as a string",
            AssertionError::Expired => "expired",
            AssertionError::TooLong => "good for more than 300 s",
            AssertionError::Ahead => "iat or nbf is more than 10 s ahead",
            AssertionError::Jti => "jti is not of 1 to 256 characters",
        })
    }
}

impl std::error::Error for AssertionError {}
