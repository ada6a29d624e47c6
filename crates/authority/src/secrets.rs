//! The secrets behind credentials, as rows of digests. Shared by every class of credential that has a secret.
//! A plaintext passes through once, on its way to the caller.

use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::{self, Class, CredentialId, Digest, Pepper, Secret};
use crate::db::{self, Query, Row, Tx, params};
use crate::environments::Environment;
use crate::error::Result;
use crate::ids::SecretId;

/// How a stored digest was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Keyed with the environment's pepper: secrets we made.
    Keyed,
    /// SHA-256 of a foreign secret that was imported, keyed with the pepper as well: whoever can write the database
    /// still cannot add a key that he knows.
    Foreign,
}

impl Scheme {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyed => "hmac-sha256",
            Self::Foreign => "hmac-sha256-of-sha256",
        }
    }

    pub fn stored(text: &str) -> Self {
        if text == Self::Foreign.as_str() { Self::Foreign } else { Self::Keyed }
    }
}

/// Stands where a credential's id stands in other digests: 17 characters, and no id, for it holds a hyphen.
const IMPORTED: &str = "imported--sha-256";

/// What is kept of a foreign secret, from its SHA-256.
pub fn imported_digest(pepper: &Pepper, environment: &[u8; 16], sha256: &Digest) -> Digest {
    let mut hex = [0; 64];
    for (place, byte) in sha256.as_bytes().iter().enumerate() {
        hex[2 * place] = b"0123456789abcdef"[usize::from(byte >> 4)];
        hex[2 * place + 1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    pepper.digest(Class::ApiKey, environment, IMPORTED, std::str::from_utf8(&hex).expect("hexadecimal digits"))
}

/// One secret of a credential, as shown: no digest.
#[derive(Clone, Debug)]
pub struct SecretInfo {
    pub id: SecretId,
    pub hint: String,
    pub created_at: Timestamp,
    /// When an older secret stops working; `None` for the current one.
    pub retires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub last_used_from: Option<String>,
}

/// A secret just made, with what is kept of it.
pub struct Minted {
    pub secret: Secret,
    pub hint: String,
    digest: Digest,
    pepper_version: i64,
}

/// Makes a secret for the credential. Nothing is stored yet.
pub fn mint(authority: &Authority, environment: &Environment, class: Class, id: CredentialId) -> Minted {
    let secret = credential::mint(&environment.key_prefix, class, id, &authority.rng.secret_bytes());
    let parsed = credential::parse(secret.expose()).expect("what was just made has the right form");
    let pepper_version = authority.current_pepper(environment.id);
    let digest = authority.digest(environment, &parsed, pepper_version).expect("the current pepper is loaded");
    let hint = credential::hint(secret.expose());
    Minted { secret, hint, digest, pepper_version }
}

/// Stores the digest of a secret.
pub async fn insert(
    tx: &Tx,
    environment: &Environment,
    credential_id: &str,
    minted: &Minted,
    at: Timestamp,
    authority: &Authority,
) -> Result<SecretId> {
    let id = SecretId::new(at, authority.rng);
    insert_digest(tx, environment, credential_id, (id, Scheme::Keyed, minted.pepper_version), &minted.digest, &minted.hint, at).await?;
    Ok(id)
}

/// Stores a digest as it is: also the door for imported ones.
pub async fn insert_digest(
    tx: &Tx,
    environment: &Environment,
    credential_id: &str,
    (id, scheme, pepper_version): (SecretId, Scheme, i64),
    digest: &Digest,
    hint: &str,
    at: Timestamp,
) -> Result<(), db::Error> {
    tx.execute(
        "INSERT INTO secrets (id, environment_id, credential_id, scheme, pepper_version, digest, hint, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            id.to_string(),
            environment.id.to_string(),
            credential_id,
            scheme.as_str(),
            pepper_version,
            &digest.as_bytes()[..],
            hint,
            at,
        ],
    )
    .await?;
    Ok(())
}

/// The secrets of a credential that are or were its own, newest first.
pub async fn list(on: &impl Query, credential_id: &str) -> Result<Vec<SecretInfo>, db::Error> {
    let rows = on
        .all(
            "SELECT id, hint, created_at, retires_at, last_used_at, last_used_from
             FROM secrets
             WHERE credential_id = $1
             ORDER BY created_at DESC, id DESC",
            params![credential_id],
        )
        .await?;
    Ok(rows.iter().map(info).collect())
}

fn info(row: &Row) -> SecretInfo {
    SecretInfo {
        id: SecretId::stored(&row.text("id")),
        hint: row.text("hint"),
        created_at: row.time("created_at"),
        retires_at: row.opt_time("retires_at"),
        last_used_at: row.opt_time("last_used_at"),
        last_used_from: row.opt_text("last_used_from"),
    }
}

/// Lets the current secret live on until `ends`, and ends at once any older one whose overlap still ran.
pub async fn retire_current(tx: &Tx, credential_id: &str, now: Timestamp, ends: Timestamp) -> Result<(), db::Error> {
    tx.execute("UPDATE secrets SET retires_at = $2 WHERE credential_id = $1 AND retires_at > $2", params![credential_id, now]).await?;
    tx.execute("UPDATE secrets SET retires_at = $2 WHERE credential_id = $1 AND retires_at IS NULL", params![credential_id, ends]).await?;
    Ok(())
}

/// When the secrets of a credential end, as rotations after a backup decided.
#[derive(Default)]
pub struct Retirement {
    /// Of the secret that was current in the backup.
    pub current: Option<Timestamp>,
    /// Of those before it.
    pub older: Option<Timestamp>,
}

impl Retirement {
    /// A second rotation ends the backup's secret at once, whatever overlap the first one gave it.
    pub fn rotated(&mut self, at: Timestamp, previous_ends: Timestamp) {
        let ends = if self.current.is_none() { previous_ends } else { at };
        self.retired(Some(ends), Some(at));
    }

    /// The overlap of every rotation so far was cut short.
    pub fn dropped(&mut self, at: Timestamp) {
        self.retired(self.current.map(|_| at), Some(at));
    }

    /// An end never moves later.
    pub fn retired(&mut self, current: Option<Timestamp>, older: Option<Timestamp>) {
        self.current = self.current.into_iter().chain(current).min();
        self.older = self.older.into_iter().chain(older).min();
    }

    /// Answers how many secrets end earlier by it.
    pub async fn apply(&self, tx: &Tx, credential_id: &str) -> Result<u64, db::Error> {
        let mut ended = 0;
        if let Some(older) = self.older {
            ended += tx
                .execute("UPDATE secrets SET retires_at = $2 WHERE credential_id = $1 AND retires_at > $2", params![credential_id, older])
                .await?;
        }
        if let Some(current) = self.current {
            ended += tx
                .execute(
                    "UPDATE secrets SET retires_at = $2 WHERE credential_id = $1 AND retires_at IS NULL",
                    params![credential_id, current],
                )
                .await?;
        }
        Ok(ended)
    }
}

pub fn stored_digest(row: &Row) -> Digest {
    let bytes: [u8; 32] = row.bytes("digest").try_into().expect("a digest has 32 bytes");
    Digest::from_bytes(bytes)
}
