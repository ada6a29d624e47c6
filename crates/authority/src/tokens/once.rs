//! Tokens of others that may be used only once, on whichever node: an assertion or proof that is seen again is a replay.

use crate::clock::Timestamp;
use crate::db::{Db, Error, params};
use crate::ids::EnvironmentId;

/// Remembers a token until it has expired; whether it is the first time that it was seen.
pub(super) async fn first_use(db: &Db, environment: EnvironmentId, id: &str, until: Timestamp, now: Timestamp) -> Result<bool, Error> {
    let environment = environment.to_string();
    db.note(async |tx| {
        tx.execute("DELETE FROM used_tokens WHERE environment_id = $1 AND until <= $2", params![&environment, now]).await?;
        let inserted = tx
            .execute(
                "INSERT INTO used_tokens (environment_id, id, until) VALUES ($1, $2, $3)
                 ON CONFLICT (environment_id, id) DO NOTHING",
                params![&environment, id, until],
            )
            .await?;
        Ok(inserted == 1)
    })
    .await
}
