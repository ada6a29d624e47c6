//! One verification: find, compare, check in the documented order, and look once more before saying "valid".

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::Guard;

use super::directory::{Directory, EXERCISED, Entry, FROM, Id, Place, USED};
use super::flush::from_check;
use super::resident::{Extras, Grants, Organization};
use super::{Code, EnvironmentState, Gate, credential_id, flag, imported_digest_of, imported_id, miss, own_id};
use crate::clock::Timestamp;
use crate::credential::{self, Class, CredentialId, Digest, Parsed};
use crate::db::Db;
use crate::error::Result;
use crate::ids::{ApiKeyId, ManagementKeyId, OrganizationId, OwnerId};
use crate::limits::{NOTHING_LEFT, Rate};
use crate::secrets::imported_digest;

/// What is asked about a credential.
#[derive(Clone, Debug, Default)]
pub struct Ask<'a> {
    /// Identifier of the resource that is called; without it the credential's own is meant.
    pub resource: Option<Cow<'a, str>>,
    /// All of them must be held.
    pub permissions: Vec<Cow<'a, str>>,
    /// Where the credential's holder called from.
    pub client: Option<IpAddr>,
    /// How many uses this one counts for; 0 looks without taking.
    pub cost: Option<u32>,
    /// The answer must know of the journal at least up to here.
    pub min_seq: Option<i64>,
    /// A caller bound to one organization learns of no other.
    pub only: Option<OrganizationId>,
    /// Whether a management key is an answer: it opens the management plane and nothing else.
    pub management: bool,
}

/// The answer. `holder` is there once the secret matched.
pub struct Answer {
    pub code: Code,
    pub holder: Option<Holder>,
    pub rate: Option<Rate>,
    pub quota_remaining: Option<i64>,
    pub decision: u64,
    /// The journal sequence number that the answer knows of.
    pub journal_seq: i64,
}

/// Whose credential it is.
pub struct Holder {
    pub is_management: bool,
    pub id: CredentialId,
    pub owner: OwnerId,
    /// Microseconds since the Unix epoch; 0 for never.
    pub expires_at: i64,
    /// It came with a secret that a rotation is about to retire.
    pub is_retiring: bool,
    organization: Guard<Option<Arc<Organization>>>,
    grants: Guard<Option<Arc<Grants>>>,
}

impl Holder {
    pub fn public_id(&self) -> String {
        let mut text = String::with_capacity(20);
        self.write_public_id(&mut text);
        text
    }

    /// The same, appended.
    pub fn write_public_id(&self, out: &mut String) {
        out.push_str(if self.is_management { Class::ManagementKey } else { Class::ApiKey }.as_str());
        out.push('_');
        self.id.write_to(out);
    }

    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_deref()
    }

    pub fn grants(&self) -> Option<&Grants> {
        self.grants.as_deref()
    }

    pub fn expiry(&self) -> Option<Timestamp> {
        (self.expires_at != 0).then(|| Timestamp::from_micros(self.expires_at))
    }
}

