//! `/v1/api-keys`

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::problem::FieldError;

/// An API key, without its secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "ak_06kD3vZ8yT1mXqP5w", "hint": "acme_live_ak_06kD…x9Qz", "lifecycle": "standing", "status": "active",
    "organization_id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb",
    "name": "CI deploy", "resource": "https://api.example.com", "permissions": ["posts:read"], "origin": "issued",
    "allowed_cidrs": [], "metadata": {}, "tags": ["ci"], "created_by": "mk_3mYv0cQ7rT9wKxZ2s", "use_count": 0, "revision": 1,
    "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct ApiKey {
    /// Public, safe to log; the same characters stand inside the key.
    pub id: String,
    /// Enough of the key for people to recognise it.
    pub hint: String,
    /// Always `standing`: works until revoked.
    pub lifecycle: String,
    /// `active`, `disabled`, `expired` or `revoked`.
    pub status: String,
    pub organization_id: String,
    pub owner_id: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    pub permissions: Vec<String>,
    /// `issued` here, or `imported` by its digest.
    pub origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    pub allowed_cidrs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratelimit: Option<RateLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    pub created_by: String,
    /// Precise to 10 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    /// The client address of the last use that named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_from: Option<String>,
    pub use_count: i64,
    pub revision: i64,
    pub created_at: String,
    pub updated_at: String,
}

/// So many uses in so many seconds (GCRA: a burst may take them all at once).
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    pub limit: i64,
    pub window_seconds: i64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    pub remaining: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refill: Option<Refill>,
}

/// Every `interval_seconds`, what is left becomes `amount`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refill {
    pub amount: i64,
    pub interval_seconds: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Revocation {
    pub revoked_at: String,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Until then `/undo-revocation` takes it back; absent when nothing can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo_until: Option<String>,
}

/// A key with its secrets (never their text) and what it was seen to do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyDetail {
    #[serde(flatten)]
    pub key: ApiKey,
    /// Newest first; more than one live while a rotation overlaps.
    pub secrets: Vec<SecretInfo>,
    /// For each granted permission when it was last exercised.
    pub exercised: Vec<Exercised>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SecretInfo {
    pub id: String,
    pub hint: String,
    /// Whether it verifies now.
    pub live: bool,
    pub created_at: String,
    /// When an older secret stops, or stopped, to verify.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_from: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Exercised {
    pub permission: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exercised_at: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "organization_id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb", "name": "CI deploy",
    "permissions": ["posts:read"], "expires_at": "2027-02-24T00:00:00Z", "allowed_cidrs": ["192.0.2.0/24"], "tags": ["ci"]
}))]
pub struct CreateApiKey {
    /// Mandatory.
    pub organization_id: Option<String>,
    /// Mandatory: the person or team that answers for the key.
    pub owner_id: Option<String>,
    #[serde(default)]
    pub name: String,
    pub purpose: Option<String>,
    /// Identifier of the resource; not needed where the environment has exactly one.
    pub resource: Option<String>,
    #[serde(default)]
    pub permissions: Vec<String>,
    pub expires_at: Option<String>,
    /// IPv4 and IPv6 networks that the key may be used from; empty for anywhere.
    #[serde(default)]
    pub allowed_cidrs: Vec<String>,
    pub ratelimit: Option<RateLimit>,
    pub quota: Option<Quota>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Map<String, Value>,
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A key just made. The secret is shown this once and kept nowhere.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedApiKey {
    #[serde(flatten)]
    pub key: ApiKey,
    /// Absent when the same `Idempotency-Key` made the key before; `code` says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// `CREATED`, or `ALREADY_CREATED` without the secret.
    pub code: String,
    pub journal_seq: i64,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "permissions": [], "expires_at": null }))]
pub struct UpdateApiKey {
    pub name: Option<String>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<String>)]
    pub purpose: Option<Option<String>>,
    pub owner_id: Option<String>,
    /// The permissions as they shall be. Taking some away is free; giving more needs `keys:create`.
    pub permissions: Option<Vec<String>>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Option<String>>,
    pub allowed_cidrs: Option<Vec<String>>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<RateLimit>)]
    pub ratelimit: Option<Option<RateLimit>>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<Quota>)]
    pub quota: Option<Option<Quota>>,
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
    pub tags: Option<Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "overlap_seconds": 86400 }))]
