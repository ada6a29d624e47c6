//! The one writer of the directory: keeps shared values interned, finds room, and evicts who was not used for longest.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::directory::{self, Entry};
use super::load::Loaded;
use super::pool::Numbers;
use super::resident::{Extras, Organization};
use super::{Gate, flush};
use crate::ids::OrganizationId;
use crate::limits::{Gcra, QuotaState};

/// So many stay however small the budget is.
const LEAST_RESIDENT: usize = 16;

#[derive(Default)]
pub(super) struct Writer {
    free: Vec<u32>,
    next: u32,
    /// Where the search for somebody to evict goes on.
    hand: u32,
    organizations: HashMap<OrganizationId, u32>,
    organization_numbers: Numbers,
    grants: HashMap<String, (u32, u32)>,
    grants_keys: HashMap<u32, String>,
    grants_numbers: Numbers,
    extras_numbers: Numbers,
    extras_bytes: usize,
    /// Usage of entries that were evicted or changed before a flush came.
    pub(super) left_behind: Vec<flush::Used>,
}

impl Writer {
    pub(super) fn entries(&self) -> usize {
        self.next as usize - self.free.len()
    }

    /// Slots up to here have been in use.
    pub(super) fn entries_ever(&self) -> u32 {
        self.next
    }
}

impl Gate {
    /// Writes a credential into the directory, over what it was before. The caller holds the writer.
    pub(super) fn put(&self, writer: &mut Writer, loaded: Loaded) {
        let before = self.directory.find(loaded.entry.id);
        if let Some((place, entry)) = before {
            // What was exercised is told in terms of the old permissions.
            writer.left_behind.extend(self.drain(place.slot(), &entry));
        }
        let old = before.map(|(_, entry)| entry).unwrap_or_default();
        let entry = Entry {
            organization: loaded.organization.map_or(0, |(id, is_active)| self.organization_number(writer, id, is_active)),
            grants: self.grants_number(writer, loaded.grants_key, loaded.grants),
            extras: 0,
            ..loaded.entry
        };
        let extras = loaded.extras.map(|extras| self.with_limits(extras, loaded.rate, loaded.quota, old.extras));
        let number = extras.map_or(0, |extras| {
            writer.extras_bytes += extras.bytes();
            self.extras.insert(&mut writer.extras_numbers, Arc::new(extras))
        });
        let entry = Entry { extras: number, ..entry };
        // Room first: making it moves entries of the index that `put` is about to walk.
        let slot = before.map_or_else(|| self.room(writer), |(place, _)| place.slot());
        self.directory.put(&entry, || slot);
        // After the slot: nobody can come by the old numbers any more.
        self.release_extras(writer, old.extras);
        self.release_grants(writer, old.grants);
    }

    /// Bytes that everything resident takes.
    pub(super) fn bytes(&self, writer: &Writer) -> usize {
        self.directory.bytes() + writer.extras_bytes
    }

    fn release_extras(&self, writer: &mut Writer, number: u32) {
        if number != 0 {
            writer.extras_bytes -= self.extras.read(number).as_ref().map_or(0, |extras| extras.bytes());
            self.extras.remove(&mut writer.extras_numbers, number);
        }
    }

    /// Running limits go on through a change that does not touch them.
    fn with_limits(
        &self,
        mut extras: Extras,
        rate: Option<crate::limits::RateLimit>,
        quota: Option<(crate::limits::Quota, i64, crate::clock::Timestamp)>,
        old: u32,
    ) -> Extras {
        let old = (old != 0).then(|| self.extras.read(old));
        let old = old.as_ref().and_then(|old| old.as_ref());
        extras.rate = rate.map(|limit| {
            let running = old.and_then(|old| old.rate.clone()).filter(|gcra| gcra.limit() == limit);
            running.unwrap_or_else(|| Arc::new(Gcra::new(limit)))
        });
        extras.quota = quota.map(|(quota, remaining, refilled_at)| {
            let running = old.and_then(|old| old.quota.clone()).filter(|state| state.quota() == quota);
            running.unwrap_or_else(|| Arc::new(QuotaState::new(quota, remaining, refilled_at)))
        });
        extras
    }

