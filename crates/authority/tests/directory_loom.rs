//! Every interleaving of a writer and readers of the directory, by loom.
//! Run with `cargo test --release -p claviger-authority --features loom --test directory_loom`.
#![cfg(feature = "loom")]

use claviger_authority::gate::directory::{Directory, Entry};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

const REVOKED: u8 = 2;

/// An entry whose parts all tell of the same secret, so that a torn read shows.
fn entry(id: u64, secret: u64, flags: u8) -> Entry {
    Entry { id: (id, id as u32), digest: [secret; 4], owner: u128::from(secret), flags, ..Entry::default() }
}

fn is_whole(entry: &Entry) -> bool {
    entry.digest.iter().all(|word| *word == entry.digest[0]) && entry.owner == u128::from(entry.digest[0])
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

/// The promise: a verification that begins after the revocation was acknowledged never finds the key good.
#[test]
fn after_the_acknowledgement_nobody_finds_the_key_good() {
    model(|| {
        let directory = Arc::new(Directory::new(2));
        directory.put(&entry(1, 7, 0), || 0);
        let acknowledged = Arc::new(AtomicBool::new(false));
        let writer = {
            let (directory, acknowledged) = (directory.clone(), acknowledged.clone());
            thread::spawn(move || {
                directory.put(&entry(1, 7, REVOKED), || unreachable!("it is resident"));
                acknowledged.store(true, Ordering::Release);
            })
        };
        let begins_after = acknowledged.load(Ordering::Acquire);
        let (_, found) = directory.find((1, 1)).expect("it is resident");
        assert!(is_whole(&found), "torn: {found:?}");
        assert!(!begins_after || found.flags & REVOKED != 0, "revoked, acknowledged, and still good");
        writer.join().expect("no panic");
    });
}

/// A rotation replaces digest and owner as one: a reader sees the old secret or the new one, never a mixture.
#[test]
fn a_reader_never_sees_half_a_change() {
    model(|| {
        let directory = Arc::new(Directory::new(2));
        directory.put(&entry(1, 7, 0), || 0);
        let writer = {
            let directory = directory.clone();
            thread::spawn(move || {
                directory.put(&entry(1, 8, 0), || unreachable!("it is resident"));
            })
        };
        let (place, found) = directory.find((1, 1)).expect("it is resident");
        assert!(is_whole(&found), "torn: {found:?}");
        writer.join().expect("no panic");
        let (_, settled) = directory.find((1, 1)).expect("it is resident");
        assert_eq!(settled.digest[0], 8);
        assert_eq!(directory.is_unchanged(place), found.digest[0] == 8, "a change since the look shows in the place");
    });
}

/// Eviction gives a slot to another key: whoever looks for either never gets the other's words, and a key that stays
/// resident is always found, though its place in the index moves.
#[test]
fn an_eviction_neither_mixes_keys_up_nor_hides_one() {
    model(|| {
        let directory = Arc::new(Directory::new(2));
        // Same home, so the second lies behind the first and moves up when the first goes.
        directory.put(&entry(4, 7, 0), || 0);
        directory.put(&entry(8, 9, 0), || 1);
        let writer = {
            let directory = directory.clone();
            thread::spawn(move || {
                let slot = directory.remove((4, 4)).expect("it is resident");
                directory.put(&entry(12, 5, 0), move || slot);
            })
        };
        let (_, stays) = directory.find((8, 8)).expect("it never left");
        assert_eq!((stays.digest, stays.id), ([9; 4], (8, 8)));
        if let Some((_, found)) = directory.find((4, 4)) {
            assert_eq!((found.digest, found.id), ([7; 4], (4, 4)));
        }
        writer.join().expect("no panic");
    });
}
