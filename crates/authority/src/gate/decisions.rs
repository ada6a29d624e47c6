//! Numbers for decisions: each is given once. Threads take them by the thousand, so that they do not meet at a counter.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::rng::Rng;

const BLOCK: u64 = 1_024;

/// Numbered from a random start, so that two nodes or two starts rarely give the same number.
pub struct Decisions {
    first: u64,
    next: AtomicU64,
}

/// What is left of a thread's block, and of whose.
#[derive(Clone, Copy, Default)]
struct Block {
    of: u64,
    next: u64,
    left: u64,
}

thread_local!(static BLOCK_OF_THREAD: Cell<Block> = const { Cell::new(Block { of: 0, next: 0, left: 0 }) });

impl Decisions {
    pub fn new(rng: Rng) -> Self {
        let first = u64::from_le_bytes(rng.bytes());
        Self { first, next: AtomicU64::new(first) }
    }

    pub fn next(&self) -> u64 {
        let mut block = BLOCK_OF_THREAD.get();
        if block.left == 0 || block.of != self.first {
            block = Block { of: self.first, next: self.next.fetch_add(BLOCK, Ordering::Relaxed), left: BLOCK };
        }
        let number = block.next;
        BLOCK_OF_THREAD.set(Block { next: number.wrapping_add(1), left: block.left - 1, ..block });
        number
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn no_number_is_given_twice() {
        let (decisions, others) = (Decisions::new(Rng), Decisions::new(Rng));
        let all = Mutex::new(HashSet::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..3_000 {
                        others.next();
                        assert!(all.lock().unwrap().insert(decisions.next()));
                    }
                });
            }
        });
        assert_eq!(all.lock().unwrap().len(), 12_000);
    }
}
