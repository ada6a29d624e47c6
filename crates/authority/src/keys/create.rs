//! Issuing a key. Owner and organization are mandatory; the secret is in the answer and nowhere else.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{ApiKey, Issued, Origin, Status, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::Class;
use crate::db::{Change, Committed, Query};
use crate::error::{Error, Refusal, Result};
use crate::idempotency::{self, Idempotency};
use crate::ids::{ApiKeyId, OrganizationId, OwnerId, ResourceId};
use crate::journal::Event;
use crate::limits::{NewQuota, RateLimit};
use crate::text::{self, Violations};
use crate::{organizations, owners, resources, secrets};

#[derive(Clone, Debug, Default)]
pub struct New {
    pub organization_id: Option<OrganizationId>,
    pub owner_id: Option<OwnerId>,
    pub name: String,
    pub purpose: Option<String>,
    /// Identifier of the resource; not needed where the environment has exactly one.
    pub resource: Option<String>,
    pub permissions: Vec<String>,
    pub expires_at: Option<String>,
    pub allowed_cidrs: Vec<String>,
    pub ratelimit: Option<RateLimit>,
    pub quota: Option<NewQuota>,
    pub metadata: Map<String, Value>,
    pub tags: Vec<String>,
}

/// A new key with its secret, or the key that the same Idempotency-Key made before, without.
pub enum Created {
    Now(Box<Issued>),
    Before(Box<ApiKey>),
}

pub async fn create(authority: &Authority, caller: &Caller, new: &New, idempotency: Option<&Idempotency>) -> Result<Committed<Created>> {
    caller.require(Permission::KeysCreate)?;
    let wanted = &parse(new, caller.context.now)?;
    caller.may_grant(&wanted.permissions)?;
    let id = ApiKeyId::new(authority.rng);
    let environment = &caller.context.environment;
    let minted = secrets::mint(authority, environment, Class::ApiKey, id.0);
    let kept = &minted;
    let _flight = authority.in_flight.enter(caller, idempotency)?;
    let committed = authority
        .change(&caller.context, |tx, at| async move {
            if let Some(before) = idempotency::recall(&tx, caller, idempotency, at).await? {
                return Ok(Change::Nothing((super::find(&tx, caller, ApiKeyId::stored(&before)).await?, false)));
            }
            let mut key = wanted.key(id, kept.hint.clone(), Origin::Issued, caller, at);
            place(&tx, caller, new.resource.as_deref(), &mut key).await?;
            sql::insert(&tx, environment.id, &key).await?;
            secrets::insert(&tx, environment, &id.to_string(), kept, at, authority).await?;
            idempotency::remember(&tx, caller, idempotency, &id.to_string(), at).await?;
            let event = Event::new("api_key.created", id, snapshot(&key)).of(key.organization_id);
            Ok(Change::Made((key, true), vec![event]))
        })
        .await?;
    let (key, is_new) = committed.value;
    let value = if is_new { Created::Now(Box::new(Issued { key, secret: minted.secret })) } else { Created::Before(Box::new(key)) };
    Ok(Committed { value, journal_seq: committed.journal_seq, at: committed.at })
}

/// What a request for a key says, parsed.
pub(super) struct Wanted {
    organization_id: OrganizationId,
    owner_id: OwnerId,
    name: String,
    purpose: Option<String>,
    pub(super) permissions: Vec<String>,
    expires_at: Option<Timestamp>,
    allowed_cidrs: Vec<ipnet::IpNet>,
    ratelimit: Option<RateLimit>,
    quota: Option<NewQuota>,
    metadata: Map<String, Value>,
    tags: Vec<String>,
}

pub(super) fn parse(new: &New, now: Timestamp) -> Result<Wanted> {
    let mut wrong = Violations::default();
    let name = wrong.take("/name", text::name(&new.name));
    let purpose = wrong.take("/purpose", text::optional(new.purpose.as_deref(), text::sentence));
    let permissions = wrong.take("/permissions", permission_set(&new.permissions));
    let expires_at = wrong.take("/expires_at", text::optional(new.expires_at.as_deref(), |text| text::future(text, now)));
    let allowed_cidrs = wrong.take("/allowed_cidrs", text::cidrs(&new.allowed_cidrs));
    let ratelimit = wrong.take("/ratelimit", new.ratelimit.map(RateLimit::checked).transpose());
    let quota = wrong.take("/quota", new.quota.map(NewQuota::checked).transpose());
    let metadata = wrong.take("/metadata", text::metadata(&new.metadata));
    let tags = wrong.take("/tags", text::tags(&new.tags));
    if new.organization_id.is_none() {
        wrong.add("/organization_id", "is missing: name the organization that the key belongs to");
    }
    if new.owner_id.is_none() {
        wrong.add("/owner_id", "is missing: every key has an owner who answers for it");
    }
    wrong.done()?;
    let mandatory = "refused above when missing";
    Ok(Wanted {
        organization_id: new.organization_id.expect(mandatory),
        owner_id: new.owner_id.expect(mandatory),
        name,
        purpose,
        permissions,
        expires_at,
        allowed_cidrs,
        ratelimit,
        quota,
        metadata,
        tags,
    })
}

