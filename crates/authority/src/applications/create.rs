//! Registering an application. It can do nothing until it has a credential.

use serde_json::{Map, Value, json};

use super::grants::{self, NewGrant};
use super::{Application, TOKEN_LIFETIME_SECONDS, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed, Query};
use crate::error::{Refusal, Result};
use crate::idempotency::{self, Idempotency};
use crate::ids::{ApplicationId, OrganizationId, OwnerId};
use crate::journal::Event;
use crate::keys::Status;
use crate::limits::RateLimit;
use crate::text::{self, Violations};
use crate::{organizations, owners};

#[derive(Clone, Debug, Default)]
pub struct New {
    pub organization_id: Option<OrganizationId>,
    pub owner_id: Option<OwnerId>,
    pub name: String,
    pub purpose: Option<String>,
    pub resources: Vec<NewGrant>,
    pub token_lifetime_seconds: Option<i64>,
    pub require_dpop: bool,
    pub ratelimit: Option<RateLimit>,
    pub metadata: Map<String, Value>,
    pub tags: Vec<String>,
}

/// Answers also whether it is new: the same Idempotency-Key finds what it made before.
pub async fn create(
    authority: &Authority,
    caller: &Caller,
    new: &New,
    idempotency: Option<&Idempotency>,
) -> Result<Committed<(Application, bool)>> {
    caller.require(Permission::ApplicationsCreate)?;
    let wanted = &parse(new)?;
    caller.may_grant(wanted.resources.iter().flat_map(|grant| &grant.permissions))?;
    let _flight = authority.in_flight.enter(caller, idempotency)?;
    authority
        .change(&caller.context, |tx, at| async move {
            if let Some(before) = idempotency::recall(&tx, caller, idempotency, at).await? {
                let before = super::find(&tx, caller, ApplicationId::stored(&before)).await?;
                return Ok(Change::Nothing((before, false)));
            }
            active_organization(&tx, caller, wanted.organization_id).await?;
            owners::accountable(&tx, caller, wanted.owner_id, Some(wanted.organization_id)).await?;
            let application = Application {
                id: ApplicationId::new(at, authority.rng),
                organization_id: wanted.organization_id,
                owner_id: wanted.owner_id,
                name: new.name.clone(),
                purpose: new.purpose.clone(),
                grants: grants::placed(&tx, caller, &wanted.resources).await?,
                status: Status::Active,
                token_lifetime_seconds: new.token_lifetime_seconds,
                require_dpop: new.require_dpop,
                ratelimit: new.ratelimit,
                metadata: new.metadata.clone(),
                tags: wanted.tags.clone(),
                revocation: None,
                created_by: caller.context.actor.id(),
                revision: 1,
                created_at: at,
                updated_at: at,
            };
            sql::insert(&tx, caller.context.environment.id, &application).await?;
            idempotency::remember(&tx, caller, idempotency, &application.id.to_string(), at).await?;
            let event = Event::new("application.created", application.id, snapshot(&application)).of(application.organization_id);
            Ok(Change::Made((application, true), vec![event]))
        })
        .await
}

/// The parts of a request that are not the same once parsed.
struct Wanted {
    organization_id: OrganizationId,
    owner_id: OwnerId,
    resources: Vec<NewGrant>,
    tags: Vec<String>,
}

fn parse(new: &New) -> Result<Wanted> {
    let mut wrong = Violations::default();
    wrong.take("/name", text::name(&new.name));
    wrong.take("/purpose", text::optional(new.purpose.as_deref(), text::sentence));
    let resources = grants::parse(&mut wrong, &new.resources);
    wrong.take("/token_lifetime_seconds", new.token_lifetime_seconds.map_or(Ok(()), check_lifetime));
    wrong.take("/ratelimit", new.ratelimit.map(RateLimit::checked).transpose());
    wrong.take("/metadata", text::metadata(&new.metadata));
    let tags = wrong.take("/tags", text::tags(&new.tags));
    if new.organization_id.is_none() {
        wrong.add("/organization_id", "is missing: name the organization that the application belongs to");
    }
    if new.owner_id.is_none() {
        wrong.add("/owner_id", "is missing: every application has an owner who answers for it");
    }
    wrong.done()?;
    let mandatory = "refused above when missing";
    Ok(Wanted { organization_id: new.organization_id.expect(mandatory), owner_id: new.owner_id.expect(mandatory), resources, tags })
}

pub(super) fn check_lifetime(seconds: i64) -> Result<(), String> {
    let (least, most) = (TOKEN_LIFETIME_SECONDS.start(), TOKEN_LIFETIME_SECONDS.end());
    if TOKEN_LIFETIME_SECONDS.contains(&seconds) { Ok(()) } else { Err(format!("must be between {least} and {most}")) }
}

/// Nothing new is made in an organization that is suspended or gone.
pub(super) async fn active_organization(on: &impl Query, caller: &Caller, id: OrganizationId) -> Result<()> {
    let organization = organizations::find(on, caller, id).await?;
    if organization.status == organizations::Status::Active {
        return Ok(());
    }
    Err(Refusal::OrganizationNotActive(organization.status.as_str()).into())
}

/// What the journal keeps of an application: nothing personal.
fn snapshot(application: &Application) -> Value {
    json!({
        "owner_id": application.owner_id.to_string(),
        "resources": grants::snapshot(&application.grants),
        "token_lifetime_seconds": application.token_lifetime_seconds,
        "require_dpop": application.require_dpop,
        "ratelimit": application.ratelimit,
        "tags": application.tags,
    })
}
