//! Changing what an organization is called and carries.

use serde_json::{Map, Value, json};

use super::{Organization, create::refuse_taken, find, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed};
use crate::error::Result;
use crate::ids::OrganizationId;
use crate::journal::Event;
use crate::page::check_revision;
use crate::text::{self, Violations};

/// What shall change; `Some(None)` takes a value away.
#[derive(Clone, Debug, Default)]
pub struct Update {
    pub name: Option<String>,
    pub external_id: Option<Option<String>>,
    pub metadata: Option<Map<String, Value>>,
}

pub async fn update(
    authority: &Authority,
    caller: &Caller,
    id: OrganizationId,
    expected: Option<i64>,
    update: &Update,
) -> Result<Committed<Organization>> {
    caller.require(Permission::OrganizationsWrite)?;
    let mut wrong = Violations::default();
    if let Some(name) = &update.name {
        wrong.take("/name", text::name(name));
    }
    if let Some(Some(external_id)) = &update.external_id {
        wrong.take("/external_id", text::external_id(external_id));
    }
    if let Some(metadata) = &update.metadata {
        wrong.take("/metadata", text::metadata(metadata));
    }
    wrong.done()?;
    authority
        .change(&caller.context, |tx, at| async move {
            let mut organization = find(&tx, caller, id).await?;
            check_revision(expected, organization.revision)?;
            let mut changed = Vec::new();
            if let Some(name) = &update.name {
                changed.push("name");
                organization.name.clone_from(name);
            }
            if let Some(external_id) = &update.external_id {
                refuse_taken(&tx, caller, external_id.as_deref(), id).await?;
                changed.push("external_id");
                organization.external_id.clone_from(external_id);
            }
            if let Some(metadata) = &update.metadata {
                changed.push("metadata");
                organization.metadata.clone_from(metadata);
            }
            if changed.is_empty() {
                return Ok(Change::Nothing(organization));
            }
            organization.revision += 1;
            organization.updated_at = at;
            sql::store(&tx, &organization).await?;
            let event = Event::new("organization.updated", id, json!({ "changed": changed })).of(id);
            Ok(Change::Made(organization, vec![event]))
        })
        .await
}
