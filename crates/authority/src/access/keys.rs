//! Management keys: credentials of the management plane, with owner, permissions, expiry, rotation and journal.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::permission::{Permission, Permissions, Role};
use super::{Caller, operators, sql};
use crate::authority::{Actor, Authority, Context};
use crate::clock::Timestamp;
use crate::credential::{Class, Secret};
use crate::db::{self, Change, Committed, Query, Select, Tx, params};
use crate::error::{Error, Refusal, Result};
use crate::idempotency::{self, Idempotency};
use crate::ids::{ManagementKeyId, OperatorId, OrganizationId, OwnerId};
use crate::journal::Event;
use crate::keys::{Reason, Status};
use crate::page::{Page, Paging};
use crate::text::{self, Violations};
use crate::{organizations, owners, secrets};

#[derive(Clone, Debug)]
pub struct ManagementKey {
    pub id: ManagementKeyId,
    pub owner_id: OwnerId,
    /// Set when an operator uses the key: it then never may more than the operator's role.
    pub operator_id: Option<OperatorId>,
    pub organization_id: Option<OrganizationId>,
    pub name: String,
    pub permissions: Permissions,
    pub grantable: Option<BTreeSet<String>>,
    pub hint: String,
    pub status: Status,
    pub expires_at: Option<Timestamp>,
    pub created_by: String,
    pub revoked_at: Option<Timestamp>,
    pub revocation_reason: Option<String>,
    pub last_used_at: Option<Timestamp>,
    pub last_used_from: Option<String>,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl ManagementKey {
    pub fn status_at(&self, now: Timestamp) -> Status {
        match self.status {
            Status::Active if self.expires_at.is_some_and(|end| end <= now) => Status::Expired,
            stored => stored,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct New {
    pub name: String,
    pub owner_id: Option<OwnerId>,
    pub operator_id: Option<OperatorId>,
    pub organization_id: Option<OrganizationId>,
    /// Names of management permissions; or `role`, which stands for its set.
    pub permissions: Vec<String>,
    pub role: Option<String>,
    pub grantable: Option<Vec<String>>,
    pub expires_at: Option<String>,
}

/// A management key and its plaintext, on its one way out; no secret when the Idempotency-Key made it before.
pub struct Issued {
    pub key: ManagementKey,
    pub secret: Option<Secret>,
}

/// Makes a key that may at most what its maker may.
pub async fn create(authority: &Authority, caller: &Caller, new: &New, idempotency: Option<&Idempotency>) -> Result<Committed<Issued>> {
    caller.require(Permission::ManagementKeysWrite)?;
    let id = ManagementKeyId::new(authority.rng);
    let environment = &caller.context.environment;
    let minted = secrets::mint(authority, environment, Class::ManagementKey, id.0);
    let wanted = &parse(new, caller, id, minted.hint.clone())?;
    refuse_beyond(caller, wanted)?;
    let kept = &minted;
    let _flight = authority.in_flight.enter(caller, idempotency)?;
    let committed = authority
        .change(&caller.context, |tx, at| async move {
            if let Some(before) = idempotency::recall(&tx, caller, idempotency, at).await? {
                return Ok(Change::Nothing((find(&tx, caller, ManagementKeyId::stored(&before)).await?, false)));
            }
            if let Some(organization) = wanted.organization_id {
                organizations::find(&tx, caller, organization).await?;
            }
            owners::accountable(&tx, caller, wanted.owner_id, wanted.organization_id).await?;
            if let Some(operator) = wanted.operator_id {
                operators::find(&tx, caller, operator).await?;
            }
            let key = ManagementKey { created_at: at, updated_at: at, ..wanted.clone() };
            insert(authority, &tx, &caller.context, &key, kept, at).await?;
            idempotency::remember(&tx, caller, idempotency, &id.to_string(), at).await?;
            Ok(Change::Made((key.clone(), true), vec![Event::new("management_key.created", id, snapshot(&key)).of(key.organization_id)]))
        })
        .await?;
    let (key, is_new) = committed.value;
    Ok(Committed { value: Issued { key, secret: is_new.then_some(minted.secret) }, journal_seq: committed.journal_seq, at: committed.at })
}

fn parse(new: &New, caller: &Caller, id: ManagementKeyId, hint: String) -> Result<ManagementKey> {
    let now = caller.context.now;
    let mut wrong = Violations::default();
    let name = wrong.take("/name", text::name(&new.name));
    let expires_at = wrong.take("/expires_at", text::optional(new.expires_at.as_deref(), |text| text::future(text, now)));
    let mut permissions = wrong.take("/permissions", Permissions::parse(&new.permissions));
    if let Some(role) = &new.role {
        permissions = permissions.or(wrong.take("/role", role.parse::<Role>().map(Role::permissions)));
    }
    if new.permissions.is_empty() && new.role.is_none() {
        wrong.add("/permissions", "is empty: name permissions, or a role");
    }
    let grantable = wrong.take("/grantable", new.grantable.as_deref().map(crate::keys::grantable_set).transpose());
    if new.owner_id.is_none() {
        wrong.add("/owner_id", "is missing: every key has an owner who answers for it");
    }
    wrong.done()?;
    let organization_id = new.organization_id.or(caller.organization);
    if organization_id.is_some() {
        // Whoever is bound to one organization cannot administer the instance.
        permissions = permissions.and(Permissions::of(&[Permission::InstanceAdminister]).complement());
    }
    Ok(ManagementKey {
        id,
        owner_id: new.owner_id.expect("refused above when missing"),
        operator_id: new.operator_id,
        organization_id,
        name,
        permissions,
        grantable: grantable.or_else(|| caller.grantable.clone()),
        hint,
        status: Status::Active,
        expires_at,
        created_by: caller.context.actor.id(),
        revoked_at: None,
        revocation_reason: None,
        last_used_at: None,
        last_used_from: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    })
}

/// A key cannot grant what it does not hold.
fn refuse_beyond(caller: &Caller, key: &ManagementKey) -> Result<()> {
    let beyond: Vec<&str> = key.permissions.beyond(caller.permissions).map(Permission::as_str).collect();
    if !beyond.is_empty() {
        return Err(Refusal::BeyondOwnGrant(beyond.join(" ")).into());
    }
    if let (Some(_), None) = (&caller.grantable, &key.grantable) {
        return Err(Refusal::BeyondOwnGrant("every permission of every resource".to_owned()).into());
    }
    caller.may_grant(key.grantable.iter().flatten())
}

async fn insert(
    authority: &Authority,
    tx: &Tx,
    context: &Context,
    key: &ManagementKey,
    minted: &secrets::Minted,
    at: Timestamp,
) -> Result<()> {
    sql::insert(tx, context.environment.id, key).await?;
    secrets::insert(tx, &context.environment, &key.id.to_string(), minted, at, authority).await?;
    Ok(())
}

fn snapshot(key: &ManagementKey) -> Value {
    json!({
        "owner_id": key.owner_id.to_string(),
        "operator_id": key.operator_id.map(|id| id.to_string()),
        "permissions": key.permissions.names(),
        "grantable": key.grantable,
        "hint": key.hint,
        "expires_at": key.expires_at,
    })
}

/// Makes a key for an administrator of the whole instance, without a caller: first start, or recovery by whoever
/// holds database and master key. `hand_out` runs before the commit, so a key that could not be handed out is not there.
/// With `only_the_first` nothing is made where there is a key already: of two nodes that start at once one hands out.
pub async fn bootstrap(
    authority: &Authority,
    environment: &str,
    only_the_first: bool,
    hand_out: impl Fn(&Secret) -> std::io::Result<()> + Send + Sync,
) -> Result<Option<ManagementKeyId>> {
    let environment =
        crate::environments::find(authority, environment).await?.ok_or_else(|| Refusal::not_found("environment", environment))?;
    let now = authority.clock.now();
    let context = Context { environment, actor: Actor::System, request_id: "bootstrap".to_owned(), now };
    let id = ManagementKeyId::new(authority.rng);
    let minted = &secrets::mint(authority, &context.environment, Class::ManagementKey, id.0);
    let owner_id = OwnerId::new(now, authority.rng);
    let (context, hand_out) = (&context, &hand_out);
    authority
        .change(context, |tx, at| async move {
            if only_the_first && tx.optional("SELECT id FROM management_keys LIMIT 1", vec![]).await?.is_some() {
                return Ok(Change::Nothing(None));
            }
            let owner = owners::Owner {
                id: owner_id,
                organization_id: None,
                kind: owners::Kind::Team,
                name: "Instance administrators".to_owned(),
                email: "root@localhost".to_owned(),
                external_id: None,
                status: owners::Status::Active,
                departed_at: None,
                revision: 1,
                created_at: at,
                updated_at: at,
            };
            owners::insert(&tx, &context.environment, &owner).await?;
            let key = ManagementKey {
                id,
                owner_id,
                operator_id: None,
                organization_id: None,
                name: "Bootstrap".to_owned(),
                permissions: Permissions::ALL,
                grantable: None,
                hint: minted.hint.clone(),
                status: Status::Active,
                expires_at: None,
                created_by: context.actor.id(),
                revoked_at: None,
                revocation_reason: None,
                last_used_at: None,
                last_used_from: None,
                revision: 1,
                created_at: at,
                updated_at: at,
            };
            insert(authority, &tx, context, &key, minted, at).await?;
            hand_out(&minted.secret).map_err(|error| db::Error::Copy(format!("the first management key cannot be handed out: {error}")))?;
            let events = vec![
                Event::new("owner.created", owner_id, json!({ "type": owner.kind.as_str() })),
                Event::new("management_key.created", id, snapshot(&key)),
            ];
            Ok(Change::Made(Some(id), events))
        })
        .await
        .map(|committed| committed.value)
}

/// Management keys, oldest first.
pub async fn list(authority: &Authority, caller: &Caller, paging: &Paging) -> Result<Page<ManagementKey>> {
    caller.require(Permission::ManagementKeysRead)?;
    let environment = caller.context.environment.id;
    let limit = paging.limit()?;
    let scope = format!("management-keys/{environment}/{:?}", caller.organization);
    let after = paging.position(&authority.cursors, &scope)?;
    let mut select = Select::new(sql::SELECT);
    select
        .and("environment_id = ?", params![environment.to_string()])
        .and_if("organization_id = ?", caller.organization.map(|id| id.to_string()));
    if let Some((at, id)) = after.as_deref().and_then(|position| position.split_once('/')) {
        let at: i64 = at.parse().map_err(|_| Refusal::BadCursor)?;
        select.and("(created_at > ? OR (created_at = ? AND id > ?))", params![at, at, id]);
    }
    select.push("\nORDER BY created_at, id\nLIMIT ?", params![i64::from(limit) + 1]);
    let found = select.all(&authority.db).await?.iter().map(sql::management_key).collect();
    Ok(authority.cursors.page(&scope, found, limit, |key: &ManagementKey| format!("{}/{}", key.created_at.micros(), key.id)))
}

pub async fn read(authority: &Authority, caller: &Caller, id: ManagementKeyId) -> Result<ManagementKey> {
    caller.require(Permission::ManagementKeysRead)?;
    find(&authority.db, caller, id).await
}

async fn find(on: &impl Query, caller: &Caller, id: ManagementKeyId) -> Result<ManagementKey> {
    let row = on.optional(sql::BY_ID, params![caller.context.environment.id.to_string(), id.to_string()]).await?;
    let key = row.as_ref().map(sql::management_key);
    let visible = |key: &ManagementKey| caller.organization.is_none_or(|own| key.organization_id == Some(own));
    key.filter(visible).ok_or_else(|| Refusal::not_found("management key", id).into())
}

/// From the answer on the key opens nothing.
pub async fn revoke(authority: &Authority, caller: &Caller, id: ManagementKeyId, reason: Reason) -> Result<Committed<ManagementKey>> {
    caller.require(Permission::ManagementKeysWrite)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let mut key = find(&tx, caller, id).await?;
            if key.status == Status::Revoked {
                return Ok(Change::Nothing(key));
            }
            refuse_last_administrator(&tx, caller, &key).await?;
            key.status = Status::Revoked;
            key.revoked_at = Some(at);
            key.revocation_reason = Some(reason.as_str().to_owned());
            key.revision += 1;
            key.updated_at = at;
            sql::store(&tx, &key).await?;
            let event = Event::new("management_key.revoked", id, json!({ "reason": reason.as_str() })).of(key.organization_id);
            Ok(Change::Made(key, vec![event]))
        })
        .await
}

/// Somebody must be able to let others in.
async fn refuse_last_administrator(tx: &Tx, caller: &Caller, key: &ManagementKey) -> Result<()> {
    if !key.permissions.has(Permission::ManagementKeysWrite) || key.organization_id.is_some() {
        return Ok(());
    }
    let mut select = Select::new(sql::SELECT);
    select
        .and("environment_id = ?", params![caller.context.environment.id.to_string()])
        .and("status = 'active'", vec![])
        .and("organization_id IS NULL", vec![])
        .and("id <> ?", params![key.id.to_string()]);
    let others = select.all(tx).await?;
    let now = caller.context.now;
    let remains = others.iter().map(sql::management_key).any(|other| {
        other.permissions.has(Permission::ManagementKeysWrite) && other.operator_id.is_none() && other.status_at(now) == Status::Active
    });
    if remains { Ok(()) } else { Err(Refusal::LastAdministrator.into()) }
}

/// A new secret for the same key; the old one works until the overlap ends.
pub async fn rotate(authority: &Authority, caller: &Caller, id: ManagementKeyId, overlap_seconds: i64) -> Result<Committed<Issued>> {
    caller.require(Permission::ManagementKeysWrite)?;
    if !(0..=crate::keys::MAX_OVERLAP_SECONDS).contains(&overlap_seconds) {
        return Err(Error::invalid("/overlap_seconds", format!("must be between 0 and {}", crate::keys::MAX_OVERLAP_SECONDS)));
    }
    let minted = secrets::mint(authority, &caller.context.environment, Class::ManagementKey, id.0);
    let kept = &minted;
    let committed = authority
        .change(&caller.context, |tx, at| async move {
            let mut key = find(&tx, caller, id).await?;
            if key.status_at(at) != Status::Active {
                return Err(Refusal::WrongStatus(key.status_at(at)).into());
            }
            refuse_beyond(caller, &key)?;
            let now = caller.context.now;
            let ends = now.plus_seconds(overlap_seconds);
            secrets::retire_current(&tx, &id.to_string(), now, ends).await?;
            secrets::insert(&tx, &caller.context.environment, &id.to_string(), kept, at, authority).await?;
            key.hint.clone_from(&kept.hint);
            key.revision += 1;
            key.updated_at = at;
            sql::store(&tx, &key).await?;
            let event = Event::new("management_key.rotated", id, json!({ "previous_secret_expires_at": ends })).of(key.organization_id);
            Ok(Change::Made(key, vec![event]))
        })
        .await?;
    let value = Issued { key: committed.value, secret: Some(minted.secret) };
    Ok(Committed { value, journal_seq: committed.journal_seq, at: committed.at })
}

pub(crate) async fn unrevoked_of_owner(on: &impl Query, id: OwnerId) -> Result<Vec<ManagementKeyId>, db::Error> {
    let rows = on
        .all(
            "SELECT id
             FROM management_keys
             WHERE owner_id = $1
               AND status <> 'revoked'
             ORDER BY created_at, id",
            params![id.to_string()],
        )
        .await?;
    Ok(rows.iter().map(|row| ManagementKeyId::stored(&row.text("id"))).collect())
}

pub(crate) async fn give_to_owner(tx: &Tx, from: OwnerId, to: OwnerId, at: Timestamp) -> Result<(), db::Error> {
    tx.execute(
        "UPDATE management_keys
         SET owner_id = $2, revision = revision + 1, updated_at = $3
         WHERE owner_id = $1
           AND status <> 'revoked'",
        params![from.to_string(), to.to_string(), at],
    )
    .await?;
    Ok(())
}
