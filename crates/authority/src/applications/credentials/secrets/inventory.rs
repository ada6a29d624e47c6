//! Client secrets of all applications: how old they are, where they are kept, when they were used last.

use crate::access::{Caller, Permission};
use crate::applications::credentials::{Credential, sql};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{Select, params};
use crate::error::{Error, Result};
use crate::ids::{ClientSecretId, OrganizationId, OwnerId};
use crate::keys::Status;
use crate::page::{Page, Paging};

/// Which secrets; every part that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The one whose id stands in a text that was found somewhere.
    pub id: Option<ClientSecretId>,
    pub older_than_days: Option<i64>,
    /// Exactly as it was said.
    pub stored_in: Option<String>,
    /// Never used, or not since then.
    pub unused_since: Option<Timestamp>,
    pub organization: Option<OrganizationId>,
    pub owner: Option<OwnerId>,
    pub status: Option<Status>,
}

/// A secret and whose it is.
#[derive(Clone, Debug)]
pub struct Listed {
    pub credential: Credential,
    pub application_name: String,
    pub application_status: Status,
    pub organization_id: OrganizationId,
    pub owner_id: OwnerId,
}

impl Listed {
    /// Whole days since it was made.
    pub fn age_days_at(&self, now: Timestamp) -> i64 {
        (now.micros() - self.credential.created_at.micros()) / (DAY_SECONDS * 1_000_000)
    }
}

const SELECT: &str = "
    SELECT c.id, c.application_id, c.name, c.hint, c.material, c.stored_in, c.status, c.expires_at, c.created_by, c.revoked_at,
           c.revocation_reason, c.revocation_comment, c.last_used_at, c.last_used_from, c.use_count, c.revision, c.created_at,
           c.updated_at, a.name AS application_name, a.status AS application_status, a.organization_id, a.owner_id
    FROM application_credentials c
    JOIN applications a ON a.id = c.application_id";

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Secrets, oldest first.
pub async fn list(authority: &Authority, caller: &Caller, filter: &Filter, paging: &Paging) -> Result<Page<Listed>> {
    caller.require(Permission::ApplicationsRead)?;
    let (environment, now) = (caller.context.environment.id, caller.context.now);
    if filter.older_than_days.is_some_and(|days| !(0..=36_500).contains(&days)) {
        return Err(Error::invalid("older_than_days", "is not between 0 and 36500"));
    }
    let limit = paging.limit()?;
    let scope = format!("application-secrets/{environment}/{:?}/{filter:?}", caller.organization);
    let after = paging.position(&authority.cursors, &scope)?;
    let mut select = Select::new(SELECT);
    select
        .and("c.environment_id = ?", params![environment.to_string()])
        .and("c.kind = 'client_secret'", vec![])
        .and_if("c.id = ?", filter.id.map(|id| id.to_string()))
        .and_if("a.organization_id = ?", caller.organization.map(|id| id.to_string()))
        .and_if("a.organization_id = ?", filter.organization.map(|id| id.to_string()))
        .and_if("a.owner_id = ?", filter.owner.map(|id| id.to_string()))
        .and_if("c.stored_in = ?", filter.stored_in.clone())
        .and_if("c.created_at < ?", filter.older_than_days.map(|days| now.plus_seconds(-days * DAY_SECONDS)));
    if let Some(since) = filter.unused_since {
        select.and("c.created_at < ?", params![since]);
        select.and("(c.last_used_at IS NULL OR c.last_used_at < ?)", params![since]);
    }
    match filter.status {
        Some(Status::Expired) => select.and("c.status <> 'revoked'", vec![]).and("c.expires_at <= ?", params![now]),
        Some(Status::Revoked) => select.and("c.status = 'revoked'", vec![]),
        Some(status) => {
            select.and("c.status = ?", params![status.as_str()]).and("(c.expires_at IS NULL OR c.expires_at > ?)", params![now])
        }
        None => &mut select,
    };
    sql::oldest_first(&mut select, after.as_deref(), limit);
    let rows = select.all(&authority.db).await?;
    let listed = rows.iter().map(|row| Listed {
        credential: sql::credential(row),
        application_name: row.text("application_name"),
        application_status: row.text("application_status").parse().expect("a stored status is known"),
        organization_id: OrganizationId::stored(&row.text("organization_id")),
        owner_id: OwnerId::stored(&row.text("owner_id")),
    });
    Ok(authority.cursors.page(&scope, listed.collect(), limit, |listed: &Listed| sql::position(&listed.credential)))
}
