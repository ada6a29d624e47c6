//! Changing what is known of a client secret, and when it ends.

use serde_json::{Value, json};

use crate::access::{Caller, Permission};
use crate::applications::credentials::{Credential, MintingId, find, sql};
use crate::applications::find as find_application;
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{Change, Committed};
use crate::error::{Refusal, Result};
use crate::ids::{ApplicationId, ClientSecretId};
use crate::journal::Event;
use crate::keys::Status;
use crate::page::check_revision;
use crate::text::{self, Violations};

/// What shall change; `Some(None)` takes a value away.
#[derive(Clone, Debug, Default)]
pub struct Update {
    pub name: Option<String>,
    pub stored_in: Option<Option<String>>,
    pub expires_at: Option<Option<String>>,
}

/// A later end, or none, gives a secret more life: that needs what issuing one needs.
pub async fn update(
    authority: &Authority,
    caller: &Caller,
    application: ApplicationId,
    id: ClientSecretId,
    expected: Option<i64>,
    update: &Update,
) -> Result<Committed<Credential>> {
    caller.require(Permission::ApplicationsUpdate)?;
    let expires_at = parse(update, caller.context.now)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let application = find_application(&tx, caller, application).await?;
            let before = find(&tx, application.id, MintingId::Secret(id)).await?;
            check_revision(expected, before.revision)?;
            match before.status_at(caller.context.now) {
                Status::Active => (),
                other => return Err(Refusal::WrongStatus(other).into()),
            }
            let mut credential = before.clone();
            let mut changed = Vec::new();
            if let Some(name) = update.name.as_ref().filter(|name| **name != before.name) {
                credential.name.clone_from(name);
                changed.push("name");
            }
            if let Some(stored_in) = update.stored_in.as_ref().filter(|stored_in| **stored_in != before.stored_in) {
                credential.stored_in.clone_from(stored_in);
                changed.push("stored_in");
            }
            if let Some(expires_at) = expires_at.filter(|expires_at| *expires_at != before.expires_at) {
                let is_later = before.expires_at.is_some_and(|old| expires_at.is_none_or(|new| new > old));
                if is_later {
                    caller.may_grant(application.permissions())?;
                }
                credential.expires_at = expires_at;
                changed.push("expires_at");
            }
            if changed.is_empty() {
                return Ok(Change::Nothing(before));
            }
            credential.revision += 1;
            credential.updated_at = at;
            sql::store(&tx, &credential).await?;
            let data = difference(&before, &credential, &changed);
            let event = Event::new("client_secret.updated", application.id, data).of(application.organization_id);
            Ok(Change::Made(credential, vec![event]))
        })
        .await
}

fn parse(update: &Update, now: Timestamp) -> Result<Option<Option<Timestamp>>> {
    let mut wrong = Violations::default();
    wrong.take("/name", text::optional(update.name.as_deref(), text::name));
    wrong.take("/stored_in", text::optional(update.stored_in.as_ref().and_then(Option::as_deref), text::name));
    let expires_at = match &update.expires_at {
        Some(Some(at)) => wrong.take("/expires_at", text::future(at, now).map(|at| Some(Some(at)))),
        Some(None) => Some(None),
        None => None,
    };
    wrong.done()?;
    Ok(expires_at)
}

/// Names and places are words of people and stay out of the journal.
pub(in crate::applications) fn difference(before: &Credential, after: &Credential, changed: &[&str]) -> Value {
    let mut data = json!({ "id": after.id.to_string(), "changed": changed, "before": {}, "after": {} });
    if changed.contains(&"expires_at") {
        data["before"]["expires_at"] = json!(before.expires_at);
        data["after"]["expires_at"] = json!(after.expires_at);
    }
    data
}
