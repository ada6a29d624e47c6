//! What a journal says became of a key after a backup, and bringing it back on the restored key.
//! Only what takes access away is brought back; the last word on each matter counts.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::revoke::{Reason, revoke_rows};
use super::update::difference;
use super::{ApiKey, Status, sql};
use crate::clock::Timestamp;
use crate::db::copy::Original;
use crate::db::{Error, Query as _, Tx, params};
use crate::ids::EnvironmentId;
use crate::journal::Event;
use crate::limits::{Quota, RateLimit};
use crate::secrets::Retirement;

/// The last word on one matter, and the event that spoke it.
type Last<T> = Option<(T, Original)>;

#[derive(Default)]
pub(crate) struct ApiKeyFate {
    standing: Last<Standing>,
    /// Whether each permission spoken of was given or taken.
    permissions: BTreeMap<String, (bool, Original)>,
    expires_at: Last<Option<Timestamp>>,
    allowed_cidrs: Last<Vec<ipnet::IpNet>>,
    ratelimit: Last<Option<RateLimit>>,
    quota: Last<Option<Quota>>,
    retirement: Retirement,
    retired_by: Option<Original>,
}

enum Standing {
    Active,
    Disabled,
    Revoked { reason: Reason, comment: Option<String>, was_disabled: bool },
}

impl ApiKeyFate {
    /// Takes in an event; answers whether its kind is known.
    pub(crate) fn hear(&mut self, kind: &str, data: &Value, at: Timestamp, by: Original) -> bool {
        match kind {
            "api_key.revoked" => {
                let reason = data["reason"].as_str().and_then(|reason| reason.parse().ok()).unwrap_or(Reason::Unspecified);
                let was_disabled = match &self.standing {
                    Some((Standing::Revoked { was_disabled, .. }, _)) if data["before"] == "revoked" => *was_disabled,
                    _ => data["before"] == "disabled",
                };
                let comment = data["comment"].as_str().map(str::to_owned);
                self.standing = Some((Standing::Revoked { reason, comment, was_disabled }, by));
            }
            "api_key.revocation_undone" if data["after"] == "disabled" => self.standing = Some((Standing::Disabled, by)),
            "api_key.revocation_undone" | "api_key.enabled" => self.standing = Some((Standing::Active, by)),
            "api_key.disabled" => self.standing = Some((Standing::Disabled, by)),
            "api_key.narrowed" => self.hear_permissions(&data["removed"], false, &by),
            "api_key.widened" => self.hear_permissions(&data["added"], true, &by),
            "api_key.updated" => self.hear_update(&data["after"], &by),
            "api_key.rotated" => {
                self.retirement.rotated(at, time(&data["previous_secret_expires_at"]).unwrap_or(at));
                self.hear_update(&json!({ "expires_at": data["expires_at"] }), &by);
                self.retired_by = Some(by);
            }
            "api_key.previous_secret_dropped" => {
                self.retirement.dropped(at);
                self.retired_by = Some(by);
            }
            "api_key.secrets_retired" => {
                self.retirement.retired(time(&data["current"]), time(&data["older"]));
                self.retired_by = Some(by);
            }
            _ => return false,
        }
        true
    }

