//! Bringing back on a restored database what a later journal says was taken away: revocations, suspensions, narrowings.
//! What gave access is not brought back, and a kind of event that this release does not know is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::journal_file::{Event, Link, Links};
use super::{Error, Head, about, hex};
use crate::access::{ManagementKeyFate, OperatorFate};
use crate::applications::ApplicationFate;
use crate::applications::credentials::MintingId;
use crate::authority::{Actor, Context};
use crate::clock::{Clock, Timestamp};
use crate::db::change::lock_head;
use crate::db::{Query as _, Tx, params};
use crate::environments;
use crate::ids::{ApiKeyId, ApplicationId, ChangeId, ManagementKeyId};
use crate::journal;
use crate::keys::ApiKeyFate;
use crate::organizations::OrganizationFate;
use crate::rng::Rng;
use crate::tokens::signing::SigningKeyFate;

/// What a journal brought onto a restored database.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Events in the file.
    pub events: i64,
    /// Those of them that the backup does not have.
    pub newer_events: i64,
    /// What was brought back, by kind of event. Events whose effect a later one took back are not among them.
    pub reapplied: BTreeMap<String, usize>,
    /// Credentials made after the backup: they are gone, and nobody can bring their secrets back.
    pub unknown: BTreeSet<String>,
    /// Keys and client secrets of the backup that got a new secret after it: the new secret is gone, the old one ends when the rotation said.
    pub rotated: BTreeSet<String>,
    /// Where the file's journals end. Nothing after that is known of.
    pub heads: Vec<Head>,
}

impl Replayed {
    pub fn total(&self) -> usize {
        self.reapplied.values().sum()
    }
}

/// The event that a replayed change goes back to.
#[derive(Clone, Debug)]
pub(crate) struct Original {
    pub seq: i64,
    pub hash: String,
}

impl Original {
    /// Names it in the event of the change.
    pub fn mark(&self, mut event: journal::Event) -> journal::Event {
        event.data["replayed"] = json!({ "seq": self.seq, "hash": self.hash });
        event
    }
}

/// Kinds of events that take no access away.
const HARMLESS: &[&str] = &[
    "api_key.owner_changed",
    "management_key.owner_changed",
    "application.owner_changed",
    "owner.created",
    "owner.updated",
    "owner.departed",
    "operator.created",
    "organization.created",
    "organization.updated",
    "resource.created",
    "resource.updated",
    "resource.deleted",
    "environment.created",
    "environment.updated",
    "signing_key.created",
    "signing_key.activated",
    "signing_key.retired",
    "signing_key.gone",
];

/// What the newer events of one environment say of each thing, the last word on each.
#[derive(Default)]
struct Fates {
    organizations: BTreeMap<String, OrganizationFate>,
    operators: BTreeMap<String, OperatorFate>,
    management_keys: BTreeMap<String, ManagementKeyFate>,
    api_keys: BTreeMap<String, ApiKeyFate>,
    signing_keys: BTreeMap<String, SigningKeyFate>,
    applications: BTreeMap<String, ApplicationFate>,
    made: BTreeSet<String>,
    rotated: BTreeSet<String>,
}

