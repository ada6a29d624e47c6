//! `/v1/resources`

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "res_01kaxq2n6gf5t8y4cqz3m7w9xb", "identifier": "https://api.example.com", "name": "Posts API",
    "permissions": [{ "name": "posts:read", "risk": "low" }, { "name": "posts:write", "risk": "high" }], "revision": 1,
    "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct Resource {
    pub id: String,
    pub identifier: String,
    pub name: String,
    pub permissions: Vec<Permission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    pub revision: i64,
    pub created_at: String,
    pub updated_at: String,
}

/// One thing that may be done with the resource.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// 1 to 100 of `A-Z a-z 0-9 : . _ - / *`.
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub risk: Risk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    Low,
    Medium,
    High,
    Critical,
}

/// How access tokens for the resource shall look.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// `ES256`, `EdDSA`, `RS256` or `PS256`.
    pub alg: String,
    /// `at+jwt` (RFC 9068) or `JWT`.
    pub typ: String,
    /// 60 to 86,400.
    pub lifetime_seconds: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "identifier": "https://api.example.com", "name": "Posts API",
    "permissions": [{ "name": "posts:read", "risk": "low" }, { "name": "posts:write", "description": "Change posts", "risk": "high" }]
}))]
pub struct CreateResource {
    /// An absolute URI without fragment (RFC 8707).
    pub identifier: String,
    pub name: String,
    pub permissions: Vec<Permission>,
    pub token: Option<Token>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "permissions": [{ "name": "posts:read", "risk": "low" }], "cascade": true }))]
pub struct UpdateResource {
    pub name: Option<String>,
    /// The whole catalogue, as it shall be.
    pub permissions: Option<Vec<Permission>>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<Token>)]
    pub token: Option<Option<Token>>,
    /// Take removed permissions from the keys that hold them. Without it such a removal is refused with their count.
    #[serde(default)]
    pub cascade: bool,
}
