//! `/v1/organizations`

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "name": "Initech", "external_id": "customer-42", "status": "active",
    "status_changed_at": "2026-11-24T08:00:00Z", "metadata": { "plan": "pro" }, "revision": 1,
    "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct Organization {
    pub id: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// `active`, `suspended` or `offboarded`.
    pub status: String,
    pub status_changed_at: String,
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    pub revision: i64,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Initech", "external_id": "customer-42", "metadata": { "plan": "pro" } }))]
pub struct CreateOrganization {
    /// 1 to 200 characters.
    pub name: String,
    /// Your own id of it, unique in the environment.
    pub external_id: Option<String>,
    /// At most 50 flat entries and 4 KiB.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Map<String, Value>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Initech Ltd", "external_id": null }))]
pub struct UpdateOrganization {
    pub name: Option<String>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<String>)]
    pub external_id: Option<Option<String>>,
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "dry_run": true }))]
pub struct OffboardOrganization {
    /// Only count what would be revoked.
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "organization": {
        "id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "name": "Initech", "status": "offboarded",
        "status_changed_at": "2026-11-24T08:00:00Z", "metadata": {}, "revision": 2,
        "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
    },
    "revoked_api_keys": 17, "revoked_applications": 2, "dry_run": false, "journal_seq": 4711
}))]
pub struct Offboarded {
    pub organization: Organization,
    /// How many keys were, or would be, revoked.
    pub revoked_api_keys: usize,
    /// How many applications were, or would be, with all their credentials.
    pub revoked_applications: usize,
    pub dry_run: bool,
    pub journal_seq: i64,
}
