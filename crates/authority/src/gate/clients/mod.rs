//! Applications as the token endpoint and the verification of tokens see them: all resident, each one value that is replaced
//! as a whole. What is here is as old as the environment's epoch, as with keys.

mod flush;
mod load;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::clock::Timestamp;
use crate::credential::jose::VerifyingKey;
use crate::credential::{CredentialId, Digest};
use crate::ids::{ApplicationId, OrganizationId, OwnerId};
use crate::limits::Gcra;
use crate::resources::TokenDialect;

pub(super) use load::Which;

/// Every application of an environment, by its id.
pub(super) type Clients = papaya::HashMap<ApplicationId, Arc<Client>>;

/// An application with what it may ask for and how it proves who it is.
pub struct Client {
    pub id: ApplicationId,
    /// The id as text: the `client_id`.
    pub text: String,
    pub organization: OrganizationId,
    pub organization_text: String,
    pub organization_is_active: bool,
    pub owner: OwnerId,
    pub status: ClientStatus,
    pub token_lifetime_seconds: Option<i64>,
    pub require_dpop: bool,
    /// How many tokens it may obtain; goes on running through changes that do not touch it.
    pub(super) rate: Option<Arc<Gcra>>,
    /// By resource.
    pub grants: Vec<ClientGrant>,
    pub(crate) secrets: Vec<ClientSecret>,
    pub(crate) keys: Vec<ClientKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientStatus {
    Active,
    Disabled,
    Revoked,
}

/// What an application may do with one resource.
pub struct ClientGrant {
    /// The audience.
    pub resource: String,
    /// Sorted.
    pub permissions: Vec<String>,
    pub dialect: Option<TokenDialect>,
}

/// A minting credential, whatever its kind.
pub(crate) struct ClientCredential {
    /// Its id, as tokens name it.
    pub text: String,
    pub expires_at: Option<Timestamp>,
    pub is_revoked: bool,
    pub used: Arc<Use>,
}

pub(crate) struct ClientSecret {
    pub id: CredentialId,
    pub digest: Digest,
    pub pepper: u16,
    pub credential: ClientCredential,
}

/// A public key that the client signs assertions with.
pub(crate) struct ClientKey {
    pub prepared: VerifyingKey,
    thumbprint: String,
    /// What the client calls it.
    kid: Option<String>,
    pub credential: ClientCredential,
}

impl ClientKey {
    pub fn is_named(&self, kid: &str) -> bool {
        self.thumbprint == kid || self.kid.as_deref() == Some(kid)
    }
}

/// Uses of a credential since the last flush. It outlives reloads of its application.
#[derive(Default)]
pub(crate) struct Use {
    count: AtomicU64,
    /// Microseconds since the Unix epoch; 0 for never.
    at: AtomicU64,
    from: Mutex<Option<IpAddr>>,
}

impl Use {
    pub fn note(&self, now: Timestamp, client: Option<IpAddr>) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.at.fetch_max(now.micros().unsigned_abs(), Ordering::Relaxed);
        // Where from is worth less than never waiting.
        if let (Some(client), Ok(mut from)) = (client, self.from.try_lock()) {
            *from = Some(client);
        }
    }
}

impl Client {
    fn credentials(&self) -> impl Iterator<Item = &ClientCredential> {
        let secrets = self.secrets.iter().map(|secret| &secret.credential);
        secrets.chain(self.keys.iter().map(|key| &key.credential))
    }

    pub fn grant(&self, resource: &str) -> Option<&ClientGrant> {
        self.grants.iter().find(|grant| grant.resource == resource)
    }

    /// Takes one token from the limit; how many seconds until there is one again.
    pub fn take_token(&self, now: Timestamp) -> Result<(), i64> {
        let Some(rate) = self.rate.as_ref().map(|rate| rate.take(now, 1)) else { return Ok(()) };
        if rate.allowed { Ok(()) } else { Err(rate.reset_seconds.max(1)) }
    }
}

impl super::Gate {
    /// Reads the named applications anew, for the follower: the writer puts them in when the rest of the change is ready.
    pub(super) async fn load_clients(
        &self,
        db: &crate::db::Db,
        state: &super::EnvironmentState,
        which: &Which<'_>,
    ) -> Result<Vec<Arc<Client>>, crate::db::Error> {
        load::clients(db, &state.id.to_string(), which, &state.clients).await
    }

    pub(super) async fn flush_clients(&self, db: &crate::db::Db) -> Result<(), crate::db::Error> {
        for state in self.environments.load().iter() {
            flush::flush(db, &state.clients).await?;
        }
        Ok(())
    }
}

impl super::EnvironmentState {
    /// The application of that `client_id`, as of the epoch.
    pub fn client(&self, client_id: &str) -> Option<Arc<Client>> {
        let id: ApplicationId = client_id.parse().ok()?;
        self.clients.pin().get(&id).cloned()
    }

    pub(super) fn put_clients(&self, clients: Vec<Arc<Client>>) {
        let resident = self.clients.pin();
        for client in clients {
            resident.insert(client.id, client);
        }
    }
}
