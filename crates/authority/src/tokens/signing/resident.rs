//! The signing keys of every environment in memory: read without a lock, and read anew from the database before a change of
//! them is acknowledged. Private halves are opened here and go no further.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::mint::label;
use super::schedule::Schedule;
use super::sign::{Sign, SignError};
use super::{Key, LOCAL, LocalKey, Status, der, sql};
use crate::clock::Timestamp;
use crate::credential::jose::{self, Algorithm, PublicJwk};
use crate::db::{self, Db};
use crate::ids::EnvironmentId;
use crate::seal::MasterKey;

/// The key that signs for an environment and algorithm.
pub struct SigningKey {
    kid: String,
    usable_from: Option<Timestamp>,
    signer: Box<dyn Sign>,
}

impl SigningKey {
    /// What the `kid` of a token's header must say.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn algorithm(&self) -> Algorithm {
        self.signer.algorithm()
    }

    /// Signs; awaits nothing if the private half is here.
    pub async fn sign(self: &Arc<Self>, now: Timestamp, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if !self.signer.may_wait() {
            return self.sign_blocking(now, message);
        }
        let (key, message) = (self.clone(), message.to_vec());
        let signed = tokio::task::spawn_blocking(move || key.sign_blocking(now, &message));
        signed.await.unwrap_or_else(|_| Err(SignError::Provider("it panicked".to_owned())))
    }

    /// The same, in this thread whatever it takes.
    pub fn sign_blocking(&self, now: Timestamp, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self.usable_from {
            Some(usable_from) if now < usable_from => Err(SignError::TooEarly { kid: self.kid.clone(), usable_from }),
            _ => self.signer.sign(message),
        }
    }
}

/// A key that tokens may be verified with.
#[derive(Debug)]
pub struct VerifyingKey {
    pub kid: String,
    pub status: Status,
    pub jwk: PublicJwk,
    /// The same, ready to verify with.
    pub prepared: jose::VerifyingKey,
    /// What was issued before is not good, whoever signed it: a key of this algorithm was compromised.
    pub min_iat: Option<Timestamp>,
    /// SubjectPublicKeyInfo as PEM.
    pub pem: String,
}

/// The published keys of an environment, ready to be sent.
pub struct Jwks {
    /// A JWK Set (RFC 7517 section 5).
    pub text: String,
    /// Changes with the text.
    pub etag: String,
}

/// All that is resident.
pub struct SigningKeys {
    master_key: Arc<MasterKey>,
    environments: ArcSwap<HashMap<EnvironmentId, Arc<Resident>>>,
    loading: tokio::sync::Mutex<()>,
}

struct Resident {
    keys: Vec<Key>,
    signers: Vec<Arc<SigningKey>>,
    verifying: HashMap<String, Arc<VerifyingKey>>,
    jwks: Arc<Jwks>,
}

impl SigningKeys {
    pub(crate) fn new(master_key: Arc<MasterKey>) -> Self {
        Self { master_key, environments: ArcSwap::default(), loading: tokio::sync::Mutex::default() }
    }

    /// The key that signs; `None` when there is none yet, or when it does not open.
    pub fn signer(&self, environment: EnvironmentId, algorithm: Algorithm) -> Option<Arc<SigningKey>> {
        let environments = self.environments.load();
        environments.get(&environment)?.signers.iter().find(|key| key.algorithm() == algorithm).cloned()
    }

    /// The key of that id, if tokens of it may be good: it signs, will sign, or has signed.
    pub fn verifying(&self, environment: EnvironmentId, kid: &str) -> Option<Arc<VerifyingKey>> {
        self.environments.load().get(&environment)?.verifying.get(kid).cloned()
    }

    /// From when on tokens of the algorithm are good, if a key of it was compromised; in whole seconds.
    pub fn min_iat(&self, environment: EnvironmentId, algorithm: Algorithm) -> Option<Timestamp> {
        min_iat(&self.environments.load().get(&environment)?.keys, algorithm)
    }

    pub fn jwks(&self, environment: EnvironmentId) -> Option<Arc<Jwks>> {
        Some(self.environments.load().get(&environment)?.jwks.clone())
    }

    pub(crate) fn knows(&self, environment: EnvironmentId) -> bool {
        self.environments.load().contains_key(&environment)
    }

    /// The algorithms for whose keys something is due. ES256 every environment has.
    pub(super) fn due(&self, environment: EnvironmentId, schedule: Schedule, now: Timestamp) -> Vec<Algorithm> {
        let environments = self.environments.load();
        let keys: &[Key] = environments.get(&environment).map_or(&[], |resident| &resident.keys);
        let of = |algorithm| keys.iter().filter(|key| key.algorithm() == algorithm).cloned().collect::<Vec<_>>();
        let is_due = |algorithm: &Algorithm| {
            let keys = of(*algorithm);
            (!keys.is_empty() || *algorithm == Algorithm::Es256) && !schedule.due(&keys, now, false).is_empty()
        };
        Algorithm::ALL.into_iter().filter(is_due).collect()
    }

