//! Changing an application. Narrowing is free; widening is its own event, so that it can be watched and approved.

use serde_json::{Map, Value, json};

use super::create::check_lifetime;
use super::grants::{self, NewGrant};
use super::{Application, find, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed, Tx};
use crate::error::{Refusal, Result};
use crate::ids::{ApplicationId, OwnerId};
use crate::journal::Event;
use crate::keys::Status;
use crate::limits::RateLimit;
use crate::owners;
use crate::page::check_revision;
use crate::text::{self, Violations};

/// What shall change; `Some(None)` takes a value away.
#[derive(Clone, Debug, Default)]
pub struct Update {
    pub name: Option<String>,
    pub purpose: Option<Option<String>>,
    pub owner_id: Option<OwnerId>,
    /// All resources as they shall be.
    pub resources: Option<Vec<NewGrant>>,
    pub token_lifetime_seconds: Option<Option<i64>>,
    pub require_dpop: Option<bool>,
    pub ratelimit: Option<Option<RateLimit>>,
    pub metadata: Option<Map<String, Value>>,
    pub tags: Option<Vec<String>>,
}

/// The parts of an update that are not the same once parsed.
struct Wanted {
    resources: Option<Vec<NewGrant>>,
    tags: Option<Vec<String>>,
}

fn parse(update: &Update) -> Result<Wanted> {
    let mut wrong = Violations::default();
    wrong.take("/name", text::optional(update.name.as_deref(), text::name));
    wrong.take("/purpose", text::optional(update.purpose.as_ref().and_then(Option::as_deref), text::sentence));
    let resources = update.resources.as_deref().map(|wanted| grants::parse(&mut wrong, wanted));
    wrong.take("/token_lifetime_seconds", update.token_lifetime_seconds.flatten().map_or(Ok(()), check_lifetime));
    wrong.take("/ratelimit", update.ratelimit.flatten().map(RateLimit::checked).transpose());
    if let Some(metadata) = &update.metadata {
        wrong.take("/metadata", text::metadata(metadata));
    }
    let tags = wrong.take("/tags", update.tags.as_deref().map(text::tags).transpose());
    wrong.done()?;
    Ok(Wanted { resources, tags })
}

pub async fn update(
    authority: &Authority,
    caller: &Caller,
    id: ApplicationId,
    expected: Option<i64>,
    update: &Update,
) -> Result<Committed<Application>> {
    caller.require(Permission::ApplicationsUpdate)?;
    let wanted = &parse(update)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let before = find(&tx, caller, id).await?;
            check_revision(expected, before.revision)?;
            if before.status == Status::Revoked {
                return Err(Refusal::WrongStatus(Status::Revoked).into());
            }
            let mut application = before.clone();
            let mut events = Vec::new();
            if let Some(resources) = &wanted.resources {
                events.extend(change_grants(&tx, caller, &mut application, resources).await?);
            }
            if let Some(owner) = update.owner_id.filter(|owner| *owner != application.owner_id) {
                owners::accountable(&tx, caller, owner, Some(application.organization_id)).await?;
                let data = json!({ "before": application.owner_id.to_string(), "after": owner.to_string() });
                events.push(Event::new("application.owner_changed", id, data).of(application.organization_id));
                application.owner_id = owner;
            }
            let changed = apply(update, wanted, &mut application);
            if !changed.is_empty() {
                let data = difference(&before, &application, &changed);
                events.push(Event::new("application.updated", id, data).of(application.organization_id));
            }
            if events.is_empty() {
                return Ok(Change::Nothing(before));
            }
            application.revision += 1;
            application.updated_at = at;
            sql::store(&tx, &application).await?;
            if changed.contains(&"tags") {
                sql::replace_tags(&tx, caller.context.environment.id, &application).await?;
            }
            Ok(Change::Made(application, events))
        })
        .await
}

/// Narrowing and widening may come in one update; each is told by its own event.
async fn change_grants(tx: &Tx, caller: &Caller, application: &mut Application, wanted: &[NewGrant]) -> Result<Vec<Event>> {
    let wanted = grants::placed(tx, caller, wanted).await?;
    let removed = grants::beyond(&application.grants, &wanted);
    let added = grants::beyond(&wanted, &application.grants);
    let mut events = Vec::new();
    if !removed.is_empty() {
        let data = json!({ "removed": grants::told(&removed) });
        events.push(Event::new("application.narrowed", application.id, data).of(application.organization_id));
    }
    if !added.is_empty() {
        caller.require(Permission::ApplicationsCreate)?;
        caller.may_grant(grants::permissions(&added))?;
        let data = json!({ "added": grants::told(&added) });
        events.push(Event::new("application.widened", application.id, data).of(application.organization_id));
    }
    if !events.is_empty() {
        application.grants = wanted;
        sql::replace_grants(tx, application).await?;
    }
    Ok(events)
}

/// Applies everything but grants and owner; answers the names of the fields that are different now.
fn apply(update: &Update, wanted: &Wanted, application: &mut Application) -> Vec<&'static str> {
    let mut changed = Vec::new();
    set(&mut changed, "name", &mut application.name, update.name.as_ref());
    set(&mut changed, "purpose", &mut application.purpose, update.purpose.as_ref());
    set(&mut changed, "token_lifetime_seconds", &mut application.token_lifetime_seconds, update.token_lifetime_seconds.as_ref());
    set(&mut changed, "require_dpop", &mut application.require_dpop, update.require_dpop.as_ref());
    set(&mut changed, "ratelimit", &mut application.ratelimit, update.ratelimit.as_ref());
    set(&mut changed, "metadata", &mut application.metadata, update.metadata.as_ref());
    set(&mut changed, "tags", &mut application.tags, wanted.tags.as_ref());
    changed
}

fn set<T: Clone + PartialEq>(changed: &mut Vec<&'static str>, field: &'static str, place: &mut T, wanted: Option<&T>) {
    if let Some(wanted) = wanted.filter(|wanted| *wanted != place) {
        place.clone_from(wanted);
        changed.push(field);
    }
}

/// Before and after of what governs the application; names, purposes and metadata may be personal and stay out.
pub(super) fn difference(before: &Application, after: &Application, changed: &[&str]) -> Value {
    let governed = |application: &Application| {
        let all = [
            ("token_lifetime_seconds", json!(application.token_lifetime_seconds)),
            ("require_dpop", json!(application.require_dpop)),
            ("ratelimit", json!(application.ratelimit)),
            ("tags", json!(application.tags)),
        ];
        all.into_iter().filter(|(field, _)| changed.contains(field)).map(|(field, value)| (field.to_owned(), value)).collect::<Map<_, _>>()
    };
    json!({ "changed": changed, "before": governed(before), "after": governed(after) })
}
