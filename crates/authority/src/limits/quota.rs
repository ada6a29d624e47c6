//! What is left of a quota: one word, moved by compare-and-swap, refilled by whoever comes first after its time.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Quota;
use crate::clock::Timestamp;

/// 40 bits: about 1.1 million million.
pub const MAX_REMAINING: i64 = (1 << REMAINING_BITS) - 1;
/// What a refused use finds.
pub const NOTHING_LEFT: i64 = 0;

const REMAINING_BITS: u32 = 40;
const PERIODS: u64 = 1 << (64 - REMAINING_BITS);

/// The high 24 bits count refill intervals since `anchor` (modulo 2²⁴), the low 40 what remains.
pub struct QuotaState {
    quota: Quota,
    anchor: Timestamp,
    word: AtomicU64,
}

impl QuotaState {
    /// Goes on from what was stored.
    pub fn new(quota: Quota, remaining: i64, refilled_at: Timestamp) -> Self {
        Self { quota, anchor: refilled_at, word: AtomicU64::new(remaining.clamp(0, MAX_REMAINING) as u64) }
    }

    pub fn quota(&self) -> Quota {
        self.quota
    }

    fn period(&self, now: Timestamp) -> u64 {
        let Some(refill) = self.quota.refill else { return 0 };
        let passed = (now.micros() - self.anchor.micros()).max(0) / (refill.interval_seconds * 1_000_000);
        passed as u64 % PERIODS
    }

    /// The word as it would be now, refilled if its time has come.
    fn current(&self, word: u64, now: Timestamp) -> (u64, i64) {
        let (period, remaining) = (word >> REMAINING_BITS, (word & MAX_REMAINING as u64) as i64);
        let present = self.period(now);
        match self.quota.refill {
            // A clock that stepped back must not refill.
            Some(refill) if present > period => (present, refill.amount),
            _ => (period, remaining),
        }
    }

    /// Takes `cost` if it is there; answers what remains, or `None` and takes nothing.
    pub fn take(&self, now: Timestamp, cost: i64) -> Option<i64> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let (period, remaining) = self.current(word, now);
            let left = remaining.checked_sub(cost).filter(|left| *left >= 0)?;
            let next = period << REMAINING_BITS | left as u64;
            match self.word.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(left),
                Err(seen) => word = seen,
            }
        }
    }

    /// What remains and since when its refill interval runs, to be stored.
    pub fn stored(&self, now: Timestamp) -> (i64, Timestamp) {
        let (period, remaining) = self.current(self.word.load(Ordering::Relaxed), now);
        let interval = self.quota.refill.map_or(0, |refill| refill.interval_seconds);
        (remaining, self.anchor.plus_seconds(interval * period as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NewQuota, Refill};
    use super::*;

    #[test]
    fn a_quota_runs_out_and_fills_up_again() {
        let start = Timestamp::from_micros(1_795_507_200_000_000);
        let quota = NewQuota { remaining: 2, refill: Some(Refill { amount: 5, interval_seconds: 60 }) }.starting(start);
        let state = QuotaState::new(quota, 2, start);
        assert_eq!(
            [state.take(start, 1), state.take(start, 2), state.take(start, 1), state.take(start, 1)],
            [Some(1), None, Some(0), None]
        );
        assert_eq!(state.take(start.plus_seconds(60), 5), Some(0));
        assert_eq!(state.take(start.plus_seconds(59), 1), None, "a clock that steps back refills nothing");
        assert_eq!(state.stored(start.plus_seconds(200)), (5, start.plus_seconds(180)));
    }

    #[test]
    fn threads_never_take_more_than_there_is() {
        let start = Timestamp::from_micros(1_795_507_200_000_000);
        let state = QuotaState::new(NewQuota { remaining: 10_000, refill: None }.starting(start), 10_000, start);
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| (0..5_000).filter(|_| state.take(start, 1).is_some()).count())).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(taken, 10_000);
    }
}
