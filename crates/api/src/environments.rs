//! `/v1/environments`

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "env_01kaxq2n6gf5t8y4cqz3m7w9xb", "slug": "live", "name": "Live", "key_prefix": "acme_live",
    "issuer": "https://auth.example.com/live", "revision": 1,
    "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct Environment {
    pub id: String,
    /// The name in addresses and in the header `Claviger-Environment`.
    pub slug: String,
    pub name: String,
    /// What its credentials begin with; fixed for ever.
    pub key_prefix: String,
    pub issuer: String,
    pub revision: i64,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "slug": "staging", "name": "Staging", "key_prefix": "acme_staging" }))]
pub struct CreateEnvironment {
    /// 1 to 32 of `a-z 0-9 -`.
    pub slug: String,
    pub name: String,
    /// 2 to 32 of `a-z 0-9 _`; never one of another vendor's, such as `sk_live`.
    pub key_prefix: String,
    pub issuer: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Production" }))]
pub struct UpdateEnvironment {
    pub name: Option<String>,
    pub issuer: Option<String>,
}