/// Reads the file once more, beside the journal that was restored, and makes the changes that follow from it.
pub(super) async fn replay(tx: &Tx, restored: &[Head], links: &Links, clock: &Clock, rng: Rng) -> Result<Replayed, Error> {
    for (environment, link) in &links.by_environment {
        continues(tx, restored, links, environment, link).await?;
    }
    let mut replayed = Replayed { events: links.events, ..Replayed::default() };
    let mut by_environment: BTreeMap<String, Fates> = BTreeMap::new();
    for event in links.read()? {
        let event = event?;
        let known = restored.iter().find(|head| head.environment == event.environment);
        if known.is_some_and(|head| event.seq <= head.seq) {
            continue;
        }
        replayed.newer_events += 1;
        if !by_environment.entry(event.environment.clone()).or_default().hear(&event) {
            let (seq, kind) = (event.seq, &event.kind);
            let words =
                format!("event {seq} is of a kind that this release does not know ({kind}): restore with the release that wrote it");
            return Err(about(&links.path, words));
        }
    }
    for environment in environments::all(tx).await? {
        let Some(fates) = by_environment.remove(&environment.id.to_string()) else { continue };
        let now = clock.now();
        let context = Context { environment: Arc::new(environment), actor: Actor::System, request_id: "restore".to_owned(), now };
        fates.apply(tx, &context, rng, &mut replayed).await?;
    }
    // Environments made after the backup are gone with all that was in them.
    for fates in by_environment.into_values() {
        replayed.unknown.extend(fates.made);
    }
    replayed.heads = links.by_environment.iter().map(|(environment, link)| head(restored, environment, link)).collect();
    Ok(replayed)
}

fn head(restored: &[Head], environment: &str, link: &Link) -> Head {
    let slug = restored.iter().find(|head| head.environment == environment).map_or(environment, |head| &head.slug);
    Head { environment: environment.to_owned(), slug: slug.to_owned(), seq: link.last_seq, hash: link.last_hash.clone(), at: link.last_at }
}

/// The file's chain must be the restored one's continuation, or overlap it. Each is whole in itself, so that one common
/// hash proves every event before it.
async fn continues(tx: &Tx, restored: &[Head], links: &Links, environment: &str, link: &Link) -> Result<(), Error> {
    let head = restored.iter().find(|head| head.environment == environment);
    let (seq, hash) = head.map_or((0, hex(&[0; 32])), |head| (head.seq, head.hash.clone()));
    if link.first_seq > seq + 1 {
        let first = link.first_seq;
        let words = format!("begins at event {first} of {environment}, and the backup ends at {seq}: the events between are missing");
        return Err(about(&links.path, words));
    }
    let fits = if link.first_seq == seq + 1 {
        link.first_previous == hash
    } else {
        let common = seq.min(link.last_seq);
        let row = tx.one("SELECT hash FROM journal WHERE environment_id = $1 AND seq = $2", params![environment, common]).await?;
        links.hash_at(environment, common)?.as_deref() == Some(&hex(&row.bytes("hash")))
    };
    if fits {
        return Ok(());
    }
    Err(about(&links.path, format!("does not continue this backup: its journal of {environment} is another one")))
}

impl Fates {
    /// Whether the kind of event is one that this release understands.
    fn hear(&mut self, event: &Event) -> bool {
        let Event { kind, subject, data, .. } = event;
        let at = Timestamp::from_micros(event.at);
        let by = Original { seq: event.seq, hash: event.hash.clone() };
        if matches!(kind.as_str(), "api_key.created" | "api_key.imported" | "management_key.created" | "application.created") {
            self.made.insert(subject.clone());
            return true;
        }
        if let Some(made) = credential_made(kind, data) {
            self.made.extend(made);
            if kind != "client_secret.rotated" {
                return true;
            }
            self.rotated.extend(data["previous"]["id"].as_str().map(str::to_owned));
        }
        if matches!(kind.as_str(), "api_key.rotated" | "management_key.rotated") {
            self.rotated.insert(subject.clone());
        }
        if HARMLESS.contains(&kind.as_str()) {
            return true;
        }
        match kind.split_once('.').map_or("", |(noun, _)| noun) {
            "api_key" => self.api_keys.entry(subject.clone()).or_default().hear(kind, data, at, by),
            "application" | "client_secret" | "client_key" | "certificate" | "trust" | "token" => {
                self.applications.entry(subject.clone()).or_default().hear(kind, data, by)
            }
            "management_key" => self.management_keys.entry(subject.clone()).or_default().hear(kind, data, at, by),
            "operator" => self.operators.entry(subject.clone()).or_default().hear(kind, data, by),
            "signing_key" => self.signing_keys.entry(subject.clone()).or_default().hear(kind, by),
            "organization" => self.organizations.entry(subject.clone()).or_default().hear(kind, by),
            _ => false,
        }
    }

