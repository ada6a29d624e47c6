//! The grammar: `<prefix>_<class>_<id 17>_<secret 43><crc 6>`, read and written.
//! Reading never allocates and never looks at more than 103 bytes; it proves the text is whole,
//! not that the credential exists.

use std::fmt;

use crate::{Class, CredentialId, Prefix, Secret, base62, prefix};

const SECRET_LEN: usize = 43;
const CRC_LEN: usize = 6;
/// `_`, class, `_`, id, `_`, secret, crc: everything after the prefix.
const TAIL_LEN: usize = 1 + 2 + 1 + CredentialId::TEXT_LEN + 1 + SECRET_LEN + CRC_LEN;
const ID_AT: usize = 4;
const SECRET_AT: usize = ID_AT + CredentialId::TEXT_LEN + 1;
const CRC_AT: usize = TAIL_LEN - CRC_LEN;

/// A whole credential, taken apart. Borrows from the text, so it costs nothing to pass on.
#[derive(Clone, Copy)]
pub struct Parsed<'a> {
    /// The environment's prefix, such as `acme_live`; well-formed, not known to exist.
    pub prefix: &'a str,
    /// What the credential is for.
    pub class: Class,
    /// The public id: safe to log.
    pub id: CredentialId,
    id_text: &'a str,
    secret: &'a str,
}

impl<'a> Parsed<'a> {
    /// The 43 characters that are secret. For [`Pepper::digest`](crate::Pepper::digest) only.
    pub fn secret(&self) -> &'a str {
        self.secret
    }

    /// The 17 characters of the id as they were presented.
    pub fn id_text(&self) -> &'a str {
        self.id_text
    }
}

impl fmt::Debug for Parsed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parsed({}_{}_{}_[redacted])", self.prefix, self.class, self.id_text)
    }
}

/// Why a text is not a credential. The messages are for whoever holds it and never quote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Fewer than 73 or more than 103 bytes.
    Length,
    /// A byte outside `A-Z a-z 0-9 _`.
    Alphabet,
    /// The parts are not where they belong, or the prefix is not one.
    Shape,
    /// The class is none of `ak`, `cs`, `wt`, `mk`.
    Class,
    /// The last six characters do not match the rest.
    Checksum,
    /// The id is not 17 base62 characters below 2^96.
    Id,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseError::Length => "credential has the wrong length; copy the whole of it",
            ParseError::Alphabet => {
                "credential contains a character other than letters, digits and _; \
                 copy it without spaces or quotes"
            }
            ParseError::Shape => "credential is not of the form prefix_class_id_secret; copy the whole of it",
            ParseError::Class => "credential class is not ak, cs, wt or mk; check where it came from",
            ParseError::Checksum => "credential checksum does not match; copy it again, unchanged",
            ParseError::Id => "credential id is not 17 base62 characters below 2^96; copy it again",
        })
    }
}

impl std::error::Error for ParseError {}

/// Takes a credential apart and checks its checksum. No allocation, no lookup.
///
/// Exactly one text is accepted for each (prefix, class, id, secret).
///
/// # Errors
/// The first of [`ParseError`]'s variants, in their order except that [`ParseError::Id`] comes
/// after [`ParseError::Checksum`]: a typo in the id is reported as a typo.
///
/// ```
/// use claviger_credential::{ParseError, parse};
/// assert_eq!(parse("acme_live_ak_").unwrap_err(), ParseError::Length);
/// ```
pub fn parse(text: &str) -> Result<Parsed<'_>, ParseError> {
    let prefix_len = text.len().checked_sub(TAIL_LEN).ok_or(ParseError::Length)?;
    if !prefix::LEN.contains(&prefix_len) {
        return Err(ParseError::Length);
    }
    if !is_word(text.as_bytes()) {
        return Err(ParseError::Alphabet);
    }
    // All ASCII from here on: every index is a character boundary.
    let (prefix, tail) = text.split_at(prefix_len);
    let bytes = tail.as_bytes();
    let (id, secret_and_crc) = (&bytes[ID_AT..SECRET_AT - 1], &bytes[SECRET_AT..]);
    let separated = bytes[0] == b'_' && bytes[ID_AT - 1] == b'_' && bytes[SECRET_AT - 1] == b'_';
    if !separated || has_underscore(id) || has_underscore(secret_and_crc) || !prefix::is_shaped(prefix) {
        return Err(ParseError::Shape);
    }
    let class = Class::from_letters([bytes[1], bytes[2]]).ok_or(ParseError::Class)?;
    let sum = crc32fast::hash(&text.as_bytes()[..prefix_len + CRC_AT]);
    if base62::decode(&bytes[CRC_AT..]) != Some(u64::from(sum)) {
        return Err(ParseError::Checksum);
    }
    Ok(Parsed {
        prefix,
        class,
        id: CredentialId::from_digits(id).ok_or(ParseError::Id)?,
        id_text: &tail[ID_AT..SECRET_AT - 1],
        secret: &tail[SECRET_AT..CRC_AT],
    })
}

/// Writes a new credential. The same arguments give the same text.
///
/// `entropy` is 256 bits from a cryptographically secure source; the caller wipes its copy.
pub fn mint(prefix: &Prefix, class: Class, id: CredentialId, entropy: &[u8; 32]) -> Secret {
    // The exact capacity: a string that grew would leave a piece of the secret behind.
    let mut text = String::with_capacity(prefix.as_str().len() + TAIL_LEN);
    for part in [prefix.as_str(), "_", class.as_str(), "_"] {
        text.push_str(part);
    }
    push_digits(&mut text, &id.digits());
    text.push('_');
    push_digits(&mut text, &*base62::encode_256(entropy));
    let mut crc = [0; CRC_LEN];
    base62::encode(u64::from(crc32fast::hash(text.as_bytes())), &mut crc);
    push_digits(&mut text, &crc);
    Secret::new(text)
}

fn push_digits(text: &mut String, digits: &[u8]) {
    for &digit in digits {
        text.push(char::from(digit));
    }
}

/// No early exit and no table: the secret's characters choose neither a branch nor an address.
fn is_word(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |all, &byte| all & (byte.is_ascii_alphanumeric() | (byte == b'_')))
}

fn has_underscore(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |any, &byte| any | (byte == b'_'))
}
