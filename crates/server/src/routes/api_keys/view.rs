//! API keys as they go over the wire.

use claviger_api::api_keys as wire;
use claviger_authority::clock::Timestamp;
use claviger_authority::db::Committed;
use claviger_authority::keys::{ApiKey, Detail, Revocation};
use http::StatusCode;

use super::text;
use crate::edge::Versioned;

pub fn key(key: ApiKey, now: Timestamp) -> wire::ApiKey {
    wire::ApiKey {
        id: text(key.id),
        lifecycle: "standing".to_owned(),
        status: text(key.status_at(now).as_str()),
        hint: key.hint,
        organization_id: text(key.organization_id),
        owner_id: text(key.owner_id),
        name: key.name,
        purpose: key.purpose,
        resource: key.resource,
        permissions: key.permissions,
        origin: text(key.origin.as_str()),
        expires_at: key.expires_at.map(text),
        allowed_cidrs: key.allowed_cidrs.into_iter().map(text).collect(),
        ratelimit: key.ratelimit.map(|rate| wire::RateLimit { limit: rate.limit, window_seconds: rate.window_seconds }),
        quota: key.quota.map(|quota| wire::Quota {
            remaining: quota.remaining,
            refill: quota.refill.map(|refill| wire::Refill { amount: refill.amount, interval_seconds: refill.interval_seconds }),
        }),
        metadata: key.metadata,
        tags: key.tags,
        revocation: key.revocation.map(revocation),
        created_by: key.created_by,
        last_used_at: key.last_used_at.map(text),
        last_used_from: key.last_used_from.map(text),
        use_count: key.use_count,
        revision: key.revision,
        created_at: text(key.created_at),
        updated_at: text(key.updated_at),
    }
}

pub fn revocation(revocation: Revocation) -> wire::Revocation {
    wire::Revocation {
        revoked_at: text(revocation.at),
        reason: text(revocation.reason.as_str()),
        comment: revocation.comment,
        undo_until: revocation.undo_until.map(text),
    }
}

pub fn detail(detail: Detail, now: Timestamp) -> wire::ApiKeyDetail {
    let secrets = detail.secrets.into_iter().map(|secret| wire::SecretInfo {
        id: text(secret.id),
        hint: secret.hint,
        live: secret.retires_at.is_none_or(|end| end > now),
        created_at: text(secret.created_at),
        expires_at: secret.retires_at.map(text),
        last_used_at: secret.last_used_at.map(text),
        last_used_from: secret.last_used_from,
    });
    let exercised = detail.exercised.into_iter().map(|(permission, at)| wire::Exercised { permission, last_exercised_at: at.map(text) });
    wire::ApiKeyDetail { secrets: secrets.collect(), exercised: exercised.collect(), key: key(detail.key, now) }
}

/// A change of a key that is in force: one node applies its own changes before it answers.
pub fn changed(committed: Committed<ApiKey>) -> Versioned<wire::ChangedApiKey> {
    let effect = effect(&committed);
    let revision = committed.value.revision;
    Versioned { status: StatusCode::OK, revision, value: wire::ChangedApiKey { key: key(committed.value, committed.at), effect } }
}

/// One node confirms to itself.
pub fn effect<T>(committed: &Committed<T>) -> wire::Effect {
    wire::Effect {
        journal_seq: committed.journal_seq,
        effective_everywhere_at: text(committed.at),
        nodes: wire::Nodes { confirmed: 1, expired: 0 },
    }
}
