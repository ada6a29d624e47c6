//! API keys as they come over the wire.

use claviger_api::api_keys as wire;
use claviger_authority::clock::Timestamp;
use claviger_authority::keys::{Filter, Foreign, New};
use claviger_authority::limits::{NewQuota, RateLimit, Refill};

use super::{Answer, id};
use crate::edge::Problem;

pub fn ratelimit(wanted: wire::RateLimit) -> RateLimit {
    RateLimit { limit: wanted.limit, window_seconds: wanted.window_seconds }
}

pub fn quota(wanted: wire::Quota) -> NewQuota {
    NewQuota {
        remaining: wanted.remaining,
        refill: wanted.refill.map(|refill| Refill { amount: refill.amount, interval_seconds: refill.interval_seconds }),
    }
}

pub fn new(wanted: wire::CreateApiKey) -> Answer<New> {
    Ok(New {
        organization_id: id("/organization_id", wanted.organization_id.as_deref())?,
        owner_id: id("/owner_id", wanted.owner_id.as_deref())?,
        name: wanted.name,
        purpose: wanted.purpose,
        resource: wanted.resource,
        permissions: wanted.permissions,
        expires_at: wanted.expires_at,
        allowed_cidrs: wanted.allowed_cidrs,
        ratelimit: wanted.ratelimit.map(ratelimit),
        quota: wanted.quota.map(quota),
        metadata: wanted.metadata,
        tags: wanted.tags,
    })
}

/// A row of an import. What cannot be parsed here is this row's fault alone.
pub fn foreign(row: wire::ImportedKey) -> Answer<Foreign> {
    let new = new(wire::CreateApiKey {
        organization_id: row.organization_id,
        owner_id: row.owner_id,
        name: row.name,
        purpose: row.purpose,
        resource: row.resource,
        permissions: row.permissions,
        expires_at: row.expires_at,
        allowed_cidrs: row.allowed_cidrs,
        ratelimit: row.ratelimit,
        quota: row.quota,
        metadata: row.metadata,
        tags: row.tags,
    })?;
    Ok(Foreign { sha256: row.sha256, hint: row.hint, new })
}

/// `at` is where the filter stands: empty for a query, `/filter` for a body.
pub fn filter(at: &str, filter: wire::KeyFilter) -> Answer<Filter> {
    let place = |field: &str| if at.is_empty() { field.to_owned() } else { format!("{at}/{field}") };
    let time = |field: &str, value: Option<String>| {
        let Some(value) = value else { return Ok(None) };
        let parsed = Timestamp::parse(&value);
        parsed.map(Some).ok_or_else(|| Problem::invalid(place(field), "is not a time in RFC 3339 such as 2027-01-31T00:00:00Z"))
    };
    let status = filter.status.map(|status| status.parse()).transpose();
    Ok(Filter {
        status: status.map_err(|detail: String| Problem::invalid(place("status"), detail))?,
        organization: id(&place("organization_id"), filter.organization_id.as_deref())?,
        owner: id(&place("owner_id"), filter.owner_id.as_deref())?,
        resource: filter.resource,
        permission: filter.permission,
        tag: filter.tag,
        expiring_before: time("expiring_before", filter.expiring_before)?,
        unused_since: time("unused_since", filter.unused_since)?,
        search: filter.search,
    })
}
