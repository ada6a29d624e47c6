//! The claims of a verified token (RFC 7519 section 4), each read as its type. Whether they are good enough is decided by
//! whoever knows what was expected.

use std::fmt;

use serde_json::{Map, Value};

/// The last second of the year 9999, the largest time that is taken.
pub const MAX_NUMERIC_DATE: i64 = 253_402_300_799;

/// The longest `jti` that is remembered, in characters.
pub(super) const MAX_JTI_LENGTH: usize = 256;

/// Verified claims. They come from [`Compact::verified`](super::Compact::verified) and from nowhere else.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Map<String, Value>);

/// Why a claim cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimError {
    /// There is no claim of this name.
    Absent(&'static str),
    /// It is there, as something else than RFC 7519 says; `null` included.
    WrongType(&'static str),
}

/// Whom a token is for (RFC 7519 section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience<'a> {
    /// A string.
    One(&'a str),
    /// An array of strings, of any length.
    Many(Vec<&'a str>),
}

impl Audience<'_> {
    /// Whether this one is among them, letter by letter.
    pub fn contains(&self, audience: &str) -> bool {
        match self {
            Audience::One(one) => *one == audience,
            Audience::Many(many) => many.contains(&audience),
        }
    }
}

impl Claims {
    pub(super) fn new(members: Map<String, Value>) -> Claims {
        Claims(members)
    }

    /// A claim of any name and type.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The issuer.
    ///
    /// # Errors
    /// Every [`ClaimError`]; so for all claims below.
    pub fn iss(&self) -> Result<&str, ClaimError> {
        self.text("iss")
    }

    /// The subject.
    pub fn sub(&self) -> Result<&str, ClaimError> {
        self.text("sub")
    }

    /// The token's own identifier.
    pub fn jti(&self) -> Result<&str, ClaimError> {
        self.text("jti")
    }

    /// The client (RFC 8693 section 4.3).
    pub fn client_id(&self) -> Result<&str, ClaimError> {
        self.text("client_id")
    }

    /// The audience.
    pub fn aud(&self) -> Result<Audience<'_>, ClaimError> {
        let wrong = ClaimError::WrongType("aud");
        match self.0.get("aud").ok_or(ClaimError::Absent("aud"))? {
            Value::String(one) => Ok(Audience::One(one)),
            Value::Array(many) => many.iter().map(Value::as_str).collect::<Option<_>>().map(Audience::Many).ok_or(wrong),
            _ => Err(wrong),
        }
    }

    /// When the token ends, in seconds since the Unix epoch: at this second it is no longer good.
    pub fn exp(&self) -> Result<i64, ClaimError> {
        self.time("exp")
    }

    /// When the token begins, in seconds since the Unix epoch.
    pub fn nbf(&self) -> Result<i64, ClaimError> {
        self.time("nbf")
    }

    /// When the token was made, in seconds since the Unix epoch.
    pub fn iat(&self) -> Result<i64, ClaimError> {
        self.time("iat")
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&str, ClaimError> {
        self.0.get(name).ok_or(ClaimError::Absent(name))?.as_str().ok_or(ClaimError::WrongType(name))
    }

    /// A NumericDate (RFC 7519 section 2), which may have a fraction: it is cut off, so a token ends up to a second early.
    fn time(&self, name: &'static str) -> Result<i64, ClaimError> {
        let number = self.0.get(name).ok_or(ClaimError::Absent(name))?;
        let seconds = match (number.as_i64(), number.as_f64()) {
            (Some(seconds), _) => Some(seconds),
            // The range is checked before the conversion, which would saturate.
            (None, Some(seconds)) if (0.0..MAX_NUMERIC_DATE as f64 + 1.0).contains(&seconds) => Some(seconds as i64),
            _ => None,
        };
        seconds.filter(|seconds| (0..=MAX_NUMERIC_DATE).contains(seconds)).ok_or(ClaimError::WrongType(name))
    }
}

/// Makes an absent claim `None`; one of the wrong type stays an error.
///
/// # Errors
/// [`ClaimError::WrongType`].
pub fn if_present<T>(claim: Result<T, ClaimError>) -> Result<Option<T>, ClaimError> {
    match claim {
        Ok(value) => Ok(Some(value)),
        Err(ClaimError::Absent(_)) => Ok(None),
        Err(wrong) => Err(wrong),
    }
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClaimError::Absent(name) => write!(f, "{name} is missing"),
            ClaimError::WrongType(name) => write!(f, "{name} is not of the type that RFC 7519 gives it"),
        }
    }
}

impl std::error::Error for ClaimError {}
