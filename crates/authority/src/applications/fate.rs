//! What a journal says became of an application and its credentials after a backup, and bringing it back on the restored
//! ones. Only what takes access away is brought back; the last word on each matter counts.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::credentials::secrets::difference as credential_difference;
use super::credentials::{self, MintingId};
use super::update::difference;
use super::{Application, grants, revoke, sql};
use crate::clock::Timestamp;
use crate::db::copy::Original;
use crate::db::{Error, Query as _, Tx, params};
use crate::gate::denials;
use crate::ids::EnvironmentId;
use crate::journal::Event;
use crate::keys::{Reason, Status, ends_earlier, is_slower};
use crate::limits::RateLimit;

/// The last word on one matter, and the event that spoke it.
type Last<T> = Option<(T, Original)>;

#[derive(Default)]
pub(crate) struct ApplicationFate {
    standing: Last<Standing>,
    /// Whether each permission of a resource spoken of was given or taken; an empty one stands for the resource.
    grants: BTreeMap<(String, String), (bool, Original)>,
    token_lifetime_seconds: Last<Option<i64>>,
    require_dpop: Last<bool>,
    ratelimit: Last<Option<RateLimit>>,
    credentials: BTreeMap<MintingId, CredentialFate>,
    /// Access tokens that were given up, by their `jti`, and when they expire.
    tokens: BTreeMap<String, (Timestamp, Value, Original)>,
}

enum Standing {
    Active,
    Disabled,
    Revoked { reason: Reason, comment: Option<String>, was_disabled: bool },
}

#[derive(Default)]
struct CredentialFate {
    ended: Last<Ending>,
    expires_at: Last<Option<Timestamp>>,
}

struct Ending {
    is_compromise: bool,
    reason: Reason,
    comment: Option<String>,
    tokens_die: bool,
}

impl ApplicationFate {
    /// Takes in an event; answers whether its kind is known.
    pub(crate) fn hear(&mut self, kind: &str, data: &Value, by: Original) -> bool {
        match kind {
            "application.revoked" => {
                let was_disabled = match &self.standing {
                    Some((Standing::Revoked { was_disabled, .. }, _)) if data["before"] == "revoked" => *was_disabled,
                    _ => data["before"] == "disabled",
                };
                self.standing = Some((Standing::Revoked { reason: reason(data), comment: comment(data), was_disabled }, by));
            }
            "application.revocation_undone" if data["after"] == "disabled" => self.standing = Some((Standing::Disabled, by)),
            "application.revocation_undone" | "application.enabled" => self.standing = Some((Standing::Active, by)),
            "application.disabled" => self.standing = Some((Standing::Disabled, by)),
            "application.narrowed" => self.hear_grants(&data["removed"], false, &by),
            "application.widened" => self.hear_grants(&data["added"], true, &by),
            "application.updated" => {
                hear(&mut self.token_lifetime_seconds, &data["after"], "token_lifetime_seconds", &by);
                hear(&mut self.require_dpop, &data["after"], "require_dpop", &by);
                hear(&mut self.ratelimit, &data["after"], "ratelimit", &by);
            }
            "client_secret.revoked" | "client_secret.compromised" | "client_key.revoked" | "certificate.revoked" | "trust.revoked" => {
                let Some(fate) = self.credential(&data["id"]) else { return true };
                let is_compromise = kind == "client_secret.compromised";
                let tokens_die = data["tokens"] == "die" || fate.ended.as_ref().is_some_and(|(ending, _)| ending.tokens_die);
                fate.ended = Some((Ending { is_compromise, reason: reason(data), comment: comment(data), tokens_die }, by));
            }
            "client_secret.rotated" => {
                if let Some(fate) = self.credential(&data["previous"]["id"]) {
                    fate.expires_at = Some((time(&data["previous"]["expires_at"]), by));
                }
            }
            "client_secret.updated" => {
                if let (Some(fate), Some(value)) = (self.credential(&data["id"]), data["after"].get("expires_at")) {
                    fate.expires_at = Some((time(value), by));
                }
            }
            "token.revoked" => {
                if let (Some(jti), Some(expires_at)) = (data["jti"].as_str(), time(&data["expires_at"])) {
                    self.tokens.insert(jti.to_owned(), (expires_at, data.clone(), by));
                }
            }
            _ => return false,
        }
        true
    }

