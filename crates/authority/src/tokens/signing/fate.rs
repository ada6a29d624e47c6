//! What a journal says became of signing keys after a backup: a key that was compromised is so again on the restored ones.
//! Restoring has no master key and makes no keys: the next start finds that nothing signs, and mends it.

use serde_json::json;

use super::{SUBJECT, Status, sql};
use crate::clock::Timestamp;
use crate::db::copy::Original;
use crate::db::{Error, Tx};
use crate::ids::EnvironmentId;
use crate::journal::Event;

#[derive(Default)]
pub(crate) struct SigningKeyFate {
    compromised: Option<Original>,
}

impl SigningKeyFate {
    /// Takes in an event; answers whether its kind is known.
    pub(crate) fn hear(&mut self, kind: &str, by: Original) -> bool {
        self.compromised = Some(by);
        kind == "signing_key.compromised"
    }

    /// `None` when the key is not in the database.
    pub(crate) async fn apply(
        &self,
        tx: &Tx,
        environment: EnvironmentId,
        subject: &str,
        at: Timestamp,
    ) -> Result<Option<Vec<Event>>, Error> {
        let kid = subject.strip_prefix(SUBJECT).unwrap_or(subject);
        let Some(mut key) = sql::by_kid(tx, environment, kid).await? else { return Ok(None) };
        let Some(by) = self.compromised.as_ref().filter(|_| key.status != Status::Compromised) else { return Ok(Some(Vec::new())) };
        let before = key.compromise(at);
        sql::store(tx, environment, &mut key, at).await?;
        let data = json!({ "algorithm": key.algorithm().as_str(), "before": before.as_str(), "min_iat": key.min_iat() });
        Ok(Some(vec![by.mark(Event::new("signing_key.compromised", key.subject(), data))]))
    }
}