    fn organization_number(&self, writer: &mut Writer, id: OrganizationId, is_active: bool) -> u32 {
        if let Some(number) = writer.organizations.get(&id) {
            return *number;
        }
        let organization = Organization { id, text: id.to_string(), is_active: AtomicBool::new(is_active) };
        let number = self.organizations.insert(&mut writer.organization_numbers, Arc::new(organization));
        writer.organizations.insert(id, number);
        number
    }

    /// Tells resident organizations what they are now.
    pub(super) fn set_organization(&self, writer: &Writer, id: OrganizationId, is_active: bool) {
        if let Some(number) = writer.organizations.get(&id)
            && let Some(organization) = &*self.organizations.read(*number)
        {
            organization.is_active.store(is_active, Ordering::Release);
        }
    }

    fn grants_number(&self, writer: &mut Writer, key: String, grants: super::Grants) -> u32 {
        if let Some((number, holders)) = writer.grants.get_mut(&key) {
            *holders += 1;
            return *number;
        }
        let number = self.grants.insert(&mut writer.grants_numbers, Arc::new(grants));
        writer.grants_keys.insert(number, key.clone());
        writer.grants.insert(key, (number, 1));
        number
    }

    fn release_grants(&self, writer: &mut Writer, number: u32) {
        let Some(key) = writer.grants_keys.get(&number) else { return };
        let Some((_, holders)) = writer.grants.get_mut(key) else { return };
        *holders -= 1;
        if *holders == 0 {
            let key = writer.grants_keys.remove(&number).expect("found above");
            writer.grants.remove(&key);
            self.grants.remove(&mut writer.grants_numbers, number);
        }
    }

    /// A free slot: a fresh one while the budget lasts, else that of whoever was not used for longest among a few.
    fn room(&self, writer: &mut Writer) -> u32 {
        let taken = self.directory.bytes_of(writer.entries()) + writer.extras_bytes;
        let has_room = taken < self.memory_bytes;
        if has_room && let Some(slot) = writer.free.pop() {
            return slot;
        }
        if has_room && writer.next < self.directory.capacity() {
            writer.next += 1;
            return writer.next - 1;
        }
        let slot = self.evict(writer);
        if !has_room && writer.entries() > LEAST_RESIDENT {
            // Two go for one who comes, until it fits again: extras are of any size.
            writer.free.push(slot);
            return self.evict(writer);
        }
        slot
    }

    fn evict(&self, writer: &mut Writer) -> u32 {
        self.is_complete.store(false, Ordering::Release);
        let victim = self.victim(writer);
        let entry = self.directory.entry(victim);
        writer.left_behind.extend(self.drain(victim, &entry));
        self.directory.remove(entry.id).expect("the victim is resident");
        self.release_extras(writer, entry.extras);
        self.release_grants(writer, entry.grants);
        for word in directory::USAGE_WORDS {
            self.directory.usage(victim, word).store(0, Ordering::Relaxed);
        }
        victim
    }

    /// Somebody resident, and of a few the one not used for longest.
    fn victim(&self, writer: &mut Writer) -> u32 {
        const SAMPLE: u32 = 16;
        let (mut best, mut any): (Option<(u32, u64)>, _) = (None, writer.hand);
        for tried in 0..writer.next {
            let slot = writer.hand;
            writer.hand = (writer.hand + 1) % writer.next;
            let entry = self.directory.entry(slot);
            if entry == Entry::default() {
                continue;
            }
            any = slot;
            let extras = self.extras.read(entry.extras);
            // A limit is exact only while it is resident; and callers of this very gate should not come and go.
            if entry.flags & super::flag::MANAGEMENT == 0 && !extras.as_ref().is_some_and(|extras| extras.is_limited()) {
                let used = self.directory.usage(slot, directory::USED).load(Ordering::Relaxed) >> 32;
                if best.is_none_or(|(_, least)| used < least) {
                    best = Some((slot, used));
                }
            }
            if tried >= SAMPLE && best.is_some() {
                break;
            }
        }
        // Only limited keys are left: the budget is too small for them, and somebody has to go.
        best.map_or(any, |(slot, _)| slot)
    }
}
