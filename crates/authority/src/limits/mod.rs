//! How much a key may be used: a rate (GCRA) and a quota with refill. Exact on one node, without locks.

mod gcra;
mod quota;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

pub use gcra::{Gcra, Rate};
pub use quota::{NOTHING_LEFT, QuotaState};

/// So many uses in so many seconds; a burst may take them all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    pub limit: i64,
    pub window_seconds: i64,
}

impl RateLimit {
    pub fn checked(self) -> Result<Self, String> {
        if !(1..=1_000_000_000).contains(&self.limit) || !(1..=31_536_000).contains(&self.window_seconds) {
            return Err("wants a limit between 1 and 1000000000 and a window_seconds between 1 and 31536000 (a year)".to_owned());
        }
        Ok(self)
    }
}

/// What fills a quota up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refill {
    /// What is left right after a refill.
    pub amount: i64,
    pub interval_seconds: i64,
}

/// A quota as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewQuota {
    pub remaining: i64,
    pub refill: Option<Refill>,
}

impl NewQuota {
    pub fn checked(self) -> Result<Self, String> {
        let good = |amount: i64| (0..=quota::MAX_REMAINING).contains(&amount);
        let refill_is_good = self.refill.is_none_or(|refill| good(refill.amount) && (1..=31_536_000).contains(&refill.interval_seconds));
        if !good(self.remaining) || !refill_is_good {
            return Err(format!(
                "wants remaining and refill.amount between 0 and {}, and refill.interval_seconds between 1 and 31536000",
                quota::MAX_REMAINING
            ));
        }
        Ok(self)
    }

    pub fn starting(self, at: Timestamp) -> Quota {
        Quota { remaining: self.remaining, refill: self.refill, set_at: at.micros() }
    }
}

/// A quota as set: `remaining` is what it began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    pub remaining: i64,
    pub refill: Option<Refill>,
    /// Microseconds since the Unix epoch: tells one setting from the next.
    pub set_at: i64,
}
