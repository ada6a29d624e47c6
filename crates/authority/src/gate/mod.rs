//! The gate: answers whether a credential is good, from memory.
//! It opens no change, writes no row and waits on no lock; a miss costs one indexed read, shared by all who wait for it.

mod caller;
pub(crate) mod clients;
mod decisions;
pub(crate) mod denials;
pub mod directory;
mod flush;
mod follow;
mod load;
mod miss;
mod outcome;
mod pool;
mod resident;
mod sync;
mod verify;
mod writer;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::{ArcSwap, Guard};

use crate::clock::{Clock, Timestamp};
use crate::credential::{CredentialId, Digest, Pepper};
use crate::db::{self, Db};
use crate::environments::Environment;
use crate::ids::{ApiKeyId, EnvironmentId, ManagementKeyId};
use crate::rng::Rng;
use crate::tokens::signing::SigningKeys;
use decisions::Decisions;
use directory::{Directory, Entry, Id};
use pool::Pool;

pub use caller::{CallerScope, KnownCaller};
pub use clients::{Client, ClientGrant, ClientStatus};
pub use outcome::Code;
pub use resident::{Extras, Grants, Organization};
pub use verify::{Answer, Ask, Holder, Presented};

/// What one resident key costs besides its slot: its share of the index, and slack for extras.
const BYTES_PER_KEY: usize = 160;
/// No budget is smaller than this.
const LEAST_BYTES: usize = 16 * BYTES_PER_KEY;

/// Bits of an entry's flags.
mod flag {
    pub const DISABLED: u8 = 1;
    pub const REVOKED: u8 = 2;
    pub const MANAGEMENT: u8 = 4;
    pub const IMPORTED: u8 = 8;
}

/// The gate of this node.
pub struct Gate {
    clock: Clock,
    /// What everything resident may take.
    memory_bytes: usize,
    directory: Directory,
    organizations: Pool<Organization>,
    grants: Pool<Grants>,
    extras: Pool<Extras>,
    environments: ArcSwap<Vec<Arc<EnvironmentState>>>,
    writer: Mutex<writer::Writer>,
    misses: miss::Misses,
    /// Not judged by here, but kept as new as everything else is.
    signing_keys: Arc<SigningKeys>,
    /// Every key of the database is resident, so a miss is an answer.
    is_complete: AtomicBool,
    lease: Lease,
    decisions: Decisions,
}

/// An environment as the gate sees it.
pub struct EnvironmentState {
    /// Its number in slots.
    number: u16,
    pub id: EnvironmentId,
    bytes: [u8; 16],
    pub environment: ArcSwap<Environment>,
    peppers: ArcSwap<Vec<(i64, Pepper)>>,
    /// The last journal sequence number that this node has applied; raised after every applied change.
    epoch: AtomicI64,
    has_imported: AtomicBool,
    clients: clients::Clients,
    denials: ArcSwap<denials::Denials>,
    applying: tokio::sync::Mutex<()>,
}

impl EnvironmentState {
    pub fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn denials(&self) -> Guard<Arc<denials::Denials>> {
        self.denials.load()
    }

    /// Whether a presented secret has that stored digest, made with that pepper. Without one it takes as long to say no.
    pub(crate) fn is_digest_of(&self, presented: &crate::credential::Parsed<'_>, stored: Option<(u16, &Digest)>) -> bool {
        let peppers = self.peppers.load();
        let version = stored.map_or_else(|| peppers.last().map(|(version, _)| *version), |(version, _)| Some(i64::from(version)));
        let pepper = peppers.iter().find(|(known, _)| Some(*known) == version);
        let digest = pepper.map(|(_, pepper)| pepper.digest(presented.class, &self.bytes, presented.id_text(), presented.secret()));
        digest.zip(stored).is_some_and(|(digest, (_, stored))| digest == *stored)
    }
}

