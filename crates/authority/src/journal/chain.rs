//! Checking the whole of every journal: no gap, no changed leaf, no broken link, no step back in time.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::append::{GENESIS, hex};
use crate::db::{Error, Query, params};

/// The first thing found wrong with a journal.
#[derive(Debug, PartialEq, Eq)]
pub struct Break {
    pub environment: String,
    pub seq: i64,
    pub what: &'static str,
}

const BATCH: i64 = 1_000;

/// Reads every event of every environment. Answers how many there are, or the first break.
pub async fn verify(on: &impl Query) -> Result<Result<i64, Break>, Error> {
    let mut events = 0;
    for head in on.all("SELECT environment_id, seq, hash FROM journal_heads ORDER BY environment_id", vec![]).await? {
        let environment = head.text("environment_id");
        let (mut seq, mut hash, mut at) = (0, GENESIS.to_vec(), i64::MIN);
        loop {
            let rows = on
                .all(
                    "SELECT seq, at, leaf, hash
                     FROM journal
                     WHERE environment_id = $1
                       AND seq > $2
                     ORDER BY seq
                     LIMIT $3",
                    params![&environment, seq, BATCH],
                )
                .await?;
            for row in &rows {
                let (leaf, here) = (row.text("leaf"), row.int("at"));
                let broken = |what| Ok(Err(Break { environment: environment.clone(), seq: row.int("seq"), what }));
                // A leaf that is no JSON any more was changed: its hash tells.
                let parsed: Value = serde_json::from_str(&leaf).unwrap_or_default();
                if row.int("seq") != seq + 1 {
                    return broken("an event is missing before it");
                }
                if Sha256::digest(leaf.as_bytes())[..] != row.bytes("hash") {
                    return broken("its text was changed");
                }
                if parsed["seq"] != row.int("seq") || parsed["previous"] != hex(&hash).as_str() {
                    return broken("it does not follow the event before it");
                }
                if here < at || parsed["at"] != here {
                    return broken("its time lies before the event before it");
                }
                (seq, hash, at) = (row.int("seq"), row.bytes("hash"), here);
                events += 1;
            }
            if rows.len() < BATCH as usize {
                break;
            }
        }
        if seq != head.int("seq") || hash != head.bytes("hash") {
            return Ok(Err(Break { environment, seq, what: "the journal ends before its head" }));
        }
    }
    Ok(Ok(events))
}
