//! Naming an owner.

use serde_json::json;

use super::{Kind, Owner, Status, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{self, Change, Committed, Query, Tx, params};
use crate::environments::Environment;
use crate::error::{Refusal, Result};
use crate::idempotency::{self, Idempotency};
use crate::ids::{OrganizationId, OwnerId};
use crate::journal::Event;
use crate::organizations;
use crate::text::{self, Violations};

#[derive(Clone, Debug)]
pub struct New {
    pub name: String,
    pub email: String,
    pub kind: Kind,
    pub organization_id: Option<OrganizationId>,
    pub external_id: Option<String>,
}

pub async fn create(authority: &Authority, caller: &Caller, new: &New, idempotency: Option<&Idempotency>) -> Result<Committed<Owner>> {
    caller.require(Permission::OwnersWrite)?;
    let mut wrong = Violations::default();
    wrong.take("/name", text::name(&new.name));
    wrong.take("/email", text::email(&new.email));
    wrong.take("/external_id", text::optional(new.external_id.as_deref(), text::external_id));
    wrong.done()?;
    // A key bound to one organization names owners of that organization.
    let organization = new.organization_id.or(caller.organization);
    let _flight = authority.in_flight.enter(caller, idempotency)?;
    authority
        .change(&caller.context, |tx, at| async move {
            if let Some(before) = idempotency::recall(&tx, caller, idempotency, at).await? {
                return Ok(Change::Nothing(super::find(&tx, caller, OwnerId::stored(&before)).await?));
            }
            if let Some(organization) = organization {
                let organization = organizations::find(&tx, caller, organization).await?;
                if organization.status == organizations::Status::Offboarded {
                    return Err(Refusal::OrganizationNotActive(organization.status.as_str()).into());
                }
            }
            let id = OwnerId::new(at, authority.rng);
            refuse_taken(&tx, caller, new.external_id.as_deref(), id).await?;
            let owner = made(id, organization, new, at);
            insert(&tx, &caller.context.environment, &owner).await?;
            idempotency::remember(&tx, caller, idempotency, &id.to_string(), at).await?;
            let event = Event::new("owner.created", id, json!({ "type": new.kind.as_str() })).of(organization);
            Ok(Change::Made(owner, vec![event]))
        })
        .await
}

fn made(id: OwnerId, organization_id: Option<OrganizationId>, new: &New, at: Timestamp) -> Owner {
    Owner {
        id,
        organization_id,
        kind: new.kind,
        name: new.name.clone(),
        email: new.email.clone(),
        external_id: new.external_id.clone(),
        status: Status::Active,
        departed_at: None,
        revision: 1,
        created_at: at,
        updated_at: at,
    }
}

pub(crate) async fn insert(tx: &Tx, environment: &Environment, owner: &Owner) -> Result<(), db::Error> {
    tx.execute(
        "INSERT INTO owners
             (id, environment_id, organization_id, type, name, email, external_id, status, revision, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9)",
        params![
            owner.id.to_string(),
            environment.id.to_string(),
            owner.organization_id.map(|id| id.to_string()),
            owner.kind.as_str(),
            &owner.name,
            &owner.email,
            owner.external_id.clone(),
            owner.status.as_str(),
            owner.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// An external id names one owner of an environment.
pub(super) async fn refuse_taken(tx: &Tx, caller: &Caller, external_id: Option<&str>, by: OwnerId) -> Result<()> {
    let Some(external_id) = external_id else { return Ok(()) };
    let holder = tx.optional(sql::BY_EXTERNAL_ID, params![caller.context.environment.id.to_string(), external_id]).await?;
    match holder.map(|row| row.text("id")).filter(|holder| *holder != by.to_string()) {
        Some(holder) => Err(Refusal::Taken { field: "external_id", value: external_id.to_owned(), holder }.into()),
        None => Ok(()),
    }
}
