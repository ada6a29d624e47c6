//! The generic cell rate algorithm (ITU-T I.371): one number per key, moved by compare-and-swap.

use std::sync::atomic::{AtomicI64, Ordering};

use super::RateLimit;
use crate::clock::Timestamp;

/// The theoretical arrival time of the next use, in nanoseconds since the Unix epoch.
pub struct Gcra {
    limit: RateLimit,
    arrival: AtomicI64,
}

/// What a use did to the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub allowed: bool,
    pub limit: i64,
    /// Whole uses left right now.
    pub remaining: i64,
    /// Seconds, rounded up: until everything is available again, or, when refused, until this use would be allowed.
    pub reset_seconds: i64,
}

const SECOND: i64 = 1_000_000_000;

impl Gcra {
    pub fn new(limit: RateLimit) -> Self {
        Self { limit, arrival: AtomicI64::new(0) }
    }

    pub fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Takes `cost` uses if they are there.
    pub fn take(&self, now: Timestamp, cost: i64) -> Rate {
        let now = now.micros().saturating_mul(1_000);
        let window = self.limit.window_seconds * SECOND;
        // Rounded up, so that a window never allows more than its limit.
        let interval = (window + self.limit.limit - 1) / self.limit.limit;
        let rate = |allowed, arrival: i64, wait: i64| Rate {
            allowed,
            limit: self.limit.limit,
            remaining: ((now + window - arrival.max(now)) / interval).clamp(0, self.limit.limit),
            reset_seconds: (wait.max(0) + SECOND - 1) / SECOND,
        };
        let mut arrival = self.arrival.load(Ordering::Relaxed);
        loop {
            let next = arrival.max(now).saturating_add(interval.saturating_mul(cost));
            if next > now + window {
                return rate(false, arrival, next - now - window);
            }
            match self.arrival.compare_exchange_weak(arrival, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return rate(true, next, next - now),
                Err(seen) => arrival = seen,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_window_ever_sees_more_than_twice_the_limit_nor_a_burst_more_than_the_limit(
            limit in 1i64..50,
            window in 1i64..100,
            steps in prop::collection::vec(0i64..5_000_000, 1..300),
        ) {
            let gcra = Gcra::new(RateLimit { limit, window_seconds: window });
            let mut now = 1_795_507_200_000_000;
            let start = now;
            let mut allowed = 0;
            for step in steps {
                now += step;
                allowed += i64::from(gcra.take(Timestamp::from_micros(now), 1).allowed);
            }
            let windows = (now - start) as f64 / (window * 1_000_000) as f64;
            prop_assert!(allowed as f64 <= limit as f64 * (1.0 + windows) + 1e-9);
        }
    }

    #[test]
    fn a_burst_takes_the_whole_limit_and_then_waits_for_its_turn() {
        let gcra = Gcra::new(RateLimit { limit: 3, window_seconds: 60 });
        let now = Timestamp::from_micros(1_795_507_200_000_000);
        let remaining: Vec<i64> = (0..3).map(|_| gcra.take(now, 1).remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let refused = gcra.take(now, 1);
        assert_eq!((refused.allowed, refused.reset_seconds), (false, 20));
        assert!(gcra.take(now.plus_seconds(20), 1).allowed);
        assert!(!gcra.take(now.plus_seconds(20), 1).allowed);
    }
}
