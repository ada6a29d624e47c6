//! A private key that somebody else may have. It signs and verifies nothing from here on; if it was the one that signs, the
//! standby takes over whether verifiers have seen it or not. A new one is made afterwards: nothing waits for that.

use super::advance::{Wish, advance};
use super::{Key, find, may_change, sql};
use crate::access::Caller;
use crate::authority::Authority;
use crate::db::Committed;
use crate::error::{Error, Result};
use crate::text;

/// Answers with every key of the algorithm. To do it twice is to do it once.
pub async fn compromise(authority: &Authority, caller: &Caller, kid: &str, comment: Option<&str>) -> Result<Committed<Vec<Key>>> {
    may_change(caller)?;
    let comment = text::optional(comment, text::sentence).map_err(|detail| Error::invalid("/comment", detail))?;
    let algorithm = find(&authority.db, caller, kid).await?.algorithm();
    let wish = Wish::Compromise { kid, comment: comment.as_deref() };
    let mut done = advance(authority, &caller.context, algorithm, wish).await?;
    match advance(authority, &caller.context, algorithm, Wish::None).await {
        Ok(tended) => done = tended,
        Err(error) => tracing::warn!(%error, %algorithm, "no new signing key could be made yet; it is tried again within a minute"),
    }
    let keys = sql::of_algorithm(&authority.db, caller.context.environment.id, algorithm).await?;
    Ok(Committed { value: keys, journal_seq: done.journal_seq, at: done.at })
}
