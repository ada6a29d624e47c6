//! Switching a key off for a while, and on again.

use serde_json::json;

use super::{ApiKey, Status, find, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed};
use crate::error::{Refusal, Result};
use crate::ids::ApiKeyId;
use crate::journal::Event;

/// From its answer on the key is refused as `DISABLED`.
pub async fn disable(authority: &Authority, caller: &Caller, id: ApiKeyId) -> Result<Committed<ApiKey>> {
    set(authority, caller, id, Status::Disabled, "api_key.disabled").await
}

pub async fn enable(authority: &Authority, caller: &Caller, id: ApiKeyId) -> Result<Committed<ApiKey>> {
    set(authority, caller, id, Status::Active, "api_key.enabled").await
}

async fn set(authority: &Authority, caller: &Caller, id: ApiKeyId, status: Status, kind: &'static str) -> Result<Committed<ApiKey>> {
    caller.require(Permission::KeysUpdate)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let mut key = find(&tx, caller, id).await?;
            if key.status == Status::Revoked {
                return Err(Refusal::WrongStatus(Status::Revoked).into());
            }
            if key.status == status {
                return Ok(Change::Nothing(key));
            }
            key.status = status;
            key.revision += 1;
            key.updated_at = at;
            sql::store(&tx, &key).await?;
            let event = Event::new(kind, id, json!({})).of(key.organization_id);
            Ok(Change::Made(key, vec![event]))
        })
        .await
}
