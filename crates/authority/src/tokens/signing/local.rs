//! Signing keys whose private half this process holds. It is never printed: there is no `Debug` here.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, Pkcs8V2Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use zeroize::Zeroizing;

use super::sign::{Sign, SignError};
use crate::credential::jose::{Algorithm, PublicJwk};

/// The name of this provider in the database.
pub const LOCAL: &str = "local";

/// A key pair in memory.
pub struct LocalKey {
    pair: Pair,
    public: PublicJwk,
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl LocalKey {
    /// Makes a key. For RSA (3072 bits) this takes a good part of a second: not where others wait.
    /// The randomness is the library's own: only so its key generation is what was validated.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SignError> {
        let pair = match algorithm {
            Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::P256),
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed25519),
            Algorithm::Rs256 | Algorithm::Ps256 => RsaKeyPair::generate(KeySize::Rsa3072).map(Pair::Rsa),
        };
        Self::new(algorithm, pair.map_err(|_| SignError::Provider("it could not be made".to_owned()))?)
    }

    /// Reads what [`LocalKey::to_pkcs8`] wrote.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, SignError> {
        let pair = match algorithm {
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Pair::P256),
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Pair::Ed25519),
            Algorithm::Rs256 | Algorithm::Ps256 => RsaKeyPair::from_pkcs8(pkcs8).map(Pair::Rsa),
        };
        Self::new(algorithm, pair.map_err(|error| SignError::Provider(format!("its PKCS#8 is refused: {error}")))?)
    }

    /// The private key as PKCS#8: to be sealed, and nothing else.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        const WRITABLE: &str = "a key pair that was made or read can be written";
        match &self.pair {
            Pair::P256(pair) => Zeroizing::new(pair.to_pkcs8v1().expect(WRITABLE).as_ref().to_vec()),
            Pair::Ed25519(pair) => {
                let der: Pkcs8V2Der<'_> = pair.as_der().expect(WRITABLE);
                Zeroizing::new(der.as_ref().to_vec())
            }
            Pair::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().expect(WRITABLE);
                Zeroizing::new(der.as_ref().to_vec())
            }
        }
    }

    fn new(algorithm: Algorithm, pair: Pair) -> Result<Self, SignError> {
        let public = match &pair {
            Pair::P256(pair) => PublicJwk::from_p256_point(pair.public_key().as_ref()),
            Pair::Ed25519(pair) => pair.public_key().as_ref().try_into().ok().map(PublicJwk::from_ed25519),
            Pair::Rsa(pair) => {
                let [n, e] = super::der::rsa_public_key(pair.public_key().as_ref()).unwrap_or_default();
                PublicJwk::from_rsa(algorithm, n, e).ok()
            }
        };
        let public = public.ok_or_else(|| SignError::Provider("its public half is not one of its algorithm".to_owned()))?;
        Ok(Self { pair, public })
    }
}

impl Sign for LocalKey {
    fn public_jwk(&self) -> &PublicJwk {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        // The library uses its own generator whatever it is handed.
        let random = SystemRandom::new();
        let failed = |_| SignError::Provider("the library refused to sign".to_owned());
        match &self.pair {
            Pair::P256(pair) => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let padding = if self.algorithm() == Algorithm::Rs256 { &RSA_PKCS1_SHA256 } else { &RSA_PSS_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }

    fn may_wait(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    #[test]
    fn a_key_of_each_algorithm_signs_the_same_after_it_was_written_and_read() {
        for algorithm in Algorithm::ALL {
            let made = LocalKey::generate(algorithm).unwrap();
            let read = LocalKey::from_pkcs8(algorithm, &made.to_pkcs8()).unwrap();
            assert_eq!(read.public_jwk(), made.public_jwk());
            assert_eq!(read.algorithm(), algorithm);
            let signature = read.sign(b"header.payload").unwrap();
            let length = if matches!(algorithm, Algorithm::Es256 | Algorithm::EdDsa) { 64 } else { 384 };
            assert_eq!(signature.len(), length, "{algorithm}");
            let (verification, bytes): (&'static dyn aws_lc_rs::signature::VerificationAlgorithm, &[u8]) = match &made.pair {
                Pair::P256(pair) => (&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()),
                Pair::Ed25519(pair) => (&ED25519, pair.public_key().as_ref()),
                Pair::Rsa(pair) if algorithm == Algorithm::Rs256 => (&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()),
                Pair::Rsa(pair) => (&RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref()),
            };
            let key = UnparsedPublicKey::new(verification, bytes);
            key.verify(b"header.payload", &signature).unwrap();
            key.verify(b"header.payloae", &signature).unwrap_err();
        }
    }

    #[test]
    fn a_private_key_of_another_algorithm_is_refused() {
        let made = LocalKey::generate(Algorithm::Es256).unwrap();
        for other in [Algorithm::EdDsa, Algorithm::Ps256] {
            assert!(LocalKey::from_pkcs8(other, &made.to_pkcs8()).is_err(), "{other}");
        }
        assert!(LocalKey::from_pkcs8(Algorithm::Es256, b"").is_err());
    }
}