/// A credential as presented: parsed once, without I/O.
pub enum Presented<'a> {
    Ours(Parsed<'a>),
    /// Not of our grammar: perhaps an imported key.
    Foreign(&'a str),
}

impl<'a> Presented<'a> {
    pub fn parse(text: &'a str) -> Self {
        credential::parse(text).map_or(Self::Foreign(text), Self::Ours)
    }

    /// How the credential is found in the directory, and how in the database.
    fn place(&self, environment: &EnvironmentState) -> Option<(Id, Option<Digest>)> {
        match self {
            Self::Ours(parsed) => Some((own_id(parsed.id), None)),
            Self::Foreign(text) if environment.has_imported.load(Ordering::Acquire) => {
                let peppers = environment.peppers.load();
                let (_, pepper) = peppers.last()?;
                let digest = imported_digest(pepper, &environment.bytes, &credential::foreign_digest(text));
                Some((imported_id(&digest), Some(digest)))
            }
            Self::Foreign(_) => None,
        }
    }

    fn key(&self, digest: Option<Digest>) -> miss::Sought {
        match (self, digest) {
            (Self::Ours(parsed), _) if parsed.class == Class::ManagementKey => {
                miss::Sought::Management(ManagementKeyId(parsed.id).to_string())
            }
            (Self::Ours(parsed), _) => miss::Sought::Issued(ApiKeyId(parsed.id).to_string()),
            (Self::Foreign(_), digest) => miss::Sought::Imported(digest.expect("a foreign credential is found by its digest")),
        }
    }
}

/// A look at the directory that did not find.
struct NotResident;

impl Gate {
    /// Verifies a credential within an environment.
    pub async fn verify(&self, db: &Db, state: &EnvironmentState, text: &str, ask: &Ask<'_>) -> Result<Answer> {
        if let Some(wanted) = ask.min_seq
            && state.epoch() < wanted
        {
            self.catch_up(db, state.id, wanted).await?;
        }
        let presented = Presented::parse(text);
        if let Ok(answer) = self.decide(state, &presented, ask) {
            return Ok(answer);
        }
        let (id, digest) = presented.place(state).expect("only what has a place can be missing");
        self.fetch(db, state, id, &presented.key(digest)).await?;
        // Whoever is missing now was evicted again at once, or is not there; both answer the same, for once.
        Ok(self.decide(state, &presented, ask).unwrap_or_else(|_| self.answer(state, Code::NotFound)))
    }

    /// The answer from memory, if memory has it: no await, no lock.
    pub fn verify_resident(&self, state: &EnvironmentState, text: &str, ask: &Ask<'_>) -> Option<Answer> {
        if ask.min_seq.is_some_and(|wanted| state.epoch() < wanted) {
            return None;
        }
        self.decide(state, &Presented::parse(text), ask).ok()
    }

    fn answer(&self, state: &EnvironmentState, code: Code) -> Answer {
        Answer { code, holder: None, rate: None, quota_remaining: None, decision: self.decisions.next(), journal_seq: state.epoch() }
    }

    fn decide(&self, state: &EnvironmentState, presented: &Presented<'_>, ask: &Ask<'_>) -> Result<Answer, NotResident> {
        if !self.is_current(state, ask.min_seq) {
            return Ok(self.answer(state, Code::Stale));
        }
        let Some((id, imported)) = presented.place(state) else { return Ok(self.answer(state, Code::Malformed)) };
        if let Presented::Ours(parsed) = presented
            && parsed.prefix != state.environment.load().key_prefix.as_str()
        {
            return Ok(self.answer(state, Code::NotFound));
        }
        if let Presented::Ours(parsed) = presented
            && parsed.class == Class::ManagementKey
            && !ask.management
        {
            return Ok(self.answer(state, Code::NotFound));
        }
        let now = self.clock.now();
        loop {
            let epoch = state.epoch();
            let Some((place, entry)) = self.directory.find(id) else {
                return if self.is_complete.load(Ordering::Acquire) || self.misses.is_absent(id) {
                    Ok(self.answer(state, if matches!(presented, Presented::Foreign(_)) { Code::Malformed } else { Code::NotFound }))
                } else {
                    Err(NotResident)
                };
            };
            let seen = self.look(state, presented, imported.as_ref(), &entry, ask, now);
            // What was read beside the slot belongs to it only if the slot is still the same; and nothing that
            // reduces access may have been applied meanwhile.
            if !self.directory.is_unchanged(place) || state.epoch() != epoch {
                continue;
            }
            return Ok(self.conclude(state, place, seen, ask, now));
        }
    }

    /// Everything that can be said without taking from a limit.
    fn look(
        &self,
        state: &EnvironmentState,
        presented: &Presented<'_>,
        imported: Option<&Digest>,
        entry: &Entry,
        ask: &Ask<'_>,
        now: Timestamp,
    ) -> Seen {
        let extras = (entry.extras != 0).then(|| self.extras.read(entry.extras));
        let organization = self.organizations.read(entry.organization);
        let of_caller = ask.only.is_none_or(|only| organization.as_ref().is_some_and(|organization| organization.id == only));
        let matched = match presented {
            Presented::Ours(parsed) => self.matches(state, parsed, entry, extras.as_deref().and_then(Option::as_deref), now),
            Presented::Foreign(_) => {
                let is_imported = entry.flags & flag::IMPORTED != 0;
                (is_imported && imported == Some(&imported_digest_of(entry))).then_some(Matched::Current)
            }
        };
        let Some(matched) = matched.filter(|_| of_caller && entry.environment == state.number) else {
            return Seen { code: Code::NotFound, entry: *entry, matched: None, organization, grants: self.grants.read(0), extras };
        };
        let grants = self.grants.read(entry.grants);
        let is_active = organization.as_ref().is_none_or(|organization| organization.is_active.load(Ordering::Acquire));
        let code = if entry.flags & flag::REVOKED != 0 {
            Code::Revoked
        } else if entry.expires_at != 0 && entry.expires_at <= now.micros() {
            Code::Expired
        } else if entry.flags & flag::DISABLED != 0 {
            Code::Disabled
        } else if !is_active {
            Code::OrganizationSuspended
        } else if extras.as_deref().and_then(Option::as_deref).is_some_and(|extras| !extras.allows(ask.client)) {
            Code::NetworkNotAllowed
        } else if !holds(grants.as_deref(), ask) {
            Code::InsufficientPermissions
        } else {
            Code::Valid
        };
        Seen { code, entry: *entry, matched: Some(matched), organization, grants, extras }
    }

    /// Compares in constant time with the current secret, and with the older one while it lives.
    fn matches(
        &self,
        state: &EnvironmentState,
        parsed: &Parsed<'_>,
        entry: &Entry,
        extras: Option<&Extras>,
        now: Timestamp,
    ) -> Option<Matched> {
        let is_management = entry.flags & flag::MANAGEMENT != 0;
        if is_management != (parsed.class == Class::ManagementKey) || entry.environment != state.number {
            return None;
        }
        let peppers = state.peppers.load();
        let digest = |version: u16| {
            let (_, pepper) = peppers.iter().find(|(known, _)| *known == i64::from(version))?;
            Some(pepper.digest(parsed.class, &state.bytes, parsed.id_text(), parsed.secret()))
        };
        let presented = digest(entry.pepper)?;
        if presented == Digest::from_words(entry.digest) {
            return Some(Matched::Current);
        }
        let older = extras?.older.as_ref().filter(|older| older.retires_at > now)?;
        let presented = if older.pepper == entry.pepper { presented } else { digest(older.pepper)? };
        (presented == older.digest).then_some(Matched::Older)
    }

    /// Takes from the limits and counts the use, once nothing else speaks against it.
    fn conclude(&self, state: &EnvironmentState, place: Place, seen: Seen, ask: &Ask<'_>, now: Timestamp) -> Answer {
        let mut answer = self.answer(state, seen.code);
        let Some(matched) = seen.matched else { return answer };
        let extras = seen.extras.as_deref().and_then(Option::as_deref);
        let cost = i64::from(ask.cost.unwrap_or(1));
        if seen.code == Code::Valid {
            answer.code = extras.map_or(Code::Valid, |extras| take(extras, now, cost, &mut answer));
        }
        if answer.code == Code::Valid && cost > 0 {
            match (matched, extras.and_then(|extras| extras.older.as_ref())) {
                (Matched::Older, Some(older)) => older.used.note(now, ask.client),
                // Every verification has the same few callers: their one slot is written once a second, not every time.
                _ if seen.entry.flags & flag::MANAGEMENT != 0 && was_used_in_this_second(&self.directory, place, now) => {}
                _ => note_use(&self.directory, place, now, ask.client, self.exercise(&seen, extras, ask)),
            }
        }
        answer.holder = Some(Holder {
            is_management: seen.entry.flags & flag::MANAGEMENT != 0,
            id: credential_id(&seen.entry),
            owner: OwnerId::from_u128(seen.entry.owner),
            expires_at: seen.entry.expires_at,
            is_retiring: matches!(matched, Matched::Older),
            organization: seen.organization,
            grants: seen.grants,
        });
        answer
    }

    /// The bits of the permissions asked for; those beyond the 64th are kept in the extras.
    fn exercise(&self, seen: &Seen, extras: Option<&Extras>, ask: &Ask<'_>) -> u64 {
        let Some(grants) = seen.grants.as_deref() else { return 0 };
        let mut bits = 0;
        for place in ask.permissions.iter().filter_map(|name| grants.position(name)) {
            match place / 64 {
                0 => bits |= 1 << place,
                word => {
                    if let Some(word) = extras.and_then(|extras| extras.exercised.get(word - 1)) {
                        word.fetch_or(1 << (place % 64), Ordering::Relaxed);
                    }
                }
            }
        }
        bits
    }
}

/// Which of two secrets it was.
#[derive(Clone, Copy)]
enum Matched {
    Current,
    Older,
}

struct Seen {
    code: Code,
    entry: Entry,
    matched: Option<Matched>,
    organization: Guard<Option<Arc<Organization>>>,
    grants: Guard<Option<Arc<Grants>>>,
    extras: Option<Guard<Option<Arc<Extras>>>>,
}

fn holds(grants: Option<&Grants>, ask: &Ask<'_>) -> bool {
    let Some(grants) = grants else { return ask.permissions.is_empty() && ask.resource.is_none() };
    let of_resource = ask.resource.as_deref().is_none_or(|asked| grants.resource.as_deref() == Some(asked));
    of_resource && ask.permissions.iter().all(|name| grants.position(name).is_some())
}

fn take(extras: &Extras, now: Timestamp, cost: i64, answer: &mut Answer) -> Code {
    if let Some(gcra) = &extras.rate {
        let rate = gcra.take(now, cost);
        answer.rate = Some(rate);
        if !rate.allowed {
            return Code::RateLimited;
        }
    }
    if let Some(quota) = &extras.quota {
        let left = quota.take(now, cost);
        answer.quota_remaining = Some(left.unwrap_or(NOTHING_LEFT));
        if left.is_none() {
            return Code::QuotaExceeded;
        }
    }
    Code::Valid
}

/// For callers only the time of the last use matters, to the second.
pub(super) fn was_used_in_this_second(directory: &Directory, place: Place, now: Timestamp) -> bool {
    let used = directory.usage(place.slot(), USED).load(Ordering::Relaxed);
    (used >> 32) as i64 == now.micros() / 1_000_000 && used as u32 != 0
}

/// Counts a use in the slot's own words.
pub(super) fn note_use(directory: &Directory, place: Place, now: Timestamp, client: Option<IpAddr>, exercised: u64) {
    let slot = place.slot();
    if exercised != 0 {
        let word = directory.usage(slot, EXERCISED);
        if word.load(Ordering::Relaxed) & exercised != exercised {
            word.fetch_or(exercised, Ordering::Relaxed);
        }
    }
    if let Some(client) = client {
        let bits = match client {
            IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
            IpAddr::V6(address) => u128::from(address),
        };
        let (high, low) = ((bits >> 64) as u64, bits as u64);
        for (word, value) in FROM.into_iter().zip([high, low, from_check(high, low)]) {
            directory.usage(slot, word).store(value, Ordering::Relaxed);
        }
    }
    let word = directory.usage(slot, USED);
    let seconds = (now.micros() / 1_000_000) as u64;
    let mut used = word.load(Ordering::Relaxed);
    loop {
        let count = (used as u32).saturating_add(1);
        let next = (used >> 32).max(seconds) << 32 | u64::from(count);
        match word.compare_exchange_weak(used, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(seen) => used = seen,
        }
    }
}
