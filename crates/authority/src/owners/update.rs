//! Changing how an owner is named and reached.

use serde_json::json;

use super::{Owner, create::refuse_taken, find, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed};
use crate::error::Result;
use crate::ids::OwnerId;
use crate::journal::Event;
use crate::page::check_revision;
use crate::text::{self, Violations};

/// What shall change; `Some(None)` takes a value away.
#[derive(Clone, Debug, Default)]
pub struct Update {
    pub name: Option<String>,
    pub email: Option<String>,
    pub external_id: Option<Option<String>>,
}

pub async fn update(
    authority: &Authority,
    caller: &Caller,
    id: OwnerId,
    expected: Option<i64>,
    update: &Update,
) -> Result<Committed<Owner>> {
    caller.require(Permission::OwnersWrite)?;
    let mut wrong = Violations::default();
    wrong.take("/name", text::optional(update.name.as_deref(), text::name));
    wrong.take("/email", text::optional(update.email.as_deref(), text::email));
    wrong.take("/external_id", text::optional(update.external_id.as_ref().and_then(Option::as_deref), text::external_id));
    wrong.done()?;
    authority
        .change(&caller.context, |tx, at| async move {
            let mut owner = find(&tx, caller, id).await?;
            check_revision(expected, owner.revision)?;
            let mut changed = Vec::new();
            if let Some(name) = &update.name {
                changed.push("name");
                owner.name.clone_from(name);
            }
            if let Some(email) = &update.email {
                changed.push("email");
                owner.email.clone_from(email);
            }
            if let Some(external_id) = &update.external_id {
                refuse_taken(&tx, caller, external_id.as_deref(), id).await?;
                changed.push("external_id");
                owner.external_id.clone_from(external_id);
            }
            if changed.is_empty() {
                return Ok(Change::Nothing(owner));
            }
            owner.revision += 1;
            owner.updated_at = at;
            sql::store(&tx, &owner).await?;
            let event = Event::new("owner.updated", id, json!({ "changed": changed })).of(owner.organization_id);
            Ok(Change::Made(owner, vec![event]))
        })
        .await
}
