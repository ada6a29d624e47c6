//! Writing behind: counters and last uses leave the slots in batches, so that no request writes a row.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::directory::{EXERCISED, Entry, FROM, USED};
use super::{Gate, flag, public_id};
use crate::clock::Timestamp;
use crate::db::{Db, Error, Tx, params};
use crate::ids::SecretId;

/// What a credential did since the last flush.
pub(super) struct Used {
    id: String,
    is_management: bool,
    at: Timestamp,
    count: i64,
    from: Option<IpAddr>,
    older: Option<(SecretId, Timestamp, i64, Option<IpAddr>)>,
    exercised: Vec<String>,
    /// What is left of a quota, and since when its interval runs.
    quota: Option<(i64, Timestamp)>,
}

const PER_TRANSACTION: usize = 1_000;
const SLOTS_AT_ONCE: u32 = 4_096;

impl Gate {
    /// Takes the usage out of a slot. The caller holds the writer.
    pub(super) fn drain(&self, slot: u32, entry: &Entry) -> Option<Used> {
        let extras = self.extras.read(entry.extras);
        let extras = extras.as_ref();
        let older = extras.and_then(|extras| extras.older.as_ref()).and_then(|older| {
            let count = older.used.count.swap(0, Ordering::Relaxed);
            let at = Timestamp::from_micros(i64::from(older.used.seconds.load(Ordering::Relaxed)) * 1_000_000);
            let from = older.used.from.lock().ok().and_then(|from| *from);
            (count > 0).then_some((older.id, at, i64::from(count), from))
        });
        let word = self.directory.usage(slot, USED);
        let used = word.load(Ordering::Relaxed);
        if used as u32 == 0 && older.is_none() {
            return None;
        }
        // The time stays for the eviction to compare; only the count begins anew.
        let used = word.fetch_and(!0xffff_ffff, Ordering::Relaxed);
        Some(Used {
            id: public_id(entry),
            is_management: entry.flags & flag::MANAGEMENT != 0,
            at: Timestamp::from_micros((used >> 32) as i64 * 1_000_000),
            count: i64::from(used as u32),
            from: self.from(slot),
            older,
            exercised: self.exercised(slot, entry),
            quota: extras.and_then(|extras| extras.quota.as_ref()).map(|quota| quota.stored(self.clock.now())),
        })
    }

    fn from(&self, slot: u32) -> Option<IpAddr> {
        let [high, low, check] = FROM.map(|word| self.directory.usage(slot, word).load(Ordering::Relaxed));
        // Two clients at the same moment may have mixed their words: then neither is told.
        if check != from_check(high, low) {
            return None;
        }
        let address = Ipv6Addr::from(u128::from(high) << 64 | u128::from(low));
        Some(IpAddr::V6(address).to_canonical())
    }

    fn exercised(&self, slot: u32, entry: &Entry) -> Vec<String> {
        let grants = self.grants.read(entry.grants);
        let Some(grants) = grants.as_ref() else { return Vec::new() };
        let mut words = vec![self.directory.usage(slot, EXERCISED).swap(0, Ordering::Relaxed)];
        if let Some(extras) = self.extras.read(entry.extras).as_ref() {
            words.extend(extras.exercised.iter().map(|word| word.swap(0, Ordering::Relaxed)));
        }
        let is_set = |place: usize| words.get(place / 64).is_some_and(|word| word & 1 << (place % 64) != 0);
        grants.permissions.iter().enumerate().filter(|(place, _)| is_set(*place)).map(|(_, name)| name.clone()).collect()
    }

    /// Writes what was used since the last flush. Nothing is lost when the database fails: it is tried again.
    pub(crate) async fn flush(&self, db: &Db, now: Timestamp) -> Result<(), Error> {
        self.flush_clients(db).await?;
        self.forget_denials(db, now).await?;
        let mut slot = 0;
        loop {
            let (batch, last) = {
                let mut writer = self.writer.lock().expect("the writer never panics");
                let mut batch = std::mem::take(&mut writer.left_behind);
                let last = writer.entries_ever();
                let end = last.min(slot + SLOTS_AT_ONCE);
                for slot in slot..end {
                    if self.directory.usage(slot, USED).load(Ordering::Relaxed) as u32 != 0 || self.has_older(slot) {
                        batch.extend(self.drain(slot, &self.directory.entry(slot)));
                    }
                }
                slot = end;
                (batch, last)
            };
            let mut batch = Arc::new(batch);
            for start in (0..batch.len()).step_by(PER_TRANSACTION) {
                let shared = batch.clone();
                let written = db
                    .note(|tx| async move {
                        for used in shared.iter().skip(start).take(PER_TRANSACTION) {
                            store(&tx, used, now).await?;
                        }
                        Ok(())
                    })
                    .await;
                if let Err(error) = written {
                    if let Some(batch) = Arc::get_mut(&mut batch) {
                        let mut writer = self.writer.lock().expect("the writer never panics");
                        writer.left_behind.extend(std::mem::take(batch).into_iter().skip(start));
                    }
                    return Err(error);
                }
            }
            if slot >= last {
                return Ok(());
            }
        }
    }

    fn has_older(&self, slot: u32) -> bool {
        let entry = self.directory.entry(slot);
        entry.extras != 0 && self.extras.read(entry.extras).as_ref().is_some_and(|extras| extras.older.is_some())
    }
}

async fn store(tx: &Tx, used: &Used, now: Timestamp) -> Result<(), Error> {
    let older = used.older.as_ref();
    let at = older.map_or(used.at, |(_, at, ..)| used.at.max(*at));
    let from = match older {
        Some((_, older_at, _, from)) if *older_at > used.at => *from,
        _ => used.from,
    };
    let count = used.count + older.map_or(0, |(_, _, count, _)| *count);
    let from = from.map(|from| from.to_string());
    if used.is_management {
        tx.execute(
            "UPDATE management_keys SET last_used_at = $2, last_used_from = COALESCE($3, last_used_from) WHERE id = $1",
            params![&used.id, at, from],
        )
        .await?;
    } else {
        tx.execute(
            "UPDATE api_keys
             SET last_used_at = $2, last_used_from = COALESCE($3, last_used_from), use_count = use_count + $4
             WHERE id = $1",
            params![&used.id, at, from, count],
        )
        .await?;
    }
    if used.count > 0 {
        tx.execute(
            "UPDATE secrets
             SET last_used_at = $2, last_used_from = COALESCE($3, last_used_from)
             WHERE credential_id = $1
               AND retires_at IS NULL",
            params![&used.id, used.at, used.from.map(|from| from.to_string())],
        )
        .await?;
    }
    if let Some((id, at, _, from)) = older {
        tx.execute(
            "UPDATE secrets SET last_used_at = $2, last_used_from = COALESCE($3, last_used_from) WHERE id = $1",
            params![id.to_string(), *at, from.map(|from| from.to_string())],
        )
        .await?;
    }
    for permission in &used.exercised {
        tx.execute(
            "UPDATE api_key_permissions SET exercised_at = $3 WHERE api_key_id = $1 AND permission = $2",
            params![&used.id, permission, now],
        )
        .await?;
    }
    if let Some((remaining, refilled_at)) = used.quota {
        tx.execute(
            "UPDATE api_key_quotas SET remaining = $2, refilled_at = $3 WHERE api_key_id = $1",
            params![&used.id, remaining, refilled_at],
        )
        .await?;
    }
    Ok(())
}

/// Binds the two words of an address together.
pub(super) fn from_check(high: u64, low: u64) -> u64 {
    (high.rotate_left(17) ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1
}
