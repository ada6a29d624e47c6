//! The signature algorithms that are spoken here. `none`, HMAC and the deprecated rest do not exist.

use std::fmt;
use std::str::FromStr;

/// A signature algorithm of RFC 7518 section 3.1 or RFC 8037.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519, by the name that verifiers know (RFC 8037).
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    Ps256,
}

/// The name is none of those spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm;

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Algorithm; 4] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps256];

    /// The `alg` of a header or key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
            Algorithm::Rs256 => "RS256",
            Algorithm::Ps256 => "PS256",
        }
    }

    /// The `alg` that somebody else wrote: also `Ed25519`, as RFC 9864 calls `EdDSA` on the one curve that is spoken here and
    /// as some clients write it. We write `EdDSA`, which verifiers know.
    pub(super) fn of_others(alg: &str) -> Result<Algorithm, UnknownAlgorithm> {
        if alg == "Ed25519" { Ok(Algorithm::EdDsa) } else { alg.parse() }
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// Exact names only: `es256` is none.
    fn from_str(text: &str) -> Result<Algorithm, UnknownAlgorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not ES256, EdDSA, PS256 or RS256")
    }
}

impl std::error::Error for UnknownAlgorithm {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_name_of_ed25519_is_read_from_others_and_never_written() {
        assert_eq!(Algorithm::of_others("Ed25519"), Ok(Algorithm::EdDsa));
        assert_eq!(Algorithm::EdDsa.as_str(), "EdDSA");
        assert_eq!("Ed25519".parse::<Algorithm>(), Err(UnknownAlgorithm));
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::of_others(algorithm.as_str()), Ok(algorithm));
        }
    }
}
