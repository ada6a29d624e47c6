//! When a signing key is replaced and when it goes: one function over the keys of one algorithm, without a database.

use super::{Key, Status};
use crate::clock::Timestamp;

/// How long whoever fetched the published keys may keep them.
pub const JWKS_MAX_AGE_SECONDS: i64 = 300;
/// No key signs that was published for less: twice what a cache may keep, and never under an hour.
pub const LEAST_PUBLISHED_SECONDS: i64 = if 2 * JWKS_MAX_AGE_SECONDS > 3_600 { 2 * JWKS_MAX_AGE_SECONDS } else { 3_600 };
/// The longest life of a token that a resource may ask for.
pub const LONGEST_TOKEN_SECONDS: i64 = 86_400;
/// For how long a key that signs no more stays published: until its last token has expired on a clock that is a minute behind,
/// and a cache has been filled once more, with ten minutes for a node that heard late of the change.
pub const RETIRED_SECONDS: i64 = LONGEST_TOKEN_SECONDS + 60 + JWKS_MAX_AGE_SECONDS + 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How long a key is published before it may sign. It is fixed for each key when that is published.
    pub publish_before_use_seconds: i64,
    /// How long a key signs.
    pub rotation_seconds: i64,
}

impl Default for Schedule {
    /// A day; and 90 days, well within what NIST SP 800-57 part 1 section 5.3.6 allows a private signature key.
    fn default() -> Self {
        Self { publish_before_use_seconds: 86_400, rotation_seconds: 90 * 86_400 }
    }
}

/// One step of a change; in the order in which they come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Retire(String),
    Activate(String),
    MakeActive,
    MakeStandby,
    End(String),
}

impl Step {
    pub fn makes_a_key(&self) -> bool {
        matches!(self, Self::MakeActive | Self::MakeStandby)
    }
}

impl Schedule {
    /// What is due for the keys of one algorithm, oldest first. With `rotate` the active key's time is over in any case.
    pub(super) fn due(&self, keys: &[Key], now: Timestamp, rotate: bool) -> Vec<Step> {
        let with = |status| keys.iter().filter(move |key| key.status == status);
        let mut standbys = with(Status::Standby);
        let mut steps = Vec::new();
        match with(Status::Active).next() {
            // The very first key may sign at once: nobody has kept an older list, for there was none to keep.
            // Otherwise the last one was compromised: a key that verifiers must fetch is better than none.
            None => steps.push(standbys.next().map_or(Step::MakeActive, |standby| Step::Activate(standby.kid.clone()))),
            Some(active) => {
                let ends = active.activated_at.unwrap_or(active.created_at).plus_seconds(self.rotation_seconds);
                if (rotate || ends <= now)
                    && let Some(standby) = standbys.clone().next().filter(|standby| standby.is_usable(now))
                {
                    standbys.next();
                    steps.extend([Step::Retire(active.kid.clone()), Step::Activate(standby.kid.clone())]);
                }
            }
        }
        if standbys.next().is_none() {
            steps.push(Step::MakeStandby);
        }
        let is_over = |key: &&Key| key.retired_at.is_some_and(|at| at.plus_seconds(RETIRED_SECONDS) <= now);
        steps.extend(with(Status::Retired).filter(is_over).map(|key| Step::End(key.kid.clone())));
        steps
    }
}
