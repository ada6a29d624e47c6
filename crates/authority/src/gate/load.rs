//! Rows of the database as entries of the directory. The statements here are the only ones of the gate.

use std::collections::HashMap;
use std::str::FromStr;

use super::directory::Entry;
use super::resident::{Extras, Grants, Older, OlderUse};
use super::{EnvironmentState, Gate, flag, imported_id, imported_words, own_id};
use crate::access::{Permissions, Role};
use crate::clock::Timestamp;
use crate::credential::Digest;
use crate::db::{Db, Error, Query, Row, Select, params};
use crate::ids::{ApiKeyId, ManagementKeyId, OrganizationId, OwnerId, SecretId};
use crate::limits::{Quota, RateLimit};
use crate::secrets::{Scheme, stored_digest};

const API_KEYS: &str = "
    SELECT k.id, k.environment_id, k.organization_id, g.status AS organization_status, k.owner_id, k.resource_id,
           r.identifier AS resource, k.permissions, k.status, k.expires_at, k.allowed_cidrs, k.ratelimit, k.quota,
           q.remaining, q.refilled_at,
           s.id AS secret_id, s.scheme, s.pepper_version, s.digest, s.retires_at
    FROM api_keys k
    JOIN organizations g ON g.id = k.organization_id
    JOIN secrets s ON s.credential_id = k.id
    LEFT JOIN resources r ON r.id = k.resource_id
    LEFT JOIN api_key_quotas q ON q.api_key_id = k.id";

const MANAGEMENT_KEYS: &str = "
    SELECT k.id, k.environment_id, k.organization_id, g.status AS organization_status, k.owner_id, k.permissions, k.status,
           k.expires_at, o.role AS operator_role, o.status AS operator_status,
           s.id AS secret_id, s.scheme, s.pepper_version, s.digest, s.retires_at
    FROM management_keys k
    JOIN secrets s ON s.credential_id = k.id
    LEFT JOIN organizations g ON g.id = k.organization_id
    LEFT JOIN operators o ON o.id = k.operator_id";

/// A credential as the database has it, ready for the writer.
pub(super) struct Loaded {
    pub entry: Entry,
    pub organization: Option<(OrganizationId, bool)>,
    pub grants_key: String,
    pub grants: Grants,
    pub extras: Option<Extras>,
    pub rate: Option<RateLimit>,
    pub quota: Option<(Quota, i64, Timestamp)>,
}

