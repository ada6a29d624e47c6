//! Counters that processors do not fight over: each thread adds in a cache line of its own, and a scrape sums up.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use prometheus_client::metrics::counter::{Atomic, Counter};

/// Threads beyond this many share lines.
const SHARDS: usize = 16;

/// The line of the thread that asks.
fn shard() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static SHARD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS));
    SHARD.get()
}

/// So many numbers that are counted together.
#[derive(Debug)]
pub struct Counts<const N: usize>([Line<N>; SHARDS]);

/// Two cache lines apart, for processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Line<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Counts<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Line(std::array::from_fn(|_| AtomicU64::new(0)))))
    }
}

impl<const N: usize> Counts<N> {
    pub fn mine(&self) -> &[AtomicU64; N] {
        &self.0[shard()].0
    }

    pub fn sum(&self, place: usize) -> u64 {
        self.0.iter().map(|line| line.0[place].load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

/// A counter of the hot path.
pub type HotCounter = Counter<u64, Counts<1>>;

impl Atomic<u64> for Counts<1> {
    /// What the library asks for and nobody uses: that of this thread only.
    fn inc(&self) -> u64 {
        self.inc_by(1)
    }

    fn inc_by(&self, more: u64) -> u64 {
        self.mine()[0].fetch_add(more, Ordering::Relaxed)
    }

    fn get(&self) -> u64 {
        self.sum(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "threads of the test's own, which it joins")]
    fn what_many_threads_count_is_summed_up() {
        let counter = HotCounter::default();
        std::thread::scope(|scope| {
            for _ in 0..SHARDS * 2 {
                scope.spawn(|| (0..1_000).for_each(|_| _ = counter.inc()));
            }
        });
        assert_eq!(counter.get(), SHARDS as u64 * 2 * 1_000);
    }
}
