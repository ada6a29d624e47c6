//! Operators: the humans who administer Claviger. Their role caps every management key they use.

use serde_json::json;

use super::permission::{Permission, Role};
use super::{Caller, sql};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{self, Change, Committed, Query, Select, Tx, params};
use crate::error::{Refusal, Result};
use crate::idempotency::{self, Idempotency};
use crate::ids::OperatorId;
use crate::journal::Event;
use crate::page::{Page, Paging, check_revision};
use crate::text::{self, Violations};

#[derive(Clone, Debug)]
pub struct Operator {
    pub id: OperatorId,
    pub name: String,
    pub email: String,
    pub role: Role,
    /// An operator who left keeps the name in the journal and opens nothing.
    pub is_active: bool,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct New {
    pub name: String,
    pub email: String,
    pub role: String,
}

#[derive(Clone, Debug, Default)]
pub struct Update {
    pub name: Option<String>,
    pub role: Option<String>,
    pub active: Option<bool>,
}

pub async fn create(authority: &Authority, caller: &Caller, new: &New, idempotency: Option<&Idempotency>) -> Result<Committed<Operator>> {
    caller.require(Permission::OperatorsWrite)?;
    refuse_bound(caller)?;
    let mut wrong = Violations::default();
    wrong.take("/name", text::name(&new.name));
    wrong.take("/email", text::email(&new.email));
    let role = new.role.parse::<Role>().map_err(|detail| wrong.add("/role", detail));
    wrong.done()?;
    let role = role.expect("refused above otherwise");
    refuse_beyond(caller, role)?;
    let environment = caller.context.environment.id.to_string();
    let environment = environment.as_str();
    let _flight = authority.in_flight.enter(caller, idempotency)?;
    authority
        .change(&caller.context, |tx, at| async move {
            if let Some(before) = idempotency::recall(&tx, caller, idempotency, at).await? {
                return Ok(Change::Nothing(find(&tx, caller, OperatorId::stored(&before)).await?));
            }
            let id = OperatorId::new(at, authority.rng);
            let holder =
                tx.optional("SELECT id FROM operators WHERE environment_id = $1 AND email = $2", params![environment, &new.email]).await?;
            if let Some(holder) = holder {
                return Err(Refusal::Taken { field: "email", value: new.email.clone(), holder: holder.text("id") }.into());
            }
            tx.execute(
                "INSERT INTO operators (id, environment_id, name, email, role, status, revision, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, 'active', 1, $6, $6)",
                params![id.to_string(), environment, &new.name, &new.email, role.as_str(), at],
            )
            .await?;
            idempotency::remember(&tx, caller, idempotency, &id.to_string(), at).await?;
            let event = Event::new("operator.created", id, json!({ "role": role.as_str() }));
            Ok(Change::Made(find(&tx, caller, id).await?, vec![event]))
        })
        .await
}

/// Takes effect at once on every management key that the operator uses.
pub async fn update(
    authority: &Authority,
    caller: &Caller,
    id: OperatorId,
    expected: Option<i64>,
    update: &Update,
) -> Result<Committed<Operator>> {
    caller.require(Permission::OperatorsWrite)?;
    refuse_bound(caller)?;
    let mut wrong = Violations::default();
    wrong.take("/name", text::optional(update.name.as_deref(), text::name));
    let role = match update.role.as_deref().map(str::parse::<Role>) {
        Some(Err(detail)) => {
            wrong.add("/role", detail);
            None
        }
        Some(Ok(role)) => Some(role),
        None => None,
    };
    wrong.done()?;
    authority
        .change(&caller.context, |tx, at| async move {
            let before = find(&tx, caller, id).await?;
            check_revision(expected, before.revision)?;
            // Neither raised nor lowered by somebody who is less.
            refuse_beyond(caller, before.role)?;
            refuse_beyond(caller, role.unwrap_or(before.role))?;
            let after = Operator {
                name: update.name.clone().unwrap_or_else(|| before.name.clone()),
                role: role.unwrap_or(before.role),
                is_active: update.active.unwrap_or(before.is_active),
                revision: before.revision + 1,
                updated_at: at,
                ..before.clone()
            };
            store(&tx, &after).await?;
            let data = json!({
                "before": { "role": before.role.as_str(), "active": before.is_active },
                "after": { "role": after.role.as_str(), "active": after.is_active },
            });
            Ok(Change::Made(after, vec![Event::new("operator.updated", id, data)]))
        })
        .await
}

pub(super) async fn store(tx: &Tx, operator: &Operator) -> Result<(), db::Error> {
    tx.execute(
        "UPDATE operators SET name = $2, role = $3, status = $4, revision = $5, updated_at = $6 WHERE id = $1",
        params![
            operator.id.to_string(),
            &operator.name,
            operator.role.as_str(),
            if operator.is_active { "active" } else { "departed" },
            operator.revision,
            operator.updated_at,
        ],
    )
    .await?;
    Ok(())
}

fn refuse_beyond(caller: &Caller, role: Role) -> Result<()> {
    let beyond: Vec<&str> = role.permissions().beyond(caller.permissions).map(Permission::as_str).collect();
    if beyond.is_empty() { Ok(()) } else { Err(Refusal::BeyondOwnGrant(beyond.join(" ")).into()) }
}

/// Operators belong to the whole environment; a key bound to one organization has no say over them.
fn refuse_bound(caller: &Caller) -> Result<()> {
    if caller.organization.is_some() {
        return Err(Refusal::BeyondOwnGrant("this key is bound to one organization".to_owned()).into());
    }
    Ok(())
}

/// Operators, oldest first. A key bound to one organization sees none.
pub async fn list(authority: &Authority, caller: &Caller, paging: &Paging) -> Result<Page<Operator>> {
    caller.require(Permission::OperatorsRead)?;
    let environment = caller.context.environment.id;
    let limit = paging.limit()?;
    let scope = format!("operators/{environment}");
    let after = paging.position(&authority.cursors, &scope)?;
    if caller.organization.is_some() {
        return Ok(Page { data: Vec::new(), next_cursor: None });
    }
    let mut select = Select::new(sql::OPERATORS);
    select
        .and("environment_id = ?", params![environment.to_string()])
        .and_if("id > ?", after)
        .push("\nORDER BY id\nLIMIT ?", params![i64::from(limit) + 1]);
    let found = select.all(&authority.db).await?.iter().map(sql::operator).collect();
    Ok(authority.cursors.page(&scope, found, limit, |operator: &Operator| operator.id.to_string()))
}

pub async fn read(authority: &Authority, caller: &Caller, id: OperatorId) -> Result<Operator> {
    caller.require(Permission::OperatorsRead)?;
    find(&authority.db, caller, id).await
}

pub(super) async fn find(on: &impl Query, caller: &Caller, id: OperatorId) -> Result<Operator> {
    let mut select = Select::new(sql::OPERATORS);
    select.and("environment_id = ?", params![caller.context.environment.id.to_string()]).and("id = ?", params![id.to_string()]);
    let row = select.optional(on).await?.filter(|_| caller.organization.is_none());
    row.as_ref().map(sql::operator).ok_or_else(|| Refusal::not_found("operator", id).into())
}