/// Which credentials to read.
pub(super) enum Which<'a> {
    Ids(&'a [String]),
    ImportedDigest(&'a Digest, &'a EnvironmentState),
    After(&'a str, i64),
    OfOperator(&'a str),
}

/// Reads API keys.
pub(super) async fn api_keys(gate: &Gate, on: &Db, which: Which<'_>) -> Result<Vec<Loaded>, Error> {
    let rows = select(API_KEYS, on, which).await?;
    Ok(group(&rows, gate, api_key))
}

/// Reads management keys.
pub(super) async fn management_keys(gate: &Gate, on: &Db, which: Which<'_>) -> Result<Vec<Loaded>, Error> {
    let rows = select(MANAGEMENT_KEYS, on, which).await?;
    Ok(group(&rows, gate, management_key))
}

async fn select(base: &'static str, on: &Db, which: Which<'_>) -> Result<Vec<Row>, Error> {
    let mut select = Select::new(base);
    match which {
        Which::Ids(ids) => select.and_in("k.id", ids.iter().map(|id| id.as_str().into()).collect()),
        Which::ImportedDigest(digest, environment) => select
            .and("k.environment_id = ?", params![environment.id.to_string()])
            .and("s.digest = ?", params![&digest.as_bytes()[..]])
            .and("s.scheme = ?", params![Scheme::Foreign.as_str()]),
        Which::OfOperator(id) => select.and("k.operator_id = ?", params![id]),
        // Whole credentials only: the ids are cut off before the join brings their secrets.
        Which::After(id, limit) if base == API_KEYS => {
            select.and("k.id IN (SELECT id FROM api_keys WHERE id > ? ORDER BY id LIMIT ?)", params![id, limit])
        }
        Which::After(id, _) => select.and("k.id > ?", params![id]),
    };
    select.push("\nORDER BY k.id, s.created_at, s.id", vec![]);
    select.all(on).await
}

/// Rows of one credential lie together, one per secret, oldest first.
fn group(rows: &[Row], gate: &Gate, load: impl Fn(&Gate, &[&Row]) -> Option<Loaded>) -> Vec<Loaded> {
    let mut loaded = Vec::new();
    let mut group: Vec<&Row> = Vec::new();
    let mut id = String::new();
    for row in rows {
        let next = row.text("id");
        if next != id {
            loaded.extend(load(gate, &group));
            group.clear();
            id = next;
        }
        group.push(row);
    }
    loaded.extend(load(gate, &group));
    loaded
}

fn base(gate: &Gate, rows: &[&Row], id: super::directory::Id, flags: u8) -> Option<(Entry, std::sync::Arc<EnvironmentState>)> {
    let current = rows.last()?;
    let environment = gate.environment(crate::ids::EnvironmentId::stored(&current.text("environment_id")))?;
    let status = match current.text("status").as_str() {
        "active" => 0,
        "disabled" => flag::DISABLED,
        _ => flag::REVOKED,
    };
    let entry = Entry {
        id,
        organization: 0,
        // A key whose last secret retired has none that matches until it is rotated: no digest is all zeros.
        digest: if current.opt_time("retires_at").is_some() { [0; 4] } else { stored_digest(current).words() },
        expires_at: current.opt_int("expires_at").unwrap_or(0),
        owner: OwnerId::stored(&current.text("owner_id")).as_u128(),
        grants: 0,
        extras: 0,
        environment: environment.number,
        pepper: current.int("pepper_version") as u16,
        flags: status | flags,
    };
    Some((entry, environment))
}

fn older(rows: &[&Row], now: Timestamp) -> Option<Older> {
    let row = rows.iter().rev().find(|row| row.opt_time("retires_at").is_some_and(|end| end > now))?;
    Some(Older {
        id: SecretId::stored(&row.text("secret_id")),
        digest: stored_digest(row),
        pepper: row.int("pepper_version") as u16,
        retires_at: row.time("retires_at"),
        used: std::sync::Arc::new(OlderUse::default()),
    })
}

fn api_key(gate: &Gate, rows: &[&Row]) -> Option<Loaded> {
    let current = *rows.last()?;
    let id = ApiKeyId::stored(&current.text("id"));
    let (mut entry, environment) = base(gate, rows, own_id(id.0), 0)?;
    let mut extras = Extras { networks: current.json("allowed_cidrs"), older: older(rows, gate.clock.now()), ..Extras::default() };
    if Scheme::stored(&current.text("scheme")) == Scheme::Foreign {
        entry.flags |= flag::IMPORTED;
        entry.id = imported_id(&stored_digest(current));
        entry.digest = imported_words(entry.digest, id.0);
        environment.has_imported.store(true, std::sync::atomic::Ordering::Release);
    }
    let json = current.text("permissions");
    let permissions: Vec<String> = serde_json::from_str(&json).expect("stored permissions are a list of names");
    extras.exercised = (1..permissions.len().div_ceil(64)).map(|_| std::sync::atomic::AtomicU64::new(0)).collect();
    let rate = current.opt_json("ratelimit");
    let quota = current.opt_json("quota").map(|quota: Quota| {
        let left = current.opt_int("remaining").unwrap_or(quota.remaining);
        (quota, left, current.opt_time("refilled_at").unwrap_or(Timestamp::from_micros(quota.set_at)))
    });
    let has_extras = !extras.networks.is_empty() || extras.older.is_some() || !extras.exercised.is_empty();
    Some(Loaded {
        entry,
        organization: Some((OrganizationId::stored(&current.text("organization_id")), current.text("organization_status") == "active")),
        grants_key: format!("{}{json}", current.opt_text("resource_id").unwrap_or_default()),
        grants: Grants { resource: current.opt_text("resource"), permissions, json, management: Permissions::default() },
        extras: (has_extras || rate.is_some() || quota.is_some()).then_some(extras),
        rate,
        quota,
    })
}

fn management_key(gate: &Gate, rows: &[&Row]) -> Option<Loaded> {
    let current = *rows.last()?;
    let id = ManagementKeyId::stored(&current.text("id"));
    let (mut entry, _) = base(gate, rows, own_id(id.0), flag::MANAGEMENT)?;
    let json = current.text("permissions");
    let names: Vec<String> = serde_json::from_str(&json).expect("stored permissions are a list of names");
    let mut management = Permissions::of(&names.iter().filter_map(|name| name.parse().ok()).collect::<Vec<_>>());
    let role = current.opt_text("operator_role");
    if let Some(role) = &role {
        management = management.and(Role::from_str(role).map_or(Permissions::default(), Role::permissions));
    }
    if current.opt_text("operator_status").is_some_and(|status| status != "active") {
        entry.flags |= flag::DISABLED;
    }
    let extras = older(rows, gate.clock.now()).map(|older| Extras { older: Some(older), ..Extras::default() });
    let organization = current
        .opt_text("organization_id")
        .map(|id| (OrganizationId::stored(&id), current.opt_text("organization_status").as_deref() == Some("active")));
    Some(Loaded {
        entry,
        organization,
        grants_key: format!("{}{json}", role.as_deref().unwrap_or("management")),
        grants: Grants { resource: None, permissions: names, json, management },
        extras,
        rate: None,
        quota: None,
    })
}

/// The status of organizations, by id.
pub(super) async fn organizations(on: &impl Query, ids: &[String]) -> Result<HashMap<OrganizationId, bool>, Error> {
    let mut select = Select::new("SELECT id, status FROM organizations");
    select.and_in("id", ids.iter().map(|id| id.as_str().into()).collect());
    let rows = select.all(on).await?;
    Ok(rows.iter().map(|row| (OrganizationId::stored(&row.text("id")), row.text("status") == "active")).collect())
}
