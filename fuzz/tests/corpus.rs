//! Every target over its seeds and a few thousand mutations of each, on stable, in seconds.
//! The mutations are the same on every run: a failure here is a failure everywhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use claviger_fuzz::TARGETS;

const MUTATIONS_PER_SEED: u64 = 2_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn entries(folder: &str) -> Vec<PathBuf> {
    let folder = root().join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    paths.sort();
    paths
}

fn stems(folder: &str) -> BTreeSet<String> {
    entries(folder).iter().map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

#[test]
fn every_target_holds_over_its_seeds_and_their_mutations() {
    for (name, target) in TARGETS {
        let seeds: Vec<Vec<u8>> = entries(&format!("corpus/{name}")).iter().map(|path| fs::read(path).expect("a readable seed")).collect();
        assert!(!seeds.is_empty(), "corpus/{name} is empty");
        for seed in &seeds {
            run(name, *target, seed);
            let mut random = SplitMix(seed.len() as u64);
            for _ in 0..MUTATIONS_PER_SEED {
                run(name, *target, &mutated(seed, &seeds, &mut random));
            }
        }
    }
}

#[test]
fn every_target_is_wired_up() {
    let named: BTreeSet<String> = TARGETS.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(stems("corpus"), named, "the folders of corpus/ are the targets");
    assert_eq!(stems("fuzz_targets"), named, "the files of fuzz_targets/ are the targets");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    for name in &named {
        let path = format!("path = \"fuzz_targets/{name}.rs\"");
        assert!(manifest.contains(&path), "Cargo.toml has a [[bin]] for {name}");
        let main = fs::read_to_string(root().join(format!("fuzz_targets/{name}.rs"))).expect("a target");
        assert!(main.contains(&format!("main!({name});")), "fuzz_targets/{name}.rs runs {name}");
    }
}

/// Runs one input and, if it fails, says which, in a form that pastes into a test.
fn run(name: &str, target: fn(&[u8]), data: &[u8]) {
    let outcome = std::panic::catch_unwind(|| target(data));
    assert!(outcome.is_ok(), "{name} failed on b\"{}\"", data.escape_ascii());
}

/// One to four small changes, of the kinds that break parsers.
fn mutated(seed: &[u8], seeds: &[Vec<u8>], random: &mut SplitMix) -> Vec<u8> {
    let mut data = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(data.len() + 1);
        let end = at + random.below((data.len() - at).min(16) + 1);
        match random.below(8) {
            0 if at < data.len() => data[at] ^= 1 << random.below(8),
            1 if at < data.len() => data[at] = random.below(256) as u8,
            2 => data.insert(at, b"_\"\\ 0a\0\xFF"[random.below(8)]),
            3 => drop(data.drain(at..end)),
            4 => data.truncate(at),
            5 => drop(data.splice(at..at, data[at..end].to_vec())),
            6 => drop(data.splice(at..at, "…é\u{1F511}".bytes())),
            _ => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                drop(data.splice(at..end, other[from..].iter().copied()));
            }
        }
    }
    data
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, good enough to choose mutations.
struct SplitMix(u64);

impl SplitMix {
    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}
