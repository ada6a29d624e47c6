//! The seam between what signs and where its private key lives: here, or in a device or service that never gives it away.

use crate::clock::Timestamp;
use crate::credential::jose::{Algorithm, PublicJwk};

/// Signs with one private key. A provider (PKCS#11, a cloud's key service) fills this in.
pub trait Sign: Send + Sync {
    fn public_jwk(&self) -> &PublicJwk;

    /// The signature as JWS wants it (RFC 7518 section 3): for ES256 the 64 bytes `r ‖ s`, never DER.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// Whether `sign` may wait for a device or a network. It is then called on a thread that may wait.
    fn may_wait(&self) -> bool;

    fn algorithm(&self) -> Algorithm {
        self.public_jwk().algorithm()
    }
}

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("the signing key {kid} may not be used before {usable_from}: verifiers may not have seen it yet")]
    TooEarly { kid: String, usable_from: Timestamp },
    /// The text is for the operator.
    #[error("the signing key cannot be used: {0}")]
    Provider(String),
}