/// An environment as it was found: no counter of references is touched, which all processors would share.
pub struct EnvironmentRef {
    states: Guard<Arc<Vec<Arc<EnvironmentState>>>>,
    place: usize,
}

impl std::ops::Deref for EnvironmentRef {
    type Target = EnvironmentState;

    fn deref(&self) -> &EnvironmentState {
        &self.states[self.place]
    }
}

/// How long this node may answer "valid" without hearing from the others. One node alone hears from itself.
struct Lease {
    /// Nanoseconds since boot.
    deadline: AtomicU64,
}

impl Lease {
    const fn that_never_lapses() -> Self {
        Self { deadline: AtomicU64::new(u64::MAX) }
    }

    fn holds(&self, clock: &Clock) -> bool {
        match self.deadline.load(Ordering::Acquire) {
            u64::MAX => true,
            deadline => clock.since_boot_nanos() < deadline,
        }
    }
}

impl Gate {
    pub(crate) fn new(clock: Clock, memory_bytes: usize, signing_keys: Arc<SigningKeys>, rng: Rng) -> Self {
        let memory_bytes = memory_bytes.max(LEAST_BYTES);
        let capacity = (memory_bytes / BYTES_PER_KEY).min(u32::MAX as usize / 4) as u32;
        Self {
            clock,
            memory_bytes,
            directory: Directory::new(capacity),
            organizations: Pool::new(),
            grants: Pool::new(),
            extras: Pool::new(),
            environments: ArcSwap::from_pointee(Vec::new()),
            writer: Mutex::new(writer::Writer::default()),
            misses: miss::Misses::default(),
            signing_keys,
            is_complete: AtomicBool::new(false),
            lease: Lease::that_never_lapses(),
            decisions: Decisions::new(rng),
        }
    }

    /// Adds an environment, or takes its new name and peppers.
    pub(crate) fn add_environment(&self, environment: Arc<Environment>, peppers: Arc<Vec<(i64, Pepper)>>) {
        let _writer = self.writer.lock().expect("the writer never panics");
        let known = self.environments.load();
        if let Some(state) = known.iter().find(|state| state.id == environment.id) {
            state.environment.store(environment);
            state.peppers.store(peppers);
            return;
        }
        let mut states = Vec::clone(&known);
        states.push(Arc::new(EnvironmentState {
            number: states.len() as u16,
            id: environment.id,
            bytes: environment.id.as_u128().to_be_bytes(),
            environment: ArcSwap::new(environment),
            peppers: ArcSwap::new(peppers),
            epoch: AtomicI64::new(0),
            has_imported: AtomicBool::new(false),
            clients: clients::Clients::new(),
            denials: ArcSwap::default(),
            applying: tokio::sync::Mutex::new(()),
        }));
        self.environments.store(Arc::new(states));
    }

    fn environment(&self, id: EnvironmentId) -> Option<Arc<EnvironmentState>> {
        self.environments.load().iter().find(|state| state.id == id).cloned()
    }

    fn find_environment(&self, is_it: impl FnMut(&Arc<EnvironmentState>) -> bool) -> Option<EnvironmentRef> {
        let states = self.environments.load();
        let place = states.iter().position(is_it)?;
        Some(EnvironmentRef { states, place })
    }

    /// The environment of that slug or id.
    pub fn environment_named(&self, name: &str) -> Option<EnvironmentRef> {
        self.find_environment(|state| state.environment.load().slug == name || state.id.to_string() == name)
    }

    /// The environment that a credential names by its prefix: for callers who have nothing but the credential.
    pub fn environment_of(&self, text: &str) -> Option<EnvironmentRef> {
        match Presented::parse(text) {
            Presented::Ours(parsed) => self.environment_of_prefix(parsed.prefix),
            Presented::Foreign(_) => None,
        }
    }

    pub(crate) fn environment_of_issuer(&self, issuer: &str) -> Option<EnvironmentRef> {
        self.find_environment(|state| state.environment.load().issuer == issuer)
    }

