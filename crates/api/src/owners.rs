//! `/v1/owners`

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb", "name": "Ada Lovelace", "email": "ada@initech.example", "type": "person",
    "organization_id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "status": "active", "revision": 1,
    "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct Owner {
    pub id: String,
    pub name: String,
    pub email: String,
    pub r#type: OwnerType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// `active` or `departed`.
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub departed_at: Option<String>,
    pub revision: i64,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OwnerType {
    Person,
    Team,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Ada Lovelace", "email": "ada@initech.example", "type": "person" }))]
pub struct CreateOwner {
    pub name: String,
    pub email: String,
    pub r#type: OwnerType,
    /// The customer it belongs to; without one it is one of your own people.
    pub organization_id: Option<String>,
    pub external_id: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ada.lovelace@initech.example" }))]
pub struct UpdateOwner {
    pub name: Option<String>,
    pub email: Option<String>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<String>)]
    pub external_id: Option<Option<String>>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "owner": {
        "id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb", "name": "Ada Lovelace", "email": "ada@initech.example", "type": "person",
        "status": "departed", "departed_at": "2026-11-24T08:00:00Z", "revision": 2,
        "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
    },
    "orphaned_api_keys": ["ak_06kD3vZ8yT1mXqP5w"], "orphaned_applications": [], "orphaned_management_keys": [],
    "journal_seq": 4711
}))]
pub struct Departed {
    pub owner: Owner,
    /// Credentials that work on without anybody who answers for them: transfer them.
    pub orphaned_api_keys: Vec<String>,
    pub orphaned_applications: Vec<String>,
    pub orphaned_management_keys: Vec<String>,
    pub journal_seq: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "to_owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb" }))]
pub struct TransferCredentials {
    pub to_owner_id: String,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "from_owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb", "to_owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xc",
    "api_keys": ["ak_06kD3vZ8yT1mXqP5w"], "applications": [], "management_keys": [], "journal_seq": 4711
}))]
pub struct Transferred {
    pub from_owner_id: String,
    pub to_owner_id: String,
    pub api_keys: Vec<String>,
    pub applications: Vec<String>,
    pub management_keys: Vec<String>,
    pub journal_seq: i64,
}
