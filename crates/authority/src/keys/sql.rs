//! Statements of API keys.

use super::{ApiKey, Origin, Reason, Revocation};
use crate::clock::Timestamp;
use crate::db::{Error, Query, Row, Tx, params};
use crate::ids::{ApiKeyId, EnvironmentId, OrganizationId, OwnerId, ResourceId};

pub(super) const SELECT: &str = "
    SELECT k.id, k.organization_id, k.owner_id, k.resource_id, r.identifier AS resource, k.permissions, k.name, k.purpose,
           k.hint, k.status, k.origin, k.expires_at, k.allowed_cidrs, k.ratelimit, k.quota, k.metadata, k.tags, k.created_by,
           k.revoked_at, k.revocation_reason, k.revocation_comment, k.undo_until, k.status_before_revocation,
           k.last_used_at, k.last_used_from, k.use_count, k.revision, k.created_at, k.updated_at
    FROM api_keys k
    LEFT JOIN resources r ON r.id = k.resource_id";

pub(super) const BY_ID: &str = "
    SELECT k.id, k.organization_id, k.owner_id, k.resource_id, r.identifier AS resource, k.permissions, k.name, k.purpose,
           k.hint, k.status, k.origin, k.expires_at, k.allowed_cidrs, k.ratelimit, k.quota, k.metadata, k.tags, k.created_by,
           k.revoked_at, k.revocation_reason, k.revocation_comment, k.undo_until, k.status_before_revocation,
           k.last_used_at, k.last_used_from, k.use_count, k.revision, k.created_at, k.updated_at
    FROM api_keys k
    LEFT JOIN resources r ON r.id = k.resource_id
    WHERE k.environment_id = $1
      AND k.id = $2";

pub(super) fn key(row: &Row) -> ApiKey {
    ApiKey {
        id: ApiKeyId::stored(&row.text("id")),
        organization_id: OrganizationId::stored(&row.text("organization_id")),
        owner_id: OwnerId::stored(&row.text("owner_id")),
        resource_id: row.opt_text("resource_id").map(|id| ResourceId::stored(&id)),
        resource: row.opt_text("resource"),
        permissions: row.json("permissions"),
        name: row.text("name"),
        purpose: row.opt_text("purpose"),
        hint: row.text("hint"),
        status: row.text("status").parse().expect("a stored status is known"),
        origin: if row.text("origin") == Origin::Imported.as_str() { Origin::Imported } else { Origin::Issued },
        revocation: revocation(row),
        expires_at: row.opt_time("expires_at"),
        allowed_cidrs: row.json("allowed_cidrs"),
        ratelimit: row.opt_json("ratelimit"),
        quota: row.opt_json("quota"),
        metadata: row.json("metadata"),
        tags: row.json("tags"),
        created_by: row.text("created_by"),
        last_used_at: row.opt_time("last_used_at"),
        last_used_from: row.opt_text("last_used_from").and_then(|address| address.parse().ok()),
        use_count: row.int("use_count"),
        revision: row.int("revision"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
    }
}

fn revocation(row: &Row) -> Option<Revocation> {
    let at = row.opt_time("revoked_at")?;
    Some(Revocation {
        at,
        reason: row.opt_text("revocation_reason").and_then(|text| text.parse().ok()).unwrap_or(Reason::Unspecified),
        comment: row.opt_text("revocation_comment"),
        undo_until: row.opt_time("undo_until"),
        status_before: row.opt_text("status_before_revocation").and_then(|text| text.parse().ok()).unwrap_or(super::Status::Active),
    })
}

/// Writes a new key with its permissions, tags and what is left of its quota.
pub(super) async fn insert(tx: &Tx, environment: EnvironmentId, key: &ApiKey) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO api_keys
             (id, environment_id, organization_id, owner_id, resource_id, permissions, name, purpose, hint, status, origin,
              expires_at, allowed_cidrs, ratelimit, quota, metadata, tags, created_by, use_count, revision, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0, 1, $19, $19)",
        params![
            key.id.to_string(),
            environment.to_string(),
            key.organization_id.to_string(),
            key.owner_id.to_string(),
            key.resource_id.map(|id| id.to_string()),
            json(&key.permissions),
            &key.name,
            key.purpose.clone(),
            &key.hint,
            key.status.as_str(),
            key.origin.as_str(),
            key.expires_at,
            json(&key.allowed_cidrs),
            key.ratelimit.as_ref().map(json),
            key.quota.as_ref().map(json),
            json(&key.metadata),
            json(&key.tags),
            &key.created_by,
            key.created_at,
        ],
    )
    .await?;
    if let Some(resource) = key.resource_id {
        insert_permissions(tx, key.id, resource, &key.permissions).await?;
    }
    insert_tags(tx, environment, key).await?;
    store_quota(tx, key, key.created_at).await
}