/// Permissions in order, each once; at most 200.
pub(crate) fn permission_set(names: &[String]) -> Result<Vec<String>, String> {
    if names.len() > 200 {
        return Err(format!("has {} permissions; at most 200 are allowed", names.len()));
    }
    let set: Result<BTreeSet<String>, String> = names.iter().map(|name| text::permission(name)).collect();
    Ok(set?.into_iter().collect())
}

/// The permissions that a management key may give to API keys.
pub(crate) fn grantable_set(names: &[String]) -> Result<BTreeSet<String>, String> {
    Ok(permission_set(names)?.into_iter().collect())
}

impl Wanted {
    pub(super) fn key(&self, id: ApiKeyId, hint: String, origin: Origin, caller: &Caller, at: Timestamp) -> ApiKey {
        ApiKey {
            id,
            organization_id: self.organization_id,
            owner_id: self.owner_id,
            resource_id: None,
            resource: None,
            permissions: self.permissions.clone(),
            name: self.name.clone(),
            purpose: self.purpose.clone(),
            hint,
            status: Status::Active,
            origin,
            revocation: None,
            expires_at: self.expires_at,
            allowed_cidrs: self.allowed_cidrs.clone(),
            ratelimit: self.ratelimit,
            quota: self.quota.map(|quota| quota.starting(at)),
            metadata: self.metadata.clone(),
            tags: self.tags.clone(),
            created_by: caller.context.actor.id(),
            last_used_at: None,
            last_used_from: None,
            use_count: 0,
            revision: 1,
            created_at: at,
            updated_at: at,
        }
    }
}

/// Checks that organization, owner, resource and permissions fit together, and fills in the resource.
pub(super) async fn place(on: &impl Query, caller: &Caller, resource: Option<&str>, key: &mut ApiKey) -> Result<()> {
    let organization = organizations::find(on, caller, key.organization_id).await?;
    if organization.status != organizations::Status::Active {
        return Err(Refusal::OrganizationNotActive(organization.status.as_str()).into());
    }
    owners::accountable(on, caller, key.owner_id, Some(key.organization_id)).await?;
    let resource = match resource {
        Some(identifier) => Some(
            resources::by_identifier(on, caller, identifier)
                .await?
                .ok_or_else(|| Error::invalid("/resource", format!("{identifier:?} is not a resource of this environment")))?,
        ),
        None => resources::only_one(on, caller).await?,
    };
    match resource {
        Some(resource) => {
            refuse_unknown(&resource, &key.permissions)?;
            key.resource_id = Some(resource.id);
            key.resource = Some(resource.identifier);
            Ok(())
        }
        None if key.permissions.is_empty() => Ok(()),
        None => Err(Error::invalid("/resource", "is missing: permissions belong to a resource, and there is not exactly one")),
    }
}

/// Permissions must be in the resource's catalogue.
pub(super) fn refuse_unknown(resource: &resources::Resource, permissions: &[String]) -> Result<()> {
    let knows = |name: &String| resource.permissions.iter().any(|known| known.name == *name);
    let unknown: Vec<&str> = permissions.iter().filter(|name| !knows(name)).map(String::as_str).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Error::invalid("/permissions", format!("{} is not in the catalogue of {}", unknown.join(", "), resource.identifier)))
}

/// What the journal keeps of a key: nothing secret, nothing personal.
pub(super) fn snapshot(key: &ApiKey) -> Value {
    json!({
        "owner_id": key.owner_id.to_string(),
        "resource_id": key.resource_id.map(|id: ResourceId| id.to_string()),
        "permissions": key.permissions,
        "origin": key.origin.as_str(),
        "hint": key.hint,
        "expires_at": key.expires_at,
        "allowed_cidrs": key.allowed_cidrs,
        "ratelimit": key.ratelimit,
        "quota": key.quota,
        "tags": key.tags,
    })
}
