//! Access tokens that must not be accepted although they have not expired: a short list, for minting writes no row and
//! no entry outlives the last token that it covers.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::db::{Db, Error, Query, Tx, params};
use crate::ids::EnvironmentId;

/// No token lives longer than this (a day), so no entry is needed for longer.
pub(crate) const LONGEST_LIFETIME_SECONDS: i64 = 86_400;
/// By how much the clocks of whoever mints and whoever verifies may differ.
pub(crate) const SKEW_SECONDS: i64 = 60;

/// Up to when issued tokens of a subject are denied, and until when that matters, by the subject: a `jti`, a minting
/// credential, or an application.
#[derive(Default)]
pub struct Denials(HashMap<String, (Timestamp, Timestamp)>);

impl Denials {
    /// Whether a token of that subject, issued then, is denied.
    pub fn deny(&self, subject: &str, issued_at: Timestamp) -> bool {
        self.0.get(subject).is_some_and(|(not_before, _)| issued_at <= *not_before)
    }

    /// Whether there is an entry that covers nothing any more.
    fn has_ended(&self, now: Timestamp) -> bool {
        self.0.values().any(|(_, until)| *until <= now)
    }

    pub(super) async fn load(db: &Db, environment: &str, now: Timestamp) -> Result<Self, Error> {
        let rows = db
            .all(
                "SELECT subject, not_before, until FROM token_revocations WHERE environment_id = $1 AND until > $2",
                params![environment, now],
            )
            .await?;
        Ok(Self(rows.iter().map(|row| (row.text("subject"), (row.time("not_before"), row.time("until")))).collect()))
    }
}

/// Denies the tokens of a subject that were issued up to `at`. The change also needs an event of an application.
pub(crate) async fn deny(tx: &Tx, environment: EnvironmentId, subject: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO token_revocations (environment_id, subject, not_before, until) VALUES ($1, $2, $3, $4)
         ON CONFLICT (environment_id, subject) DO UPDATE SET not_before = excluded.not_before, until = excluded.until",
        params![environment.to_string(), subject, at, at.plus_seconds(LONGEST_LIFETIME_SECONDS + SKEW_SECONDS)],
    )
    .await?;
    Ok(())
}

/// Denies one token, by its `jti`, until it has expired. Whether it was not denied before.
pub(crate) async fn deny_one(tx: &Tx, environment: EnvironmentId, jti: &str, until: Timestamp) -> Result<bool, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO token_revocations (environment_id, subject, not_before, until) VALUES ($1, $2, $3, $3)
             ON CONFLICT (environment_id, subject) DO NOTHING",
            params![environment.to_string(), jti, until],
        )
        .await?;
    Ok(inserted > 0)
}

impl super::Gate {
    /// Forgets entries whose tokens have all expired.
    pub(super) async fn forget_denials(&self, db: &Db, now: Timestamp) -> Result<(), Error> {
        for state in self.environments.load().iter().filter(|state| state.denials().has_ended(now)) {
            let environment = state.id.to_string();
            db.note(async |tx| {
                let sql = "DELETE FROM token_revocations WHERE environment_id = $1 AND until <= $2";
                tx.execute(sql, params![&environment, now]).await.map(drop)
            })
            .await?;
            // With whoever applies changes: what he reads afterwards must not be undone by this.
            let _applying = state.applying.lock().await;
            state.denials.store(Arc::new(Denials::load(db, &environment, now).await?));
        }
        Ok(())
    }
}