    fn credential(&mut self, id: &Value) -> Option<&mut CredentialFate> {
        let id = id.as_str()?.parse().ok()?;
        Some(self.credentials.entry(id).or_default())
    }

    fn hear_grants(&mut self, differences: &Value, given: bool, by: &Original) {
        for difference in differences.as_array().into_iter().flatten() {
            let Some(resource) = difference["resource_id"].as_str() else { continue };
            let names = difference["permissions"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let whole = Some("").filter(|_| difference["resource"] == true);
            for name in names.chain(whole) {
                self.grants.insert((resource.to_owned(), name.to_owned()), (given, by.clone()));
            }
        }
    }

    /// `None` when the application is not in the database.
    pub(crate) async fn apply(&self, tx: &Tx, environment: EnvironmentId, id: &str, at: Timestamp) -> Result<Option<Vec<Event>>, Error> {
        let Some(row) = tx.optional(sql::BY_ID, params![environment.to_string(), id]).await? else { return Ok(None) };
        let mut application = sql::applications(tx, &[row]).await?.pop().expect("one row is one application");
        let mut events = Vec::new();
        events.extend(self.narrow(tx, &mut application).await?);
        events.extend(self.tighten(&mut application));
        events.extend(self.disable(&mut application));
        if !events.is_empty() {
            application.revision += 1;
            application.updated_at = at;
            sql::store(tx, &application).await?;
        }
        events.extend(self.revoke(tx, environment, &application, at).await?);
        for (jti, (expires_at, data, by)) in self.tokens.iter().filter(|(_, (expires_at, ..))| *expires_at > at) {
            if denials::deny_one(tx, environment, jti, expires_at.plus_seconds(denials::SKEW_SECONDS)).await? {
                events.push(by.mark(Event::new("token.revoked", application.id, data.clone()).of(application.organization_id)));
            }
        }
        for (id, fate) in &self.credentials {
            events.extend(fate.apply(tx, environment, &application, *id, at).await?);
        }
        Ok(Some(events))
    }

    async fn narrow(&self, tx: &Tx, application: &mut Application) -> Result<Option<Event>, Error> {
        let taken_by = |resource: &str, name: &str| {
            self.grants.get(&(resource.to_owned(), name.to_owned())).filter(|(given, _)| !given).map(|(_, by)| by)
        };
        let before = application.grants.clone();
        let mut sources = Vec::new();
        application.grants.retain_mut(|grant| {
            let resource = grant.resource_id.to_string();
            grant.permissions.retain(|name| {
                sources.extend(taken_by(&resource, name));
                taken_by(&resource, name).is_none()
            });
            sources.extend(taken_by(&resource, ""));
            taken_by(&resource, "").is_none()
        });
        let Some(by) = sources.into_iter().max_by_key(|by| by.seq) else { return Ok(None) };
        sql::replace_grants(tx, application).await?;
        let data = json!({ "removed": grants::told(&grants::beyond(&before, &application.grants)) });
        Ok(Some(by.mark(Event::new("application.narrowed", application.id, data).of(application.organization_id))))
    }

    /// What takes something away is set to what the journal last said of it.
    fn tighten(&self, application: &mut Application) -> Option<Event> {
        let before = application.clone();
        let (mut changed, mut sources) = (Vec::new(), Vec::new());
        let is_shorter = |new: Option<i64>, old: Option<i64>| new.is_some_and(|new| old.is_none_or(|old| new < old));
        let lifetime = self.token_lifetime_seconds.as_ref();
        if let Some((seconds, by)) = lifetime.filter(|(new, _)| is_shorter(*new, application.token_lifetime_seconds)) {
            application.token_lifetime_seconds = *seconds;
            changed.push("token_lifetime_seconds");
            sources.push(by);
        }
        if let Some((_, by)) = self.require_dpop.as_ref().filter(|(required, _)| *required && !application.require_dpop) {
            application.require_dpop = true;
            changed.push("require_dpop");
            sources.push(by);
        }
        if let Some((ratelimit, by)) = self.ratelimit.as_ref().filter(|(new, _)| is_slower(*new, application.ratelimit)) {
            application.ratelimit = *ratelimit;
            changed.push("ratelimit");
            sources.push(by);
        }
        let by = sources.into_iter().max_by_key(|by| by.seq)?;
        let data = difference(&before, application, &changed);
        Some(by.mark(Event::new("application.updated", application.id, data).of(application.organization_id)))
    }

    fn disable(&self, application: &mut Application) -> Option<Event> {
        let (standing, by) = self.standing.as_ref()?;
        let is_off = match standing {
            Standing::Active => false,
            Standing::Disabled => true,
            // So that an undo finds it as it was.
            Standing::Revoked { was_disabled, .. } => *was_disabled,
        };
        if !is_off || application.status != Status::Active {
            return None;
        }
        application.status = Status::Disabled;
        Some(by.mark(Event::new("application.disabled", application.id, json!({})).of(application.organization_id)))
    }

    /// A worse reason than the backup's takes the way back.
    async fn revoke(&self, tx: &Tx, environment: EnvironmentId, application: &Application, at: Timestamp) -> Result<Option<Event>, Error> {
        let Some((Standing::Revoked { reason, comment, .. }, by)) = &self.standing else { return Ok(None) };
        if application.revocation.as_ref().is_some_and(|before| reason.can_be_undone() || !before.reason.can_be_undone()) {
            return Ok(None);
        }
        let event = revoke::end(tx, environment, application, *reason, comment.as_deref(), at).await?;
        Ok(Some(by.mark(event)))
    }
}

impl CredentialFate {
    /// A credential that was made after the backup is gone: nothing is left to take away.
    async fn apply(
        &self,
        tx: &Tx,
        environment: EnvironmentId,
        application: &Application,
        id: MintingId,
        at: Timestamp,
    ) -> Result<Vec<Event>, Error> {
        let Some(mut credential) = credentials::stored(tx, application.id, id).await? else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        if let Some((ends, by)) = self.expires_at.as_ref().filter(|(ends, _)| ends_earlier(*ends, credential.expires_at)) {
            let before = credential.clone();
            credential.expires_at = *ends;
            credential.revision += 1;
            credential.updated_at = at;
            credentials::store(tx, &credential).await?;
            let data = credential_difference(&before, &credential, &["expires_at"]);
            events.push(by.mark(Event::new("client_secret.updated", application.id, data).of(application.organization_id)));
        }
        let Some((ending, by)) = &self.ended else { return Ok(events) };
        // In the backup it may have ended for a lesser reason, and with tokens that were to live.
        let is_worse = credential.revocation.as_ref().is_none_or(|before| before.reason.can_be_undone() && !ending.reason.can_be_undone());
        if is_worse || (ending.tokens_die && !credentials::tokens_died(tx, environment, &credential).await?) {
            let words = (ending.reason, ending.comment.as_deref(), ending.tokens_die);
            let event = match ending.is_compromise {
                true => credentials::end_as("client_secret.compromised", tx, environment, application, &credential, words, at).await?,
                false => credentials::end(tx, environment, application, &credential, words, at).await?,
            };
            events.push(by.mark(event));
        }
        Ok(events)
    }
}

fn hear<T: DeserializeOwned>(last: &mut Last<T>, after: &Value, field: &str, by: &Original) {
    if let Some(value) = after.get(field).and_then(|value| serde_json::from_value(value.clone()).ok()) {
        *last = Some((value, by.clone()));
    }
}

fn reason(data: &Value) -> Reason {
    data["reason"].as_str().and_then(|reason| reason.parse().ok()).unwrap_or(Reason::Unspecified)
}

fn comment(data: &Value) -> Option<String> {
    data["comment"].as_str().map(str::to_owned)
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(Timestamp::parse)
}
