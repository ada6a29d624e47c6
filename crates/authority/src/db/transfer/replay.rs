//! After a restore: everything that reduced access since the backup, applied again from a journal that continues it.
//! Nothing that widened access is, for the secrets of later keys are not here. A journal that does not fit changes nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::{Change, Db, Error, Query, Tx, params};
use super::refuse;
use crate::authority::{Actor, Context};
use crate::clock::{Clock, Timestamp};
use crate::environments;
use crate::journal::Event;
use crate::keys::{self, Reason};

/// What was applied again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    pub events_read: usize,
    /// Revoked keys, API and management.
    pub revoked: usize,
    pub disabled: usize,
    pub narrowed: usize,
    pub organizations_closed: usize,
    /// Keys rotated since: their new secret is not in the backup and the old one must not live, so they were disabled.
    pub rotated: Vec<String>,
    /// Things made after the backup: they are gone.
    pub unknown: Vec<String>,
}

/// One event of the file, with the text that is hashed.
struct Leaf {
    value: Value,
    hash: String,
}

/// What the later events leave of one thing.
#[derive(Default)]
struct Fate {
    revoked: Option<(Value, String)>,
    is_disabled: Option<bool>,
    is_rotated: bool,
    removed: Vec<String>,
    organization: Option<&'static str>,
    seq: i64,
    hash: String,
}

/// Applies a journal file: one leaf a line, exactly as `claviger journal` writes them.
pub async fn replay(db: &Db, file: &Path, clock: &Clock) -> Result<Replayed, Error> {
    let leaves = read(file)?;
    let mut replayed = Replayed { events_read: leaves.len(), ..Replayed::default() };
    let mut by_environment: BTreeMap<String, Vec<Leaf>> = BTreeMap::new();
    for leaf in leaves {
        by_environment.entry(text(&leaf.value, "environment")).or_default().push(leaf);
    }
    let known = environments::all(db).await?;
    let mut fates = Vec::new();
    for (environment, leaves) in by_environment {
        let Some(environment) = known.iter().find(|known| known.id.to_string() == environment) else {
            return Err(refuse(format!("the journal is of another server: there is no environment {environment}")));
        };
        // All of the file is judged before anything of it acts.
        fates.push((Arc::new(environment.clone()), fates_of(newer(db, &environment.id.to_string(), leaves).await?)));
    }
    for (environment, fates) in fates {
        let context = Context { environment, actor: Actor::System, request_id: "restore".to_owned(), now: clock.now() };
        let (context, fates) = (&context, &fates);
        let outcome = db.change(context, |tx, at| async move { apply(&tx, fates, at).await }).await?.value;
        replayed.revoked += outcome.revoked;
        replayed.disabled += outcome.disabled;
        replayed.narrowed += outcome.narrowed;
        replayed.organizations_closed += outcome.organizations_closed;
        replayed.rotated.extend(outcome.rotated);
        replayed.unknown.extend(outcome.unknown);
    }
    Ok(replayed)
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn read(file: &Path) -> Result<Vec<Leaf>, Error> {
    let all = std::fs::read_to_string(file).map_err(|error| refuse(format!("{}: {error}", file.display())))?;
    let leaf = |(line, text): (usize, &str)| {
        let value: Value = serde_json::from_str(text).map_err(|_| refuse(format!("{}:{}: not an event", file.display(), line + 1)))?;
        let hash = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Leaf { value, hash })
    };
    all.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()).map(leaf).collect()
}