    fn hear_permissions(&mut self, names: &Value, given: bool, by: &Original) {
        for name in names.as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.permissions.insert(name.to_owned(), (given, by.clone()));
        }
    }

    fn hear_update(&mut self, after: &Value, by: &Original) {
        hear(&mut self.ratelimit, after, "ratelimit", by);
        hear(&mut self.quota, after, "quota", by);
        hear(&mut self.allowed_cidrs, after, "allowed_cidrs", by);
        if let Some(value) = after.get("expires_at") {
            self.expires_at = Some((time(value), by.clone()));
        }
    }

    /// `None` when the key is not in the database.
    pub(crate) async fn apply(&self, tx: &Tx, environment: EnvironmentId, id: &str, at: Timestamp) -> Result<Option<Vec<Event>>, Error> {
        let Some(row) = tx.optional(sql::BY_ID, params![environment.to_string(), id]).await? else { return Ok(None) };
        let mut key = sql::key(&row);
        let mut events = Vec::new();
        events.extend(self.narrow(tx, &mut key).await?);
        events.extend(self.tighten(tx, &mut key, at).await?);
        events.extend(self.retire_secrets(tx, &key).await?);
        events.extend(self.disable(&mut key));
        if !events.is_empty() {
            key.revision += 1;
            key.updated_at = at;
            sql::store(tx, &key).await?;
        }
        events.extend(self.revoke(tx, &key, at).await?);
        Ok(Some(events))
    }

    async fn narrow(&self, tx: &Tx, key: &mut ApiKey) -> Result<Option<Event>, Error> {
        let taken = |name: &String| self.permissions.get(name).is_some_and(|(given, _)| !given);
        let (removed, kept) = std::mem::take(&mut key.permissions).into_iter().partition::<Vec<_>, _>(taken);
        key.permissions = kept;
        let by = removed.iter().map(|name| &self.permissions[name].1).max_by_key(|by| by.seq);
        let Some(by) = by else { return Ok(None) };
        sql::delete_permissions(tx, key.id, &removed).await?;
        Ok(Some(by.mark(Event::new("api_key.narrowed", key.id, json!({ "removed": removed })).of(key.organization_id))))
    }

    /// A limit that takes something away is set to what the journal last said of it.
    async fn tighten(&self, tx: &Tx, key: &mut ApiKey, at: Timestamp) -> Result<Option<Event>, Error> {
        let before = key.clone();
        let mut changed = Vec::new();
        let mut sources = Vec::new();
        if let Some((ends, by)) = self.expires_at.as_ref().filter(|(ends, _)| ends_earlier(*ends, key.expires_at)) {
            key.expires_at = *ends;
            changed.push("expires_at");
            sources.push(by);
        }
        if let Some((cidrs, by)) = self.allowed_cidrs.as_ref().filter(|(cidrs, _)| leaves_out(cidrs, &key.allowed_cidrs)) {
            key.allowed_cidrs.clone_from(cidrs);
            changed.push("allowed_cidrs");
            sources.push(by);
        }
        if let Some((ratelimit, by)) = self.ratelimit.as_ref().filter(|(ratelimit, _)| is_slower(*ratelimit, key.ratelimit)) {
            key.ratelimit = *ratelimit;
            changed.push("ratelimit");
            sources.push(by);
        }
        if let Some((quota, by)) = self.quota.as_ref().filter(|(quota, _)| is_smaller(*quota, key.quota)) {
            key.quota = *quota;
            changed.push("quota");
            sources.push(by);
            sql::store_quota(tx, key, at).await?;
        }
        let by = sources.into_iter().max_by_key(|by| by.seq);
        Ok(by.map(|by| by.mark(Event::new("api_key.updated", key.id, difference(&before, key, &changed)).of(key.organization_id))))
    }

    async fn retire_secrets(&self, tx: &Tx, key: &ApiKey) -> Result<Option<Event>, Error> {
        let Some(by) = &self.retired_by else { return Ok(None) };
        if self.retirement.apply(tx, &key.id.to_string()).await? == 0 {
            return Ok(None);
        }
        let data = json!({ "current": self.retirement.current, "older": self.retirement.older });
        Ok(Some(by.mark(Event::new("api_key.secrets_retired", key.id, data).of(key.organization_id))))
    }

    fn disable(&self, key: &mut ApiKey) -> Option<Event> {
        let (standing, by) = self.standing.as_ref()?;
        let is_off = match standing {
            Standing::Active => false,
            Standing::Disabled => true,
            // So that an undo finds it as it was.
            Standing::Revoked { was_disabled, .. } => *was_disabled,
        };
        if !is_off || key.status != Status::Active {
            return None;
        }
        key.status = Status::Disabled;
        Some(by.mark(Event::new("api_key.disabled", key.id, json!({})).of(key.organization_id)))
    }

    /// A worse reason than the backup's takes the way back.
    async fn revoke(&self, tx: &Tx, key: &ApiKey, at: Timestamp) -> Result<Vec<Event>, Error> {
        let Some((Standing::Revoked { reason, comment, .. }, by)) = &self.standing else { return Ok(Vec::new()) };
        if key.revocation.as_ref().is_some_and(|before| reason.can_be_undone() || !before.reason.can_be_undone()) {
            return Ok(Vec::new());
        }
        let events = revoke_rows(tx, std::slice::from_ref(key), *reason, comment.as_deref(), at).await?;
        Ok(events.into_iter().map(|event| by.mark(event)).collect())
    }
}

fn hear<T: DeserializeOwned>(last: &mut Last<T>, after: &Value, field: &str, by: &Original) {
    if let Some(value) = after.get(field).and_then(|value| serde_json::from_value(value.clone()).ok()) {
        *last = Some((value, by.clone()));
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(Timestamp::parse)
}

pub(crate) fn ends_earlier(new: Option<Timestamp>, old: Option<Timestamp>) -> bool {
    new.is_some_and(|new| old.is_none_or(|old| new < old))
}

/// Whether an address allowed before may be refused now. An empty list allows every address.
fn leaves_out(new: &[ipnet::IpNet], old: &[ipnet::IpNet]) -> bool {
    let covered = |old: &ipnet::IpNet| new.iter().any(|new| new.contains(old));
    !new.is_empty() && (old.is_empty() || !old.iter().all(covered))
}

pub(crate) fn is_slower(new: Option<RateLimit>, old: Option<RateLimit>) -> bool {
    let (Some(new), Some(old)) = (new, old) else { return new.is_some() };
    let rate = |of: RateLimit, other: RateLimit| i128::from(of.limit) * i128::from(other.window_seconds);
    new.limit < old.limit || rate(new, old) < rate(old, new)
}

fn is_smaller(new: Option<Quota>, old: Option<Quota>) -> bool {
    let (Some(new), Some(old)) = (new, old) else { return new.is_some() };
    let refills_less = match (new.refill, old.refill) {
        (Some(new), Some(old)) => {
            let rate = |amount: i64, interval: i64| i128::from(amount) * i128::from(interval);
            new.amount < old.amount || rate(new.amount, old.interval_seconds) < rate(old.amount, new.interval_seconds)
        }
        (new, old) => new.is_none() && old.is_some(),
    };
    new.remaining < old.remaining || refills_less
}
