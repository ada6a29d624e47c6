//! Changing a key. Narrowing is free; widening is its own event, so that it can be watched and approved.

use serde_json::{Map, Value, json};

use super::create::{permission_set, refuse_unknown};
use super::{ApiKey, Status, find, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{Change, Committed, Tx};
use crate::error::{Error, Refusal, Result};
use crate::ids::{ApiKeyId, OwnerId};
use crate::journal::Event;
use crate::limits::{NewQuota, RateLimit};
use crate::page::check_revision;
use crate::text::{self, Violations};
use crate::{owners, resources};

/// What shall change; `Some(None)` takes a value away.
#[derive(Clone, Debug, Default)]
pub struct Update {
    pub name: Option<String>,
    pub purpose: Option<Option<String>>,
    pub owner_id: Option<OwnerId>,
    pub permissions: Option<Vec<String>>,
    pub expires_at: Option<Option<String>>,
    pub allowed_cidrs: Option<Vec<String>>,
    pub ratelimit: Option<Option<RateLimit>>,
    pub quota: Option<Option<NewQuota>>,
    pub metadata: Option<Map<String, Value>>,
    pub tags: Option<Vec<String>>,
}

/// The update, parsed.
struct Wanted {
    permissions: Option<Vec<String>>,
    expires_at: Option<Option<Timestamp>>,
    allowed_cidrs: Option<Vec<ipnet::IpNet>>,
    tags: Option<Vec<String>>,
}

fn parse(update: &Update, now: Timestamp) -> Result<Wanted> {
    let mut wrong = Violations::default();
    wrong.take("/name", text::optional(update.name.as_deref(), text::name));
    wrong.take("/purpose", text::optional(update.purpose.as_ref().and_then(Option::as_deref), text::sentence));
    let permissions = wrong.take("/permissions", update.permissions.as_deref().map(permission_set).transpose());
    let expires_at = match &update.expires_at {
        Some(Some(at)) => wrong.take("/expires_at", text::future(at, now).map(|at| Some(Some(at)))),
        Some(None) => Some(None),
        None => None,
    };
    let allowed_cidrs = wrong.take("/allowed_cidrs", update.allowed_cidrs.as_deref().map(text::cidrs).transpose());
    wrong.take("/ratelimit", update.ratelimit.flatten().map(RateLimit::checked).transpose());
    wrong.take("/quota", update.quota.flatten().map(NewQuota::checked).transpose());
    if let Some(metadata) = &update.metadata {
        wrong.take("/metadata", text::metadata(metadata));
    }
    let tags = wrong.take("/tags", update.tags.as_deref().map(text::tags).transpose());
    wrong.done()?;
    Ok(Wanted { permissions, expires_at, allowed_cidrs, tags })
}

pub async fn update(
    authority: &Authority,
    caller: &Caller,
    id: ApiKeyId,
    expected: Option<i64>,
    update: &Update,
) -> Result<Committed<ApiKey>> {
    caller.require(Permission::KeysUpdate)?;
    let wanted = &parse(update, caller.context.now)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let before = find(&tx, caller, id).await?;
            check_revision(expected, before.revision)?;
            if before.status == Status::Revoked {
                return Err(Refusal::WrongStatus(Status::Revoked).into());
            }
            let mut key = before.clone();
            let mut events = Vec::new();
            if let Some(permissions) = &wanted.permissions {
                events.extend(change_permissions(&tx, caller, &mut key, permissions).await?);
            }
            if let Some(owner) = update.owner_id.filter(|owner| *owner != key.owner_id) {
                owners::accountable(&tx, caller, owner, Some(key.organization_id)).await?;
                let data = json!({ "before": key.owner_id.to_string(), "after": owner.to_string() });
                events.push(Event::new("api_key.owner_changed", id, data).of(key.organization_id));
                key.owner_id = owner;
            }
            let changed = apply(update, wanted, &mut key, at);
            if !changed.is_empty() {
                events.push(Event::new("api_key.updated", id, difference(&before, &key, &changed)).of(key.organization_id));
            }
            if events.is_empty() {
                return Ok(Change::Nothing(before));
            }
            key.revision += 1;
            key.updated_at = at;
            sql::store(&tx, &key).await?;
            if changed.contains(&"tags") {
                sql::replace_tags(&tx, caller.context.environment.id, &key).await?;
            }
            if changed.contains(&"quota") {
                sql::store_quota(&tx, &key, at).await?;
            }
            Ok(Change::Made(key, events))
        })
        .await
}