/// Writes every column that an update can change, without permissions and tags.
pub(super) async fn store(tx: &Tx, key: &ApiKey) -> Result<(), Error> {
    let revocation = key.revocation.as_ref();
    tx.execute(
        "UPDATE api_keys
         SET owner_id = $2, permissions = $3, name = $4, purpose = $5, hint = $6, status = $7, expires_at = $8,
             allowed_cidrs = $9, ratelimit = $10, quota = $11, metadata = $12, tags = $13,
             revoked_at = $14, revocation_reason = $15, revocation_comment = $16, undo_until = $17,
             status_before_revocation = $18, revision = $19, updated_at = $20
         WHERE id = $1",
        params![
            key.id.to_string(),
            key.owner_id.to_string(),
            json(&key.permissions),
            &key.name,
            key.purpose.clone(),
            &key.hint,
            key.status.as_str(),
            key.expires_at,
            json(&key.allowed_cidrs),
            key.ratelimit.as_ref().map(json),
            key.quota.as_ref().map(json),
            json(&key.metadata),
            json(&key.tags),
            revocation.map(|revocation| revocation.at),
            revocation.map(|revocation| revocation.reason.as_str()),
            revocation.and_then(|revocation| revocation.comment.clone()),
            revocation.and_then(|revocation| revocation.undo_until),
            revocation.map(|revocation| revocation.status_before.as_str()),
            key.revision,
            key.updated_at,
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn insert_permissions(tx: &Tx, id: ApiKeyId, resource: ResourceId, permissions: &[String]) -> Result<(), Error> {
    for permission in permissions {
        tx.execute(
            "INSERT INTO api_key_permissions (api_key_id, resource_id, permission) VALUES ($1, $2, $3)
             ON CONFLICT (api_key_id, permission) DO NOTHING",
            params![id.to_string(), resource.to_string(), permission],
        )
        .await?;
    }
    Ok(())
}

pub(super) async fn delete_permissions(tx: &Tx, id: ApiKeyId, permissions: &[String]) -> Result<(), Error> {
    for permission in permissions {
        tx.execute("DELETE FROM api_key_permissions WHERE api_key_id = $1 AND permission = $2", params![id.to_string(), permission])
            .await?;
    }
    Ok(())
}

pub(super) async fn replace_tags(tx: &Tx, environment: EnvironmentId, key: &ApiKey) -> Result<(), Error> {
    tx.execute("DELETE FROM api_key_tags WHERE api_key_id = $1", params![key.id.to_string()]).await?;
    insert_tags(tx, environment, key).await
}

async fn insert_tags(tx: &Tx, environment: EnvironmentId, key: &ApiKey) -> Result<(), Error> {
    for tag in &key.tags {
        tx.execute(
            "INSERT INTO api_key_tags (api_key_id, tag, environment_id) VALUES ($1, $2, $3)",
            params![key.id.to_string(), tag, environment.to_string()],
        )
        .await?;
    }
    Ok(())
}

/// Starts the key's quota anew, or forgets it when there is none.
pub(super) async fn store_quota(tx: &Tx, key: &ApiKey, at: Timestamp) -> Result<(), Error> {
    tx.execute("DELETE FROM api_key_quotas WHERE api_key_id = $1", params![key.id.to_string()]).await?;
    if let Some(quota) = &key.quota {
        tx.execute(
            "INSERT INTO api_key_quotas (api_key_id, remaining, refilled_at) VALUES ($1, $2, $3)",
            params![key.id.to_string(), quota.remaining, at],
        )
        .await?;
    }
    Ok(())
}

/// Each granted permission and when it was last exercised.
pub(super) async fn exercised(on: &impl Query, id: ApiKeyId) -> Result<Vec<(String, Option<Timestamp>)>, Error> {
    let rows = on
        .all(
            "SELECT permission, exercised_at
             FROM api_key_permissions
             WHERE api_key_id = $1
             ORDER BY permission",
            params![id.to_string()],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.text("permission"), row.opt_time("exercised_at"))).collect())
}

pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("what was parsed can be written")
}
