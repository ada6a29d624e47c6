//! The public name of a credential: 96 random bits.
//! It never says anything about the secret, so it may be logged, shown and used in URLs.

use std::fmt;
use std::str::{self, FromStr};

use crate::{ParseError, base62};

/// The public id of a credential: 96 random bits, written as 17 base62 characters.
///
/// `Display` and `Debug` are both the 17 characters. Order is that of the number, which is also
/// the order of the texts. Each id has one spelling: a text of 2^96 or more is refused.
///
/// ```
/// use claviger_credential::CredentialId;
///
/// let id: CredentialId = "00000000000000010".parse()?;
/// assert_eq!(id.as_bytes(), &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 62]);
/// assert_eq!(id.to_string(), "00000000000000010");
/// # Ok::<(), claviger_credential::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialId([u8; 12]);

impl CredentialId {
    /// Length of the text in characters.
    pub(crate) const TEXT_LEN: usize = 17;

    /// An id from 96 bits, big-endian. A new id needs 96 bits from a secure source.
    pub const fn from_bytes(bytes: [u8; 12]) -> CredentialId {
        CredentialId(bytes)
    }

    /// The 96 bits, big-endian.
    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// The first 64 and the last 32 bits. The bits are random, so either half is a good hash.
    pub const fn words(self) -> (u64, u32) {
        let [a, b, c, d, e, f, g, h, tail @ ..] = self.0;
        (u64::from_be_bytes([a, b, c, d, e, f, g, h]), u32::from_be_bytes(tail))
    }

    /// The id whose [`words`](Self::words) are these.
    pub const fn from_words(first: u64, last: u32) -> CredentialId {
        let [a, b, c, d, e, f, g, h] = first.to_be_bytes();
        let [i, j, k, l] = last.to_be_bytes();
        CredentialId([a, b, c, d, e, f, g, h, i, j, k, l])
    }

    /// Appends the 17 characters.
    pub fn write_to(self, out: &mut String) {
        out.extend(self.digits().map(char::from));
    }

    pub(crate) fn digits(self) -> [u8; Self::TEXT_LEN] {
        let (first, last) = self.words();
        let value = u128::from(first) << 32 | u128::from(last);
        let base = u128::from(base62::CHUNK_BASE);
        let mut digits = [0; Self::TEXT_LEN];
        let (left, right) = digits.split_at_mut(Self::TEXT_LEN - base62::CHUNK);
        base62::encode((value / base) as u64, left);
        base62::encode((value % base) as u64, right);
        digits
    }

    pub(crate) fn from_digits(digits: &[u8]) -> Option<CredentialId> {
        let digits: &[u8; Self::TEXT_LEN] = digits.try_into().ok()?;
        let (left, right) = digits.split_at(Self::TEXT_LEN - base62::CHUNK);
        let (left, right) = (base62::decode(left)?, base62::decode(right)?);
        let value = u128::from(left) * u128::from(base62::CHUNK_BASE) + u128::from(right);
        let first = u64::try_from(value >> 32).ok()?;
        Some(CredentialId::from_words(first, value as u32))
    }
}

impl FromStr for CredentialId {
    type Err = ParseError;

    /// Reads the 17 characters.
    ///
    /// # Errors
    /// [`ParseError::Id`] for another length, another alphabet, or a value of 2^96 or more.
    fn from_str(text: &str) -> Result<CredentialId, ParseError> {
        CredentialId::from_digits(text.as_bytes()).ok_or(ParseError::Id)
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(str::from_utf8(&self.digits()).expect("base62 is ASCII"))
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_id_is_read_and_the_next_text_is_refused() {
        let largest = CredentialId::from_bytes([0xFF; 12]);
        // python3: 2**96 - 1 and 2**96 in base62
        assert_eq!(largest.to_string(), "1f2SI9UJPXvb7vdJ1");
        assert_eq!("1f2SI9UJPXvb7vdJ1".parse(), Ok(largest));
        assert_eq!("1f2SI9UJPXvb7vdJ2".parse::<CredentialId>(), Err(ParseError::Id));
        assert_eq!("zzzzzzzzzzzzzzzzz".parse::<CredentialId>(), Err(ParseError::Id));
    }

    #[test]
    fn other_lengths_and_alphabets_are_refused() {
        for text in ["", "0", "0000000000000000", "000000000000000000", "0000000000000000_", "000000000000000é"] {
            assert_eq!(text.parse::<CredentialId>(), Err(ParseError::Id), "{text}");
        }
    }
}
