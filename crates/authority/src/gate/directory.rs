//! The resident directory: a flat table of 128-byte slots, read without locks while one writer changes it.
//! It decides nothing and reads no database; it only never shows a slot half written.
//!
//! A slot is a sequence lock over plain atomic words: the writer makes the version odd, writes, and makes it even
//! again; a reader that saw two different versions reads again. An open-addressing index of slot numbers points
//! into chunks of slots. Both are proven under every interleaving by `tests/directory_loom.rs`.

use super::sync::{AtomicU32, AtomicU64, Ordering, fence, spin_loop};
use std::sync::OnceLock;

/// What an entry is found by: 96 bits that are as good as random.
pub type Id = (u64, u32);

/// The words of a slot that are read and written as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Entry {
    pub id: Id,
    pub organization: u32,
    pub digest: [u64; 4],
    /// Microseconds since the Unix epoch; 0 for never.
    pub expires_at: i64,
    pub owner: u128,
    pub grants: u32,
    /// 0 for none.
    pub extras: u32,
    /// 12 bits each.
    pub environment: u16,
    pub pepper: u16,
    pub flags: u8,
}

/// A reference to a slot as it was read, to ask later whether it still is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    slot: u32,
    head: u64,
}

const WORDS: usize = 15;
const CHUNK: usize = if cfg!(feature = "loom") { 2 } else { 4_096 };
const EMPTY: u32 = 0;

/// Head: version (32 bits), environment (12), pepper (12), flags (8). Then ten words of entry and five of usage.
#[repr(align(64))]
struct Slot {
    head: AtomicU64,
    words: [AtomicU64; WORDS],
}

const USAGE: usize = 10;
/// Which of the granted permissions were exercised since the last flush, a bit each.
pub const EXERCISED: usize = USAGE;
/// Seconds since the Unix epoch of the last use (high 32 bits) and uses since the last flush (low 32 bits).
pub const USED: usize = USAGE + 1;
/// The client address of the last use in two words, and a third that tells whether they belong together.
pub const FROM: [usize; 3] = [USAGE + 2, USAGE + 3, USAGE + 4];
pub const USAGE_WORDS: std::ops::Range<usize> = USAGE..WORDS;

impl Slot {
    fn new() -> Self {
        Self { head: AtomicU64::new(0), words: std::array::from_fn(|_| AtomicU64::new(0)) }
    }

    fn word(&self, place: usize) -> u64 {
        self.words[place].load(Ordering::Relaxed)
    }

    fn read(&self) -> (u64, Entry) {
        loop {
            let before = self.head.load(Ordering::Acquire);
            if before & 1 << 32 == 0 {
                let entry = self.unpack(before);
                fence(Ordering::Acquire);
                if self.head.load(Ordering::Relaxed) == before {
                    return (before, entry);
                }
            }
            spin_loop();
        }
    }

    fn unpack(&self, head: u64) -> Entry {
        let (second, tenth) = (self.word(1), self.word(9));
        Entry {
            id: (self.word(0), (second >> 32) as u32),
            organization: second as u32,
            digest: [self.word(2), self.word(3), self.word(4), self.word(5)],
            expires_at: self.word(6) as i64,
            owner: u128::from(self.word(7)) << 64 | u128::from(self.word(8)),
            grants: (tenth >> 32) as u32,
            extras: tenth as u32,
            environment: (head >> 20) as u16 & 0xfff,
            pepper: (head >> 8) as u16 & 0xfff,
            flags: head as u8,
        }
    }

    /// Only the one writer calls this.
    fn write(&self, entry: &Entry) {
        let version = self.head.load(Ordering::Relaxed) >> 32;
        self.head.store((version | 1) << 32, Ordering::Relaxed);
        fence(Ordering::Release);
        let words = [
            entry.id.0,
            u64::from(entry.id.1) << 32 | u64::from(entry.organization),
            entry.digest[0],
            entry.digest[1],
            entry.digest[2],
            entry.digest[3],
            entry.expires_at as u64,
            (entry.owner >> 64) as u64,
            entry.owner as u64,
            u64::from(entry.grants) << 32 | u64::from(entry.extras),
        ];
        for (word, value) in self.words.iter().zip(words) {
            word.store(value, Ordering::Relaxed);
        }
        let packed = u64::from(entry.environment & 0xfff) << 20 | u64::from(entry.pepper & 0xfff) << 8 | u64::from(entry.flags);
        self.head.store((version.wrapping_add(2) & 0xffff_fffe) << 32 | packed, Ordering::Release);
    }
}

/// The table. Everything that changes it takes `&self`, but only one thread at a time may: the gate's writer.
pub struct Directory {
    chunks: Box<[OnceLock<Box<[Slot]>>]>,
    index: Box<[AtomicU32]>,
    /// Odd while entries of the index move; a reader that found nothing meanwhile looks again.
    moves: AtomicU64,
    capacity: u32,
}

impl Directory {
    /// Room for so many entries. The index is allocated whole, the slots as they are needed.
    pub fn new(capacity: u32) -> Self {
        let index = (capacity as usize * 4 / 3 + 1).next_power_of_two();
        Self {
            chunks: (0..(capacity as usize).div_ceil(CHUNK)).map(|_| OnceLock::new()).collect(),
            index: (0..index).map(|_| AtomicU32::new(EMPTY)).collect(),
            moves: AtomicU64::new(0),
            capacity,
        }
    }

    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Bytes allocated for slots and index now.
    pub fn bytes(&self) -> usize {
        let chunks = self.chunks.iter().filter(|chunk| chunk.get().is_some()).count();
        chunks * CHUNK * size_of::<Slot>()
            + self.index.len() * size_of::<AtomicU32>()
            + self.chunks.len() * size_of::<OnceLock<Box<[Slot]>>>()
    }