    /// One change with all that was taken away in this environment.
    async fn apply(self, tx: &Tx, context: &Context, rng: Rng, replayed: &mut Replayed) -> Result<(), Error> {
        let environment = context.environment.id;
        let head = lock_head(tx, environment).await?;
        let at = context.now.max(head.at.next());
        let mut events = Vec::new();
        let mut unknown = self.made;
        let mut take = |id: &str, outcome: Option<Vec<journal::Event>>| match outcome {
            Some(made) => events.extend(made),
            None => {
                unknown.insert(id.to_owned());
            }
        };
        for (id, fate) in &self.organizations {
            take(id, fate.apply(tx, environment, id, at).await?);
        }
        for (id, fate) in &self.operators {
            take(id, fate.apply(tx, environment, id, at).await?);
        }
        for (id, fate) in &self.management_keys {
            take(id, fate.apply(tx, environment, id, at).await?);
        }
        for (id, fate) in &self.api_keys {
            take(id, fate.apply(tx, environment, id, at).await?);
        }
        for (subject, fate) in &self.signing_keys {
            take(subject, fate.apply(tx, environment, subject, at).await?);
        }
        for (id, fate) in &self.applications {
            take(id, fate.apply(tx, environment, id, at).await?);
        }
        unknown.retain(|id| {
            let is_key = id.parse::<ApiKeyId>().is_ok() || id.parse::<ManagementKeyId>().is_ok();
            is_key || id.parse::<ApplicationId>().is_ok() || id.parse::<MintingId>().is_ok()
        });
        replayed.rotated.extend(self.rotated.difference(&unknown).cloned());
        replayed.unknown.extend(unknown);
        for event in &events {
            *replayed.reapplied.entry(event.kind.to_owned()).or_default() += 1;
        }
        if !events.is_empty() {
            journal::append(tx, context, ChangeId::new(at, rng), at, head, events).await?;
        }
        Ok(())
    }
}

/// The credential of an application that the event tells to have been made; the subject is the application.
fn credential_made(kind: &str, data: &Value) -> Option<Option<String>> {
    let makes = ["client_secret.created", "client_secret.rotated", "client_key.created", "certificate.created", "trust.created"];
    makes.contains(&kind).then(|| data["id"].as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kind that nobody sorted would be refused at the worst of times.
    #[test]
    fn every_kind_of_event_that_this_release_writes_is_understood() {
        let mut kinds = BTreeSet::new();
        collect(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut kinds);
        assert!(kinds.contains("api_key.revoked") && kinds.contains("organization.suspended"), "{kinds:?}");
        for kind in kinds {
            let event = Event {
                environment: String::new(),
                seq: 1,
                at: 0,
                kind: kind.clone(),
                subject: String::new(),
                data: json!({}),
                previous: String::new(),
                hash: String::new(),
            };
            assert!(Fates::default().hear(&event), "{kind} is neither applied nor named harmless");
        }
    }

    /// Every text in the sources that is a kind of event: handed to `Event::new`, or `"noun.verb"` with a noun that has events.
    fn collect(folder: &std::path::Path, kinds: &mut BTreeSet<String>) {
        const NOUNS: [&str; 14] = [
            "application",
            "client_secret",
            "client_key",
            "certificate",
            "trust",
            "token",
            "signing_key",
            "api_key",
            "management_key",
            "organization",
            "operator",
            "owner",
            "resource",
            "environment",
        ];
        for entry in std::fs::read_dir(folder).expect("the sources are here") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, kinds);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("replay.rs") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                let handed = text.split("Event::new(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
                let named = text.split('"').filter(|text| {
                    text.split_once('.').is_some_and(|(noun, verb)| {
                        let is_word = !verb.is_empty() && verb.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                        NOUNS.contains(&noun) && is_word
                    })
                });
                kinds.extend(handed.chain(named).map(str::to_owned));
            }
        }
    }
}