pub struct RotateApiKey {
    /// For how long the secret before works on; 0 to 90 days.
    pub overlap_seconds: i64,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Option<String>>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RotatedApiKey {
    #[serde(flatten)]
    pub key: ApiKey,
    /// Shown this once and kept nowhere.
    pub secret: String,
    pub previous_secret_expires_at: String,
    pub journal_seq: i64,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "key_compromise", "comment": "found in a public repository" }))]
pub struct RevokeApiKey {
    /// `key_compromise`, `superseded`, `owner_departed`, `no_longer_needed`, `privilege_withdrawn`,
    /// `organization_offboarded`, `policy`, `leak_report` or `unspecified`.
    pub reason: String,
    pub comment: Option<String>,
    /// `false` answers 202 without waiting for other nodes.
    pub wait: Option<bool>,
}

/// A change that is in force.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangedApiKey {
    #[serde(flatten)]
    pub key: ApiKey,
    #[serde(flatten)]
    pub effect: Effect,
}

/// From when on no node answers from before the change.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Effect {
    pub journal_seq: i64,
    pub effective_everywhere_at: String,
    pub nodes: Nodes,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Nodes {
    /// Nodes that confirmed to have applied it.
    pub confirmed: u32,
    /// Nodes whose lease ran out instead.
    pub expired: u32,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "filter": { "organization_id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "tag": "ci" }, "reason": "superseded", "dry_run": true
}))]
pub struct RevokeMatching {
    pub filter: KeyFilter,
    pub reason: String,
    pub comment: Option<String>,
    /// Only count what would be revoked.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which keys: every part that is given must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyFilter {
    /// `active`, `disabled`, `expired` or `revoked`.
    pub status: Option<String>,
    pub organization_id: Option<String>,
    pub owner_id: Option<String>,
    pub resource: Option<String>,
    pub permission: Option<String>,
    pub tag: Option<String>,
    /// RFC 3339.
    pub expiring_before: Option<String>,
    /// RFC 3339: older than that, and never used since.
    pub unused_since: Option<String>,
    /// Text anywhere in the name.
    pub search: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({ "revoked": 2, "ids": ["ak_06kD3vZ8yT1mXqP5w", "ak_1bQe7RzN4sVtYcH0j"], "dry_run": false, "journal_seq": 4711 }))]
pub struct RevokedMatching {
    pub revoked: usize,
    pub ids: Vec<String>,
    pub dry_run: bool,
    pub journal_seq: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "keys": [{
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "hint": "sk_…a9",
    "organization_id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb",
    "name": "Old billing key", "permissions": ["posts:read"]
}] }))]
pub struct ImportApiKeys {
    /// 1 to 1,000 rows.
    pub keys: Vec<ImportedKey>,
}

/// A key made elsewhere: its digest, and what a new key would say.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "hint": "sk_…a9",
    "organization_id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb",
    "name": "Old billing key", "permissions": ["posts:read"]
}))]
pub struct ImportedKey {
    /// SHA-256 of the whole key: 64 hexadecimal digits, or base64.
    pub sha256: String,
    pub hint: Option<String>,
    pub organization_id: Option<String>,
    pub owner_id: Option<String>,
    #[serde(default)]
    pub name: String,
    pub purpose: Option<String>,
    pub resource: Option<String>,
    #[serde(default)]
    pub permissions: Vec<String>,
    pub expires_at: Option<String>,
    #[serde(default)]
    pub allowed_cidrs: Vec<String>,
    pub ratelimit: Option<RateLimit>,
    pub quota: Option<Quota>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Map<String, Value>,
    #[serde(default)]
    pub tags: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportOutcome {
    pub imported: usize,
    pub present: usize,
    pub refused: usize,
    /// One for each row, in their order.
    pub rows: Vec<ImportRow>,
    pub journal_seq: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportRow {
    pub row: usize,
    /// `IMPORTED`, `ALREADY_PRESENT`, or the code of what is wrong.
    pub code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}
