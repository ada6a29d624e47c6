//! Making an organization.

use serde_json::{Map, Value, json};

use super::{Organization, Status, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed, Query, Tx, params};
use crate::error::{Refusal, Result};
use crate::idempotency::{self, Idempotency};
use crate::ids::OrganizationId;
use crate::journal::Event;
use crate::text::{self, Violations};

#[derive(Clone, Debug, Default)]
pub struct New {
    pub name: String,
    pub external_id: Option<String>,
    pub metadata: Map<String, Value>,
}

/// Makes an active organization. A caller bound to one organization cannot make another.
pub async fn create(
    authority: &Authority,
    caller: &Caller,
    new: &New,
    idempotency: Option<&Idempotency>,
) -> Result<Committed<Organization>> {
    caller.require(Permission::OrganizationsWrite)?;
    if caller.organization.is_some() {
        return Err(Refusal::BeyondOwnGrant("this key is bound to one organization".to_owned()).into());
    }
    let mut wrong = Violations::default();
    let name = wrong.take("/name", text::name(&new.name));
    let external_id = wrong.take("/external_id", text::optional(new.external_id.as_deref(), text::external_id));
    let metadata = wrong.take("/metadata", text::metadata(&new.metadata));
    wrong.done()?;
    let (name, external_id, metadata) = (&name, &external_id, &metadata);
    let _flight = authority.in_flight.enter(caller, idempotency)?;
    authority
        .change(&caller.context, |tx, at| async move {
            if let Some(before) = idempotency::recall(&tx, caller, idempotency, at).await? {
                let before = super::find(&tx, caller, OrganizationId::stored(&before)).await?;
                return Ok(Change::Nothing(before));
            }
            let id = OrganizationId::new(at, authority.rng);
            refuse_taken(&tx, caller, external_id.as_deref(), id).await?;
            let organization = Organization {
                id,
                name: name.clone(),
                external_id: external_id.clone(),
                status: Status::Active,
                status_changed_at: at,
                metadata: metadata.clone(),
                revision: 1,
                created_at: at,
                updated_at: at,
            };
            tx.execute(
                "INSERT INTO organizations
                     (id, environment_id, name, external_id, status, metadata, status_changed_at, revision, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $7, $7)",
                params![
                    id.to_string(),
                    caller.context.environment.id.to_string(),
                    name,
                    external_id.clone(),
                    Status::Active.as_str(),
                    Value::Object(metadata.clone()).to_string(),
                    at,
                ],
            )
            .await?;
            idempotency::remember(&tx, caller, idempotency, &id.to_string(), at).await?;
            let event = Event::new("organization.created", id, json!({ "external_id": external_id })).of(id);
            Ok(Change::Made(organization, vec![event]))
        })
        .await
}

/// An external id names one organization of an environment.
pub(super) async fn refuse_taken(tx: &Tx, caller: &Caller, external_id: Option<&str>, by: OrganizationId) -> Result<()> {
    let Some(external_id) = external_id else { return Ok(()) };
    let holder = tx.optional(sql::BY_EXTERNAL_ID, params![caller.context.environment.id.to_string(), external_id]).await?;
    match holder.map(|row| row.text("id")).filter(|holder| *holder != by.to_string()) {
        Some(holder) => Err(Refusal::Taken { field: "external_id", value: external_id.to_owned(), holder }.into()),
        None => Ok(()),
    }
}