    fn environment_of_prefix(&self, prefix: &str) -> Option<EnvironmentRef> {
        self.find_environment(|state| state.environment.load().key_prefix.as_str() == prefix)
    }

    /// Slug and applied journal sequence number of every environment.
    pub fn epochs(&self) -> Vec<(String, i64)> {
        self.environments.load().iter().map(|state| (state.environment.load().slug.clone(), state.epoch())).collect()
    }

    pub(crate) fn knows(&self, id: EnvironmentId) -> bool {
        self.environment(id).is_some()
    }

    /// How many entries are resident, and the bytes they take.
    pub fn residents(&self) -> (usize, usize) {
        let writer = self.writer.lock().expect("the writer never panics");
        (writer.entries(), self.bytes(&writer))
    }

    /// Management keys are checked against the database, but their use is counted here.
    pub(crate) fn note_management_use(&self, id: CredentialId, now: Timestamp, client: Option<IpAddr>) {
        if let Some((place, _)) = self.directory.find(own_id(id)) {
            verify::note_use(&self.directory, place, now, client, 0);
        }
    }

    /// Whether this node may answer for that environment: it has heard of the journal up to `min_seq`, and its lease holds.
    pub(crate) fn is_current(&self, state: &EnvironmentState, min_seq: Option<i64>) -> bool {
        min_seq.is_none_or(|wanted| state.epoch() >= wanted) && self.lease.holds(&self.clock)
    }

    /// The number of one decision.
    pub(crate) fn next_decision(&self) -> u64 {
        self.decisions.next()
    }

    /// The imported key of that digest, or the issued key of that id.
    async fn fetch(&self, db: &Db, state: &EnvironmentState, id: Id, key: &miss::Sought) -> Result<(), db::Error> {
        self.misses.fetch(self, db, state, id, key).await
    }
}

/// An issued key is found by its id.
fn own_id(id: CredentialId) -> Id {
    id.words()
}

/// An imported key is found by the first 96 bits of its keyed digest; all 256 are compared afterwards.
fn imported_id(digest: &Digest) -> Id {
    let [first, second, ..] = digest.words();
    (first, (second >> 32) as u32)
}

/// The digest of an imported key without what it is found by; its public id stands in that place.
fn imported_words(digest: [u64; 4], id: CredentialId) -> [u64; 4] {
    let (high, low) = id.words();
    [high, u64::from(low) << 32 | digest[1] & LOW, digest[2], digest[3]]
}

/// The whole digest of an imported key.
fn imported_digest_of(entry: &Entry) -> Digest {
    Digest::from_words([entry.id.0, u64::from(entry.id.1) << 32 | entry.digest[1] & LOW, entry.digest[2], entry.digest[3]])
}

const LOW: u64 = 0xffff_ffff;

/// The public id of an entry's credential.
fn credential_id(entry: &Entry) -> CredentialId {
    match entry.flags & flag::IMPORTED {
        0 => CredentialId::from_words(entry.id.0, entry.id.1),
        _ => CredentialId::from_words(entry.digest[0], (entry.digest[1] >> 32) as u32),
    }
}

/// The same as text.
fn public_id(entry: &Entry) -> String {
    let id = credential_id(entry);
    if entry.flags & flag::MANAGEMENT == 0 { ApiKeyId(id).to_string() } else { ManagementKeyId(id).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imported_entry_keeps_the_whole_digest_and_the_public_id() {
        let digest = Digest::from_bytes(std::array::from_fn(|place| place as u8 + 1));
        let id = CredentialId::from_bytes([0xa5; 12]);
        let entry =
            Entry { id: imported_id(&digest), digest: imported_words(digest.words(), id), flags: flag::IMPORTED, ..Entry::default() };
        assert!(imported_digest_of(&entry) == digest);
        assert_eq!(credential_id(&entry), id);
    }
}
