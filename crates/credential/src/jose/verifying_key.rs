//! A public key made ready once, so that each signature costs only its own arithmetic.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};

use super::jwk::RawKey;
use super::{Algorithm, JwkError, PublicJwk};

/// A key prepared for verifying signatures of its one algorithm.
///
/// ```
/// use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
/// use claviger_credential::jose::{PublicJwk, VerifyingKey};
///
/// let signer = Ed25519KeyPair::from_seed_unchecked(&[7; 32])?;
/// let jwk = PublicJwk::from_ed25519(signer.public_key().as_ref().try_into()?);
/// let key = VerifyingKey::new(&jwk)?;
/// assert!(key.verify(b"message", signer.sign(b"message").as_ref()));
/// assert!(!key.verify(b"another", signer.sign(b"message").as_ref()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// Prepares a key. A P-256 key must be a point of the curve; an Ed25519 key must not be one of the few points with which
    /// anybody can sign.
    ///
    /// # Errors
    /// [`JwkError::NotAPoint`] and [`JwkError::Weak`]; [`JwkError::Malformed`] for what the library takes for no key at all.
    pub fn new(jwk: &PublicJwk) -> Result<VerifyingKey, JwkError> {
        let algorithm = jwk.algorithm();
        let key = match (algorithm, jwk.raw()) {
            (Algorithm::Es256, RawKey::Bytes(point)) => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point),
            (Algorithm::EdDsa, RawKey::Bytes(x)) if is_of_small_order(&x) => return Err(JwkError::Weak),
            (Algorithm::EdDsa, RawKey::Bytes(x)) => ParsedPublicKey::new(&ED25519, x),
            (Algorithm::Ps256, RawKey::Rsa { n, e }) => RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256),
            (_, RawKey::Rsa { n, e }) => RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256),
            (_, RawKey::Bytes(_)) => return Err(JwkError::Unsupported),
        };
        let reason = if algorithm == Algorithm::Es256 { JwkError::NotAPoint } else { JwkError::Malformed };
        Ok(VerifyingKey { algorithm, key: key.map_err(|_| reason)? })
    }

    /// The one algorithm that this key verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` is one of `message`, in the form of RFC 7518 section 3 and RFC 8037 (ES256: `r ‖ s`, 64 bytes).
    ///
    /// ES256 signatures are malleable: where `(r, s)` verifies, so does `(r, n − s)`. Many signers write either, so both are
    /// taken. Nothing may therefore be recognised again by its signature's bytes: use `jti`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

/// The points of Ed25519 whose order divides 8, in every encoding (RFC 8032 section 5.1.3 leaves the check to us). With such
/// a key, one fixed signature fits an eighth of all messages or more.
fn is_of_small_order(x: &[u8]) -> bool {
    const ORDER_8: [[u8; 32]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3,
            0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c,
            0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let Some((last, [first, middle @ ..])) = x.split_last() else { return true };
    let last = last & 0x7f; // without the sign
    let is_0_or_1 = *first < 2 && last == 0 && middle.iter().all(|byte| *byte == 0);
    let is_p_or_beside = (0xec..=0xee).contains(first) && last == 0x7f && middle.iter().all(|byte| *byte == 0xff);
    is_0_or_1 || is_p_or_beside || ORDER_8.iter().any(|point| point[..31] == x[..31] && point[31] == last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> [u8; 32] {
        std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
    }

    /// (0, 1), (0, −1), two of order 4 by their y = 0, and those of order 8; some also by y + p.
    fn small_order_keys() -> Vec<[u8; 32]> {
        let mut keys = vec![
            hex("0100000000000000000000000000000000000000000000000000000000000000"),
            hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
            hex("0000000000000000000000000000000000000000000000000000000000000000"),
            hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
            hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
            hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
            hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        ];
        for key in keys.clone() {
            keys.push(std::array::from_fn(|at| if at == 31 { key[31] | 0x80 } else { key[at] }));
        }
        keys
    }

    #[test]
    fn keys_with_which_anybody_can_sign_are_refused() {
        // R = (0, 1) and S = 0: S·B = R + k·A whenever k·A is the neutral element.
        let mut forged = [0; 64];
        forged[0] = 1;
        let mut forgeable = 0;
        for key in small_order_keys() {
            assert_eq!(VerifyingKey::new(&PublicJwk::from_ed25519(&key)).unwrap_err(), JwkError::Weak, "{key:02x?}");
            let raw = ParsedPublicKey::new(&ED25519, key);
            forgeable += usize::from(raw.is_ok_and(|raw| (0..=255u8).any(|message| raw.verify_sig(&[message], &forged).is_ok())));
        }
        assert!(forgeable >= 5, "the library alone takes forgeries of {forgeable} of them: the check above is needed");
    }

    #[test]
    fn a_p256_key_is_a_point_of_the_curve() {
        let jwk = PublicJwk::from_p256_point(&[&[4][..], &[1; 32], &[2; 32]].concat()).unwrap();
        assert_eq!(VerifyingKey::new(&jwk).unwrap_err(), JwkError::NotAPoint);
    }
}
