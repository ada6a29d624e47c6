//! What slots of the directory refer to: organizations, grants, and the extras that few keys have.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::access::Permissions;
use crate::clock::Timestamp;
use crate::credential::Digest;
use crate::ids::{OrganizationId, SecretId};
use crate::limits::{Gcra, QuotaState};

/// An organization, as far as the gate cares.
pub struct Organization {
    pub id: OrganizationId,
    pub text: String,
    pub is_active: AtomicBool,
}

/// A set of permissions that many keys hold.
pub struct Grants {
    /// Identifier of the resource that the permissions belong to.
    pub resource: Option<String>,
    /// Sorted.
    pub permissions: Vec<String>,
    /// The permissions as a JSON array, ready to be sent.
    pub json: String,
    /// What a management key may do; nothing for API keys.
    pub management: Permissions,
}

impl Grants {
    pub fn position(&self, permission: &str) -> Option<usize> {
        self.permissions.binary_search_by(|known| known.as_str().cmp(permission)).ok()
    }
}

/// What a key has beyond the words of its slot.
#[derive(Default)]
pub struct Extras {
    pub networks: Vec<ipnet::IpNet>,
    pub rate: Option<Arc<Gcra>>,
    pub quota: Option<Arc<QuotaState>>,
    /// The secret before the current one, while a rotation overlaps.
    pub older: Option<Older>,
    /// Exercised bits of permissions beyond the 64th.
    pub exercised: Vec<AtomicU64>,
}

impl Extras {
    /// Limits are exact only while they are resident, so such a key is not evicted.
    pub fn is_limited(&self) -> bool {
        self.rate.is_some() || self.quota.is_some()
    }

    /// Bytes of memory, with those of its place in the pool.
    pub fn bytes(&self) -> usize {
        let counters = 2 * size_of::<usize>();
        let of = |is_there: bool, bytes: usize| if is_there { counters + bytes } else { 0 };
        size_of::<usize>()
            + of(true, size_of::<Self>())
            + size_of_val(self.networks.as_slice())
            + size_of_val(self.exercised.as_slice())
            + of(self.rate.is_some(), size_of::<Gcra>())
            + of(self.quota.is_some(), size_of::<QuotaState>())
            + of(self.older.is_some(), size_of::<OlderUse>())
    }

    pub fn allows(&self, client: Option<IpAddr>) -> bool {
        self.networks.is_empty()
            || client.is_some_and(|address| self.networks.iter().any(|network| network.contains(&address.to_canonical())))
    }
}

/// A secret that retires.
pub struct Older {
    pub id: SecretId,
    pub digest: Digest,
    pub pepper: u16,
    pub retires_at: Timestamp,
    pub used: Arc<OlderUse>,
}

/// Uses of a retiring secret since the last flush.
#[derive(Default)]
pub struct OlderUse {
    pub seconds: AtomicU32,
    pub count: AtomicU32,
    pub from: Mutex<Option<IpAddr>>,
}

impl OlderUse {
    pub fn note(&self, now: Timestamp, client: Option<IpAddr>) {
        self.seconds.store((now.micros() / 1_000_000) as u32, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        // Where from is worth less than never waiting.
        if let (Some(client), Ok(mut from)) = (client, self.from.try_lock()) {
            *from = Some(client);
        }
    }
}
