//! `/v1/operators`

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A human who administers Claviger.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "opr_01kaxq2n6gf5t8y4cqz3m7w9xb", "name": "Grace Hopper", "email": "grace@example.com", "role": "security",
    "active": true, "permissions": ["keys:read", "keys:revoke"], "revision": 1,
    "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct Operator {
    pub id: String,
    pub name: String,
    pub email: String,
    /// `viewer`, `operator`, `security` or `administrator`.
    pub role: String,
    pub active: bool,
    /// What the role stands for.
    pub permissions: Vec<String>,
    pub revision: i64,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Grace Hopper", "email": "grace@example.com", "role": "security" }))]
pub struct CreateOperator {
    pub name: String,
    pub email: String,
    pub role: String,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "viewer" }))]
pub struct UpdateOperator {
    pub name: Option<String>,
    pub role: Option<String>,
    /// `false` closes every management key that the operator uses.
    pub active: Option<bool>,
}
