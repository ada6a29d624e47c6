//! What a credential is for.
//! The class is part of the text and of the digest, so one kind never passes for another.

use std::fmt;
use std::str::FromStr;

use crate::ParseError;

/// What a credential is for, written as two letters: `ak`, `cs`, `wt` or `mk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// `ak`: presented to a customer's API; standing, works until revoked.
    ApiKey,
    /// `cs`: the secret of an application; minting, obtains access tokens.
    ClientSecret,
    /// `wt`: opens one widget session.
    WidgetToken,
    /// `mk`: calls Claviger's own management API.
    ManagementKey,
}

impl Class {
    /// Every class, for whoever lists them (scanner rules, tests).
    pub const ALL: [Class; 4] = [Class::ApiKey, Class::ClientSecret, Class::WidgetToken, Class::ManagementKey];

    /// The two letters in the credential's text.
    ///
    /// ```
    /// # use claviger_credential::Class;
    /// assert_eq!(Class::ApiKey.as_str(), "ak");
    /// assert_eq!("ak".parse(), Ok(Class::ApiKey));
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::ApiKey => "ak",
            Class::ClientSecret => "cs",
            Class::WidgetToken => "wt",
            Class::ManagementKey => "mk",
        }
    }

    pub(crate) fn from_letters(letters: [u8; 2]) -> Option<Class> {
        match &letters {
            b"ak" => Some(Class::ApiKey),
            b"cs" => Some(Class::ClientSecret),
            b"wt" => Some(Class::WidgetToken),
            b"mk" => Some(Class::ManagementKey),
            _ => None,
        }
    }
}

impl FromStr for Class {
    type Err = ParseError;

    /// Reads the two letters.
    ///
    /// # Errors
    /// [`ParseError::Class`] for anything else.
    fn from_str(text: &str) -> Result<Class, ParseError> {
        let letters = text.as_bytes().try_into().map_err(|_| ParseError::Class)?;
        Class::from_letters(letters).ok_or(ParseError::Class)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
