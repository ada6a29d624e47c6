//! Identifiers, one type per kind of thing, so that an owner's cannot stand where an organization's belongs.
//! Their text form is a prefix and a UUIDv7 in Crockford's base 32 (the TypeID form), 26 digits.

use crate::clock::Timestamp;
use crate::credential::{Class, CredentialId};
use crate::rng::Rng;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn encode(value: u128, prefix: &str, out: &mut String) {
    out.push_str(prefix);
    out.push('_');
    for place in (0..26).rev() {
        out.push(DIGITS[(value >> (5 * place)) as usize & 31] as char);
    }
}

fn decode(text: &str, prefix: &str) -> Option<u128> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?.as_bytes();
    if digits.len() != 26 || digits[0] > b'7' {
        return None;
    }
    digits.iter().try_fold(0u128, |value, byte| match VALUES[usize::from(*byte)] {
        NO_DIGIT => None,
        digit => Some(value << 5 | u128::from(digit)),
    })
}

const NO_DIGIT: u8 = 32;

/// The value of each byte as a digit: a start with a million credentials reads many millions of them.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < DIGITS.len() {
        values[DIGITS[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

/// A UUIDv7 (RFC 9562 section 5.7) from the time and randomness handed in. The twelve bits after the milliseconds are
/// the microseconds (section 6.2, method 3), so that ids of different times sort as those do.
fn uuid_v7(now: Timestamp, rng: Rng) -> u128 {
    let (millis, micros) = ((now.micros() / 1_000) as u64, (now.micros() % 1_000) as u16);
    let mut random: [u8; 10] = rng.bytes();
    random[..2].copy_from_slice(&(micros * 4).to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_u128()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            pub fn new(now: Timestamp, rng: Rng) -> Self {
                Self(uuid_v7(now, rng))
            }

            pub const fn from_u128(value: u128) -> Self {
                Self(value)
            }

            pub const fn as_u128(self) -> u128 {
                self.0
            }

            /// Appends the text form, without an allocation of its own.
            pub fn write_to(self, out: &mut String) {
                encode(self.0, $prefix, out);
            }

            /// Reads an id that this program wrote into its database.
            #[allow(dead_code, reason = "not every kind of id is read back")]
            pub(crate) fn stored(text: &str) -> Self {
                text.parse().unwrap_or_else(|_| panic!(concat!("the database holds a broken ", $prefix, " id: {:?}"), text))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut text = String::with_capacity(32);
                self.write_to(&mut text);
                f.write_str(&text)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                decode(text, $prefix).map(Self).ok_or(NotAnId { expected: $prefix })
            }
        }
    )*};
}

ids! {
    EnvironmentId = "env";
    OrganizationId = "org";
    OwnerId = "own";
    ResourceId = "res";
    OperatorId = "opr";
    /// An M2M application; its text is the `client_id` (RFC 6749 section 2.2).
    ApplicationId = "app";
    /// A public key of an application (private_key_jwt, RFC 7523).
    ClientKeyId = "key";
    /// A certificate of an application (RFC 8705).
    CertificateId = "crt";
    /// A trust of an application in another issuer (workload federation).
    TrustId = "trs";
    /// One secret of a credential; a credential has two while a rotation overlaps.
    SecretId = "sec";
    /// One change: all events that committed together carry it.
    ChangeId = "chg";
}

/// The text was not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId {
    pub expected: &'static str,
}

impl std::fmt::Display for NotAnId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not an id of the form {}_…", self.expected)
    }
}

macro_rules! credential_ids {
    ($($(#[$doc:meta])* $name:ident = $class:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub CredentialId);

        impl $name {
            pub fn new(rng: Rng) -> Self {
                Self(CredentialId::from_bytes(rng.bytes()))
            }

            pub(crate) fn stored(text: &str) -> Self {
                text.parse().unwrap_or_else(|_| panic!("the database holds a broken credential id: {text:?}"))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}_{}", $class.as_str(), self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix($class.as_str())
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(|digits| digits.parse().ok())
                    .map(Self)
                    .ok_or(NotAnId { expected: $class.as_str() })
            }
        }
    )*};
}

credential_ids! {
    /// `ak_` and the 17 characters that also stand inside the key itself: public, safe to log.
    ApiKeyId = Class::ApiKey;
    /// `mk_` and the 17 characters that also stand inside the key itself: public, safe to log.
    ManagementKeyId = Class::ManagementKey;
    /// `cs_` and the 17 characters that also stand inside the client secret itself: public, safe to log.
    ClientSecretId = Class::ClientSecret;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_text_form_and_refuse_another_kind() {
        let id = OwnerId::new(Timestamp::from_micros(1_795_507_200_000_000), Rng);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().parse::<OrganizationId>().is_err());
        assert!("own_8zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<OwnerId>().is_err(), "over 128 bits");
    }
}