    /// Bytes that so many entries and the index need.
    pub fn bytes_of(&self, entries: usize) -> usize {
        entries * size_of::<Slot>() + self.index.len() * size_of::<AtomicU32>()
    }

    fn slot(&self, slot: u32) -> &Slot {
        let chunk = self.chunks[slot as usize / CHUNK].get_or_init(|| (0..CHUNK).map(|_| Slot::new()).collect());
        &chunk[slot as usize % CHUNK]
    }

    fn home(&self, id: Id) -> usize {
        id.0 as usize & (self.index.len() - 1)
    }

    /// Finds an entry. Lock-free: it reads again only while the writer is inside that very slot.
    pub fn find(&self, id: Id) -> Option<(Place, Entry)> {
        loop {
            let before = self.moves.load(Ordering::Acquire);
            let mut place = self.home(id);
            loop {
                let slot = self.index[place].load(Ordering::Acquire);
                if slot == EMPTY {
                    break;
                }
                let candidate = self.slot(slot - 1);
                // A cheap look first: most entries on the way are others.
                if candidate.word(0) == id.0 {
                    let (head, entry) = candidate.read();
                    if entry.id == id {
                        return Some((Place { slot: slot - 1, head }, entry));
                    }
                }
                place = (place + 1) & (self.index.len() - 1);
            }
            fence(Ordering::Acquire);
            if before & 1 == 0 && self.moves.load(Ordering::Relaxed) == before {
                return None;
            }
            spin_loop();
        }
    }

    /// Whether the slot still is what was read.
    pub fn is_unchanged(&self, place: Place) -> bool {
        fence(Ordering::Acquire);
        self.slot(place.slot).head.load(Ordering::Relaxed) == place.head
    }

    /// Writes an entry over the one of the same id, or into a free slot that the writer chose.
    pub fn put(&self, entry: &Entry, free: impl FnOnce() -> u32) -> u32 {
        let mut place = self.home(entry.id);
        loop {
            match self.index[place].load(Ordering::Relaxed) {
                EMPTY => {
                    let slot = free();
                    self.slot(slot).write(entry);
                    self.index[place].store(slot + 1, Ordering::Release);
                    return slot;
                }
                taken => {
                    let slot = self.slot(taken - 1);
                    if slot.read().1.id == entry.id {
                        slot.write(entry);
                        return taken - 1;
                    }
                }
            }
            place = (place + 1) & (self.index.len() - 1);
        }
    }

    /// Takes an entry out; its slot is free afterwards. Entries behind it move up, so that no search ends early.
    pub fn remove(&self, id: Id) -> Option<u32> {
        let mask = self.index.len() - 1;
        let mut hole = self.home(id);
        let removed = loop {
            match self.index[hole].load(Ordering::Relaxed) {
                EMPTY => return None,
                slot if self.slot(slot - 1).read().1.id == id => break slot - 1,
                _ => hole = (hole + 1) & mask,
            }
        };
        let moves = self.moves.load(Ordering::Relaxed);
        self.moves.store(moves + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        let mut place = hole;
        loop {
            place = (place + 1) & mask;
            let slot = self.index[place].load(Ordering::Relaxed);
            if slot == EMPTY {
                break;
            }
            let home = self.home(self.slot(slot - 1).read().1.id);
            // It may move into the hole if its home does not lie behind the hole.
            if place.wrapping_sub(home) & mask >= place.wrapping_sub(hole) & mask {
                self.index[hole].store(slot, Ordering::Release);
                hole = place;
            }
        }
        self.index[hole].store(EMPTY, Ordering::Release);
        // An empty entry: nobody who still holds the slot number takes it for the old one.
        self.slot(removed).write(&Entry::default());
        self.moves.store(moves + 2, Ordering::Release);
        Some(removed)
    }

    pub fn entry(&self, slot: u32) -> Entry {
        self.slot(slot).read().1
    }

    /// A usage word of a slot.
    pub fn usage(&self, slot: u32, word: usize) -> &AtomicU64 {
        &self.slot(slot).words[word]
    }
}

impl Place {
    pub fn slot(self) -> u32 {
        self.slot
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use proptest::prelude::*;
    use std::collections::HashMap;

    use super::*;

    fn entry(id: u64, organization: u32) -> Entry {
        Entry { id: (id % 7, id as u32), organization, ..Entry::default() }
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(deeds in prop::collection::vec((0u64..40, any::<u32>(), any::<bool>()), 1..400)) {
            let directory = Directory::new(64);
            let mut model = HashMap::new();
            let mut free: Vec<u32> = (0..64).collect();
            for (id, organization, puts) in deeds {
                let entry = entry(id, organization);
                if puts {
                    directory.put(&entry, || free.pop().expect("room"));
                    model.insert(entry.id, entry);
                } else if let Some(slot) = directory.remove(entry.id) {
                    free.push(slot);
                    prop_assert!(model.remove(&entry.id).is_some());
                }
                for id in 0..40 {
                    let id = (id % 7, id as u32);
                    prop_assert_eq!(directory.find(id).map(|(_, entry)| entry), model.get(&id).copied());
                }
            }
        }
    }

    #[test]
    fn a_slot_is_two_cache_lines() {
        assert_eq!(size_of::<Slot>(), 128);
    }
}
