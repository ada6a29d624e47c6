//! Revoking everything that a filter finds, in one change.

use super::inventory::matching;
use super::{Filter, Reason, revoke::revoke_rows};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed};
use crate::error::{Error, Result};
use crate::ids::ApiKeyId;
use crate::text;

/// What a bulk revocation did, or would do.
#[derive(Debug)]
pub struct Revoked {
    pub ids: Vec<ApiKeyId>,
    pub dry_run: bool,
}

/// One change takes at most this many keys with it; a filter that finds more is told so.
pub const MAX_KEYS: usize = 100_000;

/// Keys that are revoked already are left out. An empty filter is refused: it would be everything.
pub async fn revoke_matching(
    authority: &Authority,
    caller: &Caller,
    filter: &Filter,
    reason: Reason,
    comment: Option<&str>,
    dry_run: bool,
) -> Result<Committed<Revoked>> {
    caller.require(Permission::KeysRevoke)?;
    if filter.is_empty() {
        return Err(Error::invalid("/filter", "is empty: say which keys, for example by organization_id"));
    }
    let comment = text::optional(comment, text::sentence).map_err(|detail| Error::invalid("/comment", detail))?;
    let comment = comment.as_deref();
    authority
        .change(&caller.context, |tx, at| async move {
            let mut doomed = matching(&tx, caller, filter, None, MAX_KEYS as i64 + 1).await?;
            if doomed.len() > MAX_KEYS {
                return Err(Error::invalid("/filter", format!("finds more than {MAX_KEYS} keys: narrow it and repeat")));
            }
            doomed.retain(|key| key.revocation.is_none());
            let revoked = Revoked { ids: doomed.iter().map(|key| key.id).collect(), dry_run };
            if dry_run || doomed.is_empty() {
                return Ok(Change::Nothing(revoked));
            }
            let events = revoke_rows(&tx, &doomed, reason, comment, at).await?;
            Ok(Change::Made(revoked, events))
        })
        .await
}
