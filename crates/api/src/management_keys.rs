//! `/v1/management-keys`

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A credential of the management plane, without its secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "mk_3mYv0cQ7rT9wKxZ2s", "hint": "acme_live_mk_3mYv…b7Rw", "name": "Backend", "status": "active",
    "owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb", "permissions": ["keys:create", "credentials:verify"],
    "created_by": "system", "revision": 1, "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct ManagementKey {
    pub id: String,
    pub hint: String,
    pub name: String,
    /// `active`, `expired` or `revoked`.
    pub status: String,
    pub owner_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<String>,
    /// Set when the key sees and touches only one organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    pub permissions: Vec<String>,
    /// The permissions of resources that the key may give to API keys; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grantable: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    pub created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_from: Option<String>,
    pub revision: i64,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Backend", "owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb", "permissions": ["keys:create", "credentials:verify"] }))]
pub struct CreateManagementKey {
    pub name: String,
    /// Mandatory: the person or team that answers for the key.
    pub owner_id: Option<String>,
    /// The human who will use it; the key then never may more than that operator's role.
    pub operator_id: Option<String>,
    /// Binds the key to one organization.
    pub organization_id: Option<String>,
    #[serde(default)]
    pub permissions: Vec<String>,
    /// Stands for a set of permissions: `viewer`, `operator`, `security` or `administrator`.
    pub role: Option<String>,
    pub grantable: Option<Vec<String>>,
    pub expires_at: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedManagementKey {
    #[serde(flatten)]
    pub key: ManagementKey,
    /// Shown this once. Absent when the same `Idempotency-Key` made the key before; `code` says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// `CREATED`, `ROTATED`, or `ALREADY_CREATED` without the secret.
    pub code: String,
    pub journal_seq: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "overlap_seconds": 3600 }))]
pub struct RotateManagementKey {
    pub overlap_seconds: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "superseded" }))]
pub struct RevokeManagementKey {
    pub reason: String,
}