    /// Reads an environment's keys anew. Loads come one after another, so that none puts back what an earlier one read.
    pub(crate) async fn load(&self, db: &Db, environment: EnvironmentId) -> Result<(), db::Error> {
        let _loading = self.loading.lock().await;
        let rows = sql::all_sealed(db, environment).await?;
        let resident = Arc::new(self.open(environment, rows));
        let mut environments = HashMap::clone(&self.environments.load());
        environments.insert(environment, resident);
        self.environments.store(Arc::new(environments));
        Ok(())
    }

    fn open(&self, environment: EnvironmentId, rows: Vec<(Key, Option<Vec<u8>>)>) -> Resident {
        let mut signers = Vec::new();
        for (key, sealed) in rows.iter().filter(|(key, _)| key.status == Status::Active) {
            match self.signer_of(environment, key, sealed.as_deref()) {
                Ok(signer) => signers.push(Arc::new(SigningKey { kid: key.kid.clone(), usable_from: key.usable_from, signer })),
                // Nothing is signed with it then. Everything else goes on: a follower that stops here would miss revocations.
                Err(error) => tracing::error!(%error, kid = key.kid, environment = %environment, "a signing key cannot be used"),
            }
        }
        let keys: Vec<Key> = rows.into_iter().map(|(key, _)| key).collect();
        let published = |key: &&Key| key.status.is_published() && key.jwk.thumbprint() == key.kid;
        let verifying = keys.iter().filter(published).filter_map(|key| Some((key.kid.clone(), Arc::new(verifying(key, &keys)?)))).collect();
        let mut shown: Vec<&Key> = keys.iter().filter(published).collect();
        // Who can hold one key only takes the first.
        shown.sort_by_key(|key| key.rank());
        let text = json!({ "keys": shown.iter().map(|key| key.jwk.published()).collect::<Vec<_>>() }).to_string();
        let etag = Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
        Resident { keys, signers, verifying, jwks: Arc::new(Jwks { text, etag: format!("\"{etag}\"") }) }
    }

    fn signer_of(&self, environment: EnvironmentId, key: &Key, sealed: Option<&[u8]>) -> Result<Box<dyn Sign>, SignError> {
        let because = |why: String| SignError::Provider(why);
        if key.provider != LOCAL {
            return Err(because(format!("this server has no provider {:?}", key.provider)));
        }
        let sealed = sealed.ok_or_else(|| because("its private half is missing".to_owned()))?;
        let opened = self.master_key.open(sealed, &label(environment, &key.kid)).map_err(|error| because(error.to_string()))?;
        let signer = LocalKey::from_pkcs8(key.algorithm(), &opened)?;
        if signer.public_jwk().thumbprint() != key.kid {
            return Err(because("its private half belongs to another key".to_owned()));
        }
        Ok(Box::new(signer))
    }
}

/// `None` for a key that the library does not take: nothing was signed with it either.
fn verifying(key: &Key, all: &[Key]) -> Option<VerifyingKey> {
    Some(VerifyingKey {
        kid: key.kid.clone(),
        status: key.status,
        jwk: key.jwk.clone(),
        prepared: jose::VerifyingKey::new(&key.jwk).ok()?,
        min_iat: min_iat(all, key.algorithm()),
        pem: der::pem(&key.jwk),
    })
}

fn min_iat(keys: &[Key], algorithm: Algorithm) -> Option<Timestamp> {
    keys.iter().filter(|key| key.algorithm() == algorithm).filter_map(Key::min_iat).max()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// A device that signs when its light is green.
    struct Device {
        inside: LocalKey,
        green: Mutex<Receiver<()>>,
    }

    impl Sign for Device {
        fn public_jwk(&self) -> &PublicJwk {
            self.inside.public_jwk()
        }

        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
            self.green.lock().unwrap().recv().map_err(|_| SignError::Provider("it was unplugged".to_owned()))?;
            self.inside.sign(message)
        }

        fn may_wait(&self) -> bool {
            true
        }
    }

    /// There is one thread: if the device kept it, nobody would be left to give the light.
    #[tokio::test(flavor = "current_thread")]
    async fn a_device_that_waits_keeps_nobody_from_working() {
        let (light, green) = channel();
        let signer = Box::new(Device { inside: LocalKey::generate(Algorithm::Es256).unwrap(), green: Mutex::new(green) });
        let usable_from = Timestamp::from_micros(1_000_000);
        let key = Arc::new(SigningKey { kid: "a".to_owned(), usable_from: Some(usable_from), signer });
        let (signed, ()) = tokio::join!(key.sign(usable_from, b"m"), async { light.send(()).unwrap() });
        assert_eq!(signed.unwrap().len(), 64);
        // Not even asked before its time.
        let early = key.sign(Timestamp::from_micros(999_999), b"m").await;
        assert_eq!(early, Err(SignError::TooEarly { kid: "a".to_owned(), usable_from }));
        drop(light);
        assert!(matches!(key.sign(usable_from, b"m").await, Err(SignError::Provider(_))));
    }
}
