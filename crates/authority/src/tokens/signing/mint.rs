//! Making key pairs, before any transaction: RSA takes its time, and a change holds the journal of its environment.

use super::{LocalKey, Sign as _, SignError};
use crate::authority::Authority;
use crate::credential::jose::{Algorithm, PublicJwk};
use crate::error::Result;
use crate::ids::EnvironmentId;

/// A new key pair whose private half is sealed already.
pub(crate) struct Minted {
    pub(super) jwk: PublicJwk,
    pub(super) sealed: Vec<u8>,
}

pub(crate) async fn mint(authority: &Authority, environment: EnvironmentId, algorithm: Algorithm, count: usize) -> Result<Vec<Minted>> {
    let mut minted = Vec::with_capacity(count);
    for _ in 0..count {
        let made = tokio::task::spawn_blocking(move || LocalKey::generate(algorithm));
        let made = made.await.map_err(|_| SignError::Provider("the making of it was cut short".to_owned()))??;
        let jwk = made.public_jwk().clone();
        let sealed = authority.master_key.seal(&made.to_pkcs8(), &label(environment, &jwk.thumbprint()), authority.rng);
        minted.push(Minted { jwk, sealed });
    }
    Ok(minted)
}

/// What a sealed private half is authenticated with: environment, type, id and version.
pub(super) fn label(environment: EnvironmentId, kid: &str) -> String {
    format!("{environment}/signing_key/{kid}/1")
}
