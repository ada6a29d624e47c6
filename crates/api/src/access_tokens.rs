//! `/v1/access-tokens`: what the management plane can do to tokens, which are stored nowhere.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which access token to give up: itself, or its application and `jti` where only those are known, as from a log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "application_id": "app_01kaxq2n6gf5t8y4cqz3m7w9xb", "jti": "3q2-7wAAAAAAAAAAAAAAAA" }))]
pub struct RevokeAccessToken {
    #[serde(default)]
    pub token: Option<String>,
    #[serde(default)]
    pub application_id: Option<String>,
    #[serde(default)]
    pub jti: Option<String>,
}

/// From here on no verification that begins accepts it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({ "journal_seq": 4711 }))]
pub struct RevokedAccessToken {
    pub journal_seq: i64,
}