/// Narrowing and widening may come in one update; each is told by its own event.
async fn change_permissions(tx: &Tx, caller: &Caller, key: &mut ApiKey, wanted: &[String]) -> Result<Vec<Event>> {
    let added: Vec<String> = wanted.iter().filter(|name| !key.permissions.contains(name)).cloned().collect();
    let removed: Vec<String> = key.permissions.iter().filter(|name| !wanted.contains(name)).cloned().collect();
    let mut events = Vec::new();
    if !removed.is_empty() {
        sql::delete_permissions(tx, key.id, &removed).await?;
        events.push(Event::new("api_key.narrowed", key.id, json!({ "removed": removed })).of(key.organization_id));
    }
    if !added.is_empty() {
        caller.require(Permission::KeysCreate)?;
        caller.may_grant(&added)?;
        let Some(resource) = key.resource_id else {
            return Err(Error::invalid("/permissions", "cannot be given: the key belongs to no resource"));
        };
        refuse_unknown(&resources::find(tx, caller, resource).await?, &added)?;
        sql::insert_permissions(tx, key.id, resource, &added).await?;
        events.push(Event::new("api_key.widened", key.id, json!({ "added": added })).of(key.organization_id));
    }
    key.permissions = wanted.to_vec();
    Ok(events)
}

/// Applies everything but permissions and owner; answers the names of the fields that are different now.
fn apply(update: &Update, wanted: &Wanted, key: &mut ApiKey, at: Timestamp) -> Vec<&'static str> {
    let mut changed = Vec::new();
    let mut set = |field: &'static str, differs: bool| {
        if differs {
            changed.push(field);
        }
    };
    if let Some(name) = &update.name {
        set("name", key.name != *name);
        key.name.clone_from(name);
    }
    if let Some(purpose) = &update.purpose {
        set("purpose", key.purpose != *purpose);
        key.purpose.clone_from(purpose);
    }
    if let Some(expires_at) = wanted.expires_at {
        set("expires_at", key.expires_at != expires_at);
        key.expires_at = expires_at;
    }
    if let Some(cidrs) = &wanted.allowed_cidrs {
        set("allowed_cidrs", key.allowed_cidrs != *cidrs);
        key.allowed_cidrs.clone_from(cidrs);
    }
    if let Some(ratelimit) = update.ratelimit {
        set("ratelimit", key.ratelimit != ratelimit);
        key.ratelimit = ratelimit;
    }
    if let Some(quota) = update.quota {
        // Setting a quota starts it anew, also with the same numbers.
        set("quota", quota.is_some() || key.quota.is_some());
        key.quota = quota.map(|quota| quota.starting(at));
    }
    if let Some(metadata) = &update.metadata {
        set("metadata", key.metadata != *metadata);
        key.metadata.clone_from(metadata);
    }
    if let Some(tags) = &wanted.tags {
        set("tags", key.tags != *tags);
        key.tags.clone_from(tags);
    }
    changed
}

/// Before and after of what governs the key; names, purposes and metadata may be personal and stay out.
pub(super) fn difference(before: &ApiKey, after: &ApiKey, changed: &[&str]) -> Value {
    let governed = |key: &ApiKey| {
        let all = [
            ("expires_at", json!(key.expires_at)),
            ("allowed_cidrs", json!(key.allowed_cidrs)),
            ("ratelimit", json!(key.ratelimit)),
            ("quota", json!(key.quota)),
            ("tags", json!(key.tags)),
        ];
        all.into_iter().filter(|(field, _)| changed.contains(field)).map(|(field, value)| (field.to_owned(), value)).collect::<Map<_, _>>()
    };
    json!({ "changed": changed, "before": governed(before), "after": governed(after) })
}