/// The events after the backup's last one, once the file is known to continue its chain.
async fn newer(db: &Db, environment: &str, leaves: Vec<Leaf>) -> Result<Vec<Leaf>, Error> {
    let head = db.one("SELECT seq, hash FROM journal_heads WHERE environment_id = $1", params![environment]).await?;
    let (head, mut previous) = (head.int("seq"), hex(&head.bytes("hash")));
    let mut expected = head + 1;
    let mut newer = Vec::new();
    for leaf in leaves {
        let seq = leaf.value["seq"].as_i64().unwrap_or_default();
        if seq <= head {
            let known = db.optional("SELECT hash FROM journal WHERE environment_id = $1 AND seq = $2", params![environment, seq]).await?;
            if known.is_none_or(|row| hex(&row.bytes("hash")) != leaf.hash) {
                return Err(refuse(format!(
                    "event {seq} of the file is not the one of the backup: the file was changed, or is of another server"
                )));
            }
            continue;
        }
        if seq != expected || text(&leaf.value, "previous") != previous {
            return Err(refuse(format!("the journal file does not follow the backup at event {expected}: it has a gap, or was changed")));
        }
        previous.clone_from(&leaf.hash);
        expected += 1;
        newer.push(leaf);
    }
    Ok(newer)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fates_of(leaves: Vec<Leaf>) -> BTreeMap<String, Fate> {
    let mut fates: BTreeMap<String, Fate> = BTreeMap::new();
    for leaf in leaves {
        let fate = fates.entry(text(&leaf.value, "subject")).or_default();
        let data = &leaf.value["data"];
        let names = |field: &str| {
            data[field].as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        match leaf.value["kind"].as_str().unwrap_or_default() {
            "api_key.revoked" | "management_key.revoked" => fate.revoked = Some((data["reason"].clone(), text(data, "comment"))),
            "api_key.revocation_undone" => fate.revoked = None,
            "api_key.disabled" => fate.is_disabled = Some(true),
            "api_key.enabled" => fate.is_disabled = Some(false),
            "api_key.rotated" | "management_key.rotated" => fate.is_rotated = true,
            "api_key.narrowed" => fate.removed.extend(names("removed")),
            "api_key.widened" => {
                let added = names("added");
                fate.removed.retain(|name| !added.contains(name));
            }
            "organization.suspended" => fate.organization = Some("suspended"),
            "organization.resumed" => fate.organization = None,
            "organization.offboarded" => fate.organization = Some("offboarded"),
            _ => continue,
        }
        fate.seq = leaf.value["seq"].as_i64().unwrap_or_default();
        fate.hash = leaf.hash;
    }
    fates
}

async fn apply(tx: &Tx, fates: &BTreeMap<String, Fate>, at: Timestamp) -> Result<Change<Replayed>, Error> {
    let mut replayed = Replayed::default();
    let mut events = Vec::new();
    for (subject, fate) in fates {
        let new = if subject.starts_with("ak_") {
            api_key(tx, subject, fate, at, &mut replayed).await?
        } else if subject.starts_with("mk_") {
            management_key(tx, subject, fate, at, &mut replayed).await?
        } else if subject.starts_with("org_") {
            organization(tx, subject, fate, at, &mut replayed).await?
        } else {
            Vec::new()
        };
        events.extend(new.into_iter().map(|mut event| {
            event.data["replayed"] = json!({ "seq": fate.seq, "hash": fate.hash });
            event
        }));
    }
    Ok(if events.is_empty() { Change::Nothing(replayed) } else { Change::Made(replayed, events) })
}

async fn api_key(tx: &Tx, subject: &str, fate: &Fate, at: Timestamp, replayed: &mut Replayed) -> Result<Vec<Event>, Error> {
    let Some(key) = keys::stored(tx, subject).await? else {
        replayed.unknown.push(subject.to_owned());
        return Ok(Vec::new());
    };
    let mut events = Vec::new();
    if key.revocation.is_none() {
        if !fate.removed.is_empty() {
            events.extend(keys::take_away(tx, std::slice::from_ref(&key), &fate.removed, at).await?);
            replayed.narrowed += 1;
        }
        if fate.is_rotated || fate.is_disabled == Some(true) {
            let key = keys::stored(tx, subject).await?.expect("it was there a moment ago");
            events.extend(keys::disable_row(tx, key, at).await?);
            replayed.disabled += usize::from(!fate.is_rotated);
            if fate.is_rotated && fate.revoked.is_none() {
                replayed.rotated.push(subject.to_owned());
            }
        }
        if let Some((reason, comment)) = &fate.revoked {
            let key = keys::stored(tx, subject).await?.expect("it was there a moment ago");
            let reason = reason.as_str().and_then(|reason| reason.parse().ok()).unwrap_or(Reason::Unspecified);
            let comment = Some(comment.as_str()).filter(|comment| !comment.is_empty());
            events.extend(keys::revoke_rows(tx, &[key], reason, comment, at).await?);
            replayed.revoked += 1;
        }
    }
    Ok(events)
}

async fn management_key(tx: &Tx, subject: &str, fate: &Fate, at: Timestamp, replayed: &mut Replayed) -> Result<Vec<Event>, Error> {
    let Some(row) = tx.optional("SELECT status FROM management_keys WHERE id = $1", params![subject]).await? else {
        replayed.unknown.push(subject.to_owned());
        return Ok(Vec::new());
    };
    // A management key cannot be disabled: one that was rotated since is closed, like one that was revoked.
    if row.text("status") == "revoked" || (fate.revoked.is_none() && !fate.is_rotated) {
        return Ok(Vec::new());
    }
    let reason = fate.revoked.as_ref().and_then(|(reason, _)| reason.as_str()).unwrap_or("superseded");
    tx.execute(
        "UPDATE management_keys
         SET status = 'revoked', revoked_at = $2, revocation_reason = $3, revision = revision + 1, updated_at = $2
         WHERE id = $1",
        params![subject, at, reason],
    )
    .await?;
    replayed.revoked += 1;
    Ok(vec![Event::new("management_key.revoked", subject, json!({ "reason": reason }))])
}

async fn organization(tx: &Tx, subject: &str, fate: &Fate, at: Timestamp, replayed: &mut Replayed) -> Result<Vec<Event>, Error> {
    let Some(status) = fate.organization else { return Ok(Vec::new()) };
    let changed = tx
        .execute(
            "UPDATE organizations
             SET status = $2, status_changed_at = $3, updated_at = $3, revision = revision + 1
             WHERE id = $1
               AND status <> $2",
            params![subject, status, at],
        )
        .await?;
    if changed == 0 {
        return Ok(Vec::new());
    }
    replayed.organizations_closed += 1;
    let kind = if status == "offboarded" { "organization.offboarded" } else { "organization.suspended" };
    let id = subject.parse().ok();
    Ok(vec![Event::new(kind, subject, json!({ "after": status })).of(id)])
}
