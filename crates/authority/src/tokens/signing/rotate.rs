//! Replacing the key that signs before its time: the one that waits takes over, and a new one waits.

use super::advance::{Wish, advance};
use super::{Key, may_change, sql};
use crate::access::Caller;
use crate::authority::Authority;
use crate::credential::jose::Algorithm;
use crate::db::Committed;
use crate::error::{Error, Result};

/// Answers with every key of the algorithm. Refused while the standby is not published long enough.
pub async fn rotate(authority: &Authority, caller: &Caller, algorithm: &str) -> Result<Committed<Vec<Key>>> {
    may_change(caller)?;
    let algorithm: Algorithm = algorithm.parse().map_err(|_| Error::invalid("/algorithm", "must be ES256, EdDSA, RS256 or PS256"))?;
    let done = advance(authority, &caller.context, algorithm, Wish::Rotate).await?;
    let keys = sql::of_algorithm(&authority.db, caller.context.environment.id, algorithm).await?;
    Ok(Committed { value: keys, journal_seq: done.journal_seq, at: done.at })
}
