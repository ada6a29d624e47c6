//! The keys that sign access tokens, per environment and algorithm. One signs, one is published and waits, and those before
//! stay published until nothing that they signed can still be in use. A private half never leaves this folder unsealed.

mod advance;
mod compromise;
mod der;
mod fate;
mod local;
mod mint;
mod resident;
mod rotate;
mod schedule;
mod sign;
mod sql;
mod tend;

use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::jose::{Algorithm, PublicJwk};
use crate::db::Query;
use crate::error::{Refusal, Result};

pub(crate) use advance::begin;
pub use compromise::compromise;
pub(crate) use fate::SigningKeyFate;
pub use local::{LOCAL, LocalKey};
pub(crate) use mint::mint;
pub use resident::{Jwks, SigningKey, SigningKeys, VerifyingKey};
pub use rotate::rotate;
pub use schedule::{JWKS_MAX_AGE_SECONDS, LEAST_PUBLISHED_SECONDS, LONGEST_TOKEN_SECONDS, RETIRED_SECONDS, Schedule};
pub use sign::{Sign, SignError};
pub(crate) use sql::sealed;
pub use tend::{ensure, tick};

/// What the database knows of a signing key, its private half aside.
#[derive(Clone, Debug)]
pub struct Key {
    /// The RFC 7638 thumbprint of the public half.
    pub kid: String,
    pub status: Status,
    /// Who holds the private half: [`LOCAL`], or the name of a provider.
    pub provider: String,
    pub jwk: PublicJwk,
    /// Not before this may the signer use it: verifiers must have had time to see it. `None` for a key that signs at once, the
    /// first of its algorithm or one in place of a compromised one: there, clocks that differ must not keep a node from signing.
    pub usable_from: Option<Timestamp>,
    pub created_at: Timestamp,
    pub published_at: Timestamp,
    pub activated_at: Option<Timestamp>,
    /// When it stopped signing.
    pub retired_at: Option<Timestamp>,
    pub gone_at: Option<Timestamp>,
    pub compromised_at: Option<Timestamp>,
    pub revision: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It signs.
    Active,
    /// Published, so that verifiers know it when it begins to sign.
    Standby,
    /// Signs no more; what it signed may still be in use.
    Retired,
    /// Neither signs nor verifies; kept for the record.
    Gone,
    /// Somebody else may have signed with it: it verifies nothing.
    Compromised,
}

impl Status {
    pub const ALL: [Self; 5] = [Self::Active, Self::Standby, Self::Retired, Self::Gone, Self::Compromised];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Standby => "standby",
            Self::Retired => "retired",
            Self::Gone => "gone",
            Self::Compromised => "compromised",
        }
    }

    /// Whether verifiers are shown the key, and tokens of it are good.
    pub const fn is_published(self) -> bool {
        matches!(self, Self::Active | Self::Standby | Self::Retired)
    }

    fn stored(text: &str) -> Self {
        // Of a key whose status nobody knows nothing is good.
        Self::ALL.into_iter().find(|status| status.as_str() == text).unwrap_or(Self::Compromised)
    }
}

impl Key {
    pub fn algorithm(&self) -> Algorithm {
        self.jwk.algorithm()
    }

    /// How events name it.
    fn subject(&self) -> String {
        format!("{SUBJECT}{}", self.kid)
    }

    /// What it may have signed for its holder ended here, in whole seconds as `iat` is.
    fn min_iat(&self) -> Option<Timestamp> {
        let ended = self.retired_at.filter(|_| self.status == Status::Compromised)?;
        Some(Timestamp::from_micros(ended.micros() - ended.micros().rem_euclid(1_000_000)))
    }
}

/// What the subject of every event about a signing key begins with.
pub(crate) const SUBJECT: &str = "sig_";

/// Every signing key of the environment, those that are gone included: the one that signs first.
pub async fn list(authority: &Authority, caller: &Caller) -> Result<Vec<Key>> {
    caller.require(Permission::SigningKeysRead)?;
    let mut keys = sql::all(&authority.db, caller.context.environment.id).await?;
    keys.sort_by_key(Key::rank);
    Ok(keys)
}

impl Key {
    /// Marks it, and answers what it was. One that signed does so no more.
    fn compromise(&mut self, at: Timestamp) -> Status {
        let before = std::mem::replace(&mut self.status, Status::Compromised);
        if before == Status::Active {
            self.retired_at = Some(at);
        }
        before
    }

    fn is_usable(&self, now: Timestamp) -> bool {
        self.usable_from.is_none_or(|from| from <= now)
    }

    /// The order in which keys are shown.
    fn rank(&self) -> (Algorithm, Status, Timestamp) {
        (self.algorithm(), self.status, self.created_at)
    }
}

pub async fn read(authority: &Authority, caller: &Caller, kid: &str) -> Result<Key> {
    caller.require(Permission::SigningKeysRead)?;
    find(&authority.db, caller, kid).await
}

async fn find(on: &impl Query, caller: &Caller, kid: &str) -> Result<Key> {
    let found = sql::by_kid(on, caller.context.environment.id, kid).await?;
    // What was sent may be anything, a secret too: it is not repeated.
    found.ok_or_else(|| Refusal::not_found("signing key", "of that kid").into())
}

/// Signing keys are the environment's: who is bound to one of its organizations does not change them.
fn may_change(caller: &Caller) -> Result<()> {
    caller.require(Permission::SigningKeysWrite)?;
    match caller.organization {
        Some(_) => Err(Refusal::BeyondOwnGrant("signing keys sign for every organization".to_owned()).into()),
        None => Ok(()),
    }
}
