//! The authenticated caller of the management plane, fresh from the database.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::permission::{Permission, Permissions, Role};
use crate::authority::{Actor, Authority, Context};
use crate::credential::{self, Class};
use crate::db::{Query, params};
use crate::environments::{self, Environment};
use crate::error::{Refusal, Result};
use crate::ids::{EnvironmentId, ManagementKeyId, OperatorId, OrganizationId, OwnerId};

/// Who calls, where, and what they may do.
#[derive(Clone)]
pub struct Caller {
    pub context: Context,
    pub key: ManagementKeyId,
    pub owner: OwnerId,
    pub operator: Option<OperatorId>,
    /// Set when the key may see and touch only one organization; everything else does not exist for it.
    pub organization: Option<OrganizationId>,
    pub permissions: Permissions,
    /// The permissions of resources that the key may give to others; `None` means all.
    pub grantable: Option<BTreeSet<String>>,
}

impl Caller {
    pub fn require(&self, needed: Permission) -> Result<()> {
        if self.permissions.has(needed) { Ok(()) } else { Err(Refusal::PermissionMissing { needed: needed.as_str() }.into()) }
    }

    /// Another organization does not exist for a caller bound to one.
    pub fn sees(&self, organization: OrganizationId) -> bool {
        self.organization.is_none_or(|own| own == organization)
    }

    /// A key cannot grant what it does not hold.
    pub fn may_grant<'a>(&self, permissions: impl IntoIterator<Item = &'a String>) -> Result<()> {
        let Some(grantable) = &self.grantable else { return Ok(()) };
        let beyond: Vec<&str> = permissions.into_iter().filter(|name| !grantable.contains(*name)).map(String::as_str).collect();
        if beyond.is_empty() { Ok(()) } else { Err(Refusal::BeyondOwnGrant(beyond.join(" ")).into()) }
    }
}

/// What came with a request besides the credential.
pub struct Request<'a> {
    pub bearer: Option<&'a str>,
    pub request_id: String,
    /// The slug or id in `Claviger-Environment`: only an instance administrator may name one.
    pub environment: Option<&'a str>,
    pub client: Option<std::net::IpAddr>,
}

/// Finds out who calls. Every refusal of a wrong credential reads the same.
pub async fn authenticate(authority: &Authority, request: Request<'_>) -> Result<Caller> {
    let bearer = request.bearer.ok_or(Refusal::NoCredential)?;
    let now = authority.clock.now();
    let parsed = credential::parse(bearer).map_err(|_| Refusal::BadCredential)?;
    if parsed.class != Class::ManagementKey {
        return Err(Refusal::BadCredential.into());
    }
    let id = ManagementKeyId(parsed.id);
    let rows = authority
        .db
        .all(
            "SELECT k.environment_id, k.owner_id, k.operator_id, k.organization_id, k.permissions, k.grantable,
                    k.status, k.expires_at, o.role AS operator_role, o.status AS operator_status, g.status AS organization_status,
                    s.digest, s.pepper_version, s.retires_at
             FROM management_keys k
             JOIN secrets s ON s.credential_id = k.id
             LEFT JOIN operators o ON o.id = k.operator_id
             LEFT JOIN organizations g ON g.id = k.organization_id
             WHERE k.id = $1",
            params![id.to_string()],
        )
        .await?;
    let Some(first) = rows.first() else { return Err(Refusal::BadCredential.into()) };
    let environment = authority.environment(EnvironmentId::stored(&first.text("environment_id"))).await?;
    let matches = rows.iter().any(|row| {
        let is_live = row.opt_time("retires_at").is_none_or(|end| end > now);
        is_live && authority.digest(&environment, &parsed, row.int("pepper_version")) == Some(crate::secrets::stored_digest(row))
    });
    let expired = first.opt_time("expires_at").is_some_and(|end| end <= now);
    let departed = first.opt_text("operator_status").is_some_and(|status| status != "active");
    let suspended = first.opt_text("organization_status").is_some_and(|status| status != "active");
    if !matches || parsed.prefix != environment.key_prefix.as_str() || first.text("status") != "active" || expired || departed || suspended
    {
        return Err(Refusal::BadCredential.into());
    }
    let mut permissions = Permissions::parse(&first.json::<Vec<String>>("permissions")).unwrap_or_default();
    if let Some(role) = first.opt_text("operator_role") {
        permissions = permissions.and(role.parse::<Role>().map_or(Permissions::default(), Role::permissions));
    }
    authority.gate.note_management_use(parsed.id, now, request.client);
    let organization = first.opt_text("organization_id").map(|id| OrganizationId::stored(&id));
    let environment = acting_environment(authority, environment, permissions, organization, request.environment).await?;
    Ok(Caller {
        key: id,
        owner: OwnerId::stored(&first.text("owner_id")),
        operator: first.opt_text("operator_id").map(|id| OperatorId::stored(&id)),
        organization,
        permissions,
        grantable: first.opt_json("grantable"),
        context: Context {
            environment,
            actor: Actor::ManagementKey { id, owner: OwnerId::stored(&first.text("owner_id")) },
            request_id: request.request_id,
            now,
        },
    })
}

/// The key's own environment, or the one an instance administrator names.
async fn acting_environment(
    authority: &Authority,
    own: Arc<Environment>,
    permissions: Permissions,
    organization: Option<OrganizationId>,
    named: Option<&str>,
) -> Result<Arc<Environment>> {
    let Some(named) = named.filter(|named| *named != own.slug && *named != own.id.to_string()) else { return Ok(own) };
    if !permissions.has(Permission::InstanceAdminister) || organization.is_some() {
        return Err(Refusal::PermissionMissing { needed: Permission::InstanceAdminister.as_str() }.into());
    }
    environments::find(authority, named).await?.ok_or_else(|| Refusal::not_found("environment", named).into())
}
