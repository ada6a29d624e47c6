//! `/v1/verify`: one call for every kind of credential.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is asked about a credential.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "credential": "acme_live_ak_06kD3vZ8yT1mXqP5w_…", "resource": "https://api.example.com",
    "permissions": ["posts:read"], "ip": "192.0.2.7"
}))]
pub struct VerifyRequest<'a> {
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub credential: Cow<'a, str>,
    /// Identifier of the resource that is called.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub resource: Option<Cow<'a, str>>,
    /// All of them must be held.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub permissions: Vec<Text<'a>>,
    /// The client address, for credentials bound to networks.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub ip: Option<Cow<'a, str>>,
    /// How many uses this one counts for; 0 looks without taking.
    #[serde(default)]
    pub cost: Option<u32>,
    /// Carried into the authentication event.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub tags: Vec<Text<'a>>,
    /// The answer must know of the journal at least up to here, or say `STALE`.
    #[serde(default)]
    pub min_seq: Option<i64>,
}

/// A text that is borrowed from the request where it holds no escapes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The answer, always with status 200. Everything after `code` is there once the secret matched.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "valid": true, "code": "VALID", "kind": "api_key", "lifecycle": "standing", "id": "ak_06kD3vZ8yT1mXqP5w",
    "organization_id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "environment": "live", "owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb",
    "resource": "https://api.example.com", "permissions": ["posts:read"], "decision_id": "dec_00f3a1b2c4d5e6f7", "as_of": { "journal_seq": 4711 }
}))]
pub struct VerifyResponse {
    pub valid: bool,
    /// In the order of the checks: `MALFORMED NOT_FOUND REVOKED EXPIRED DISABLED ORGANIZATION_SUSPENDED POLICY_BLOCKED
    /// NETWORK_NOT_ALLOWED INSUFFICIENT_PERMISSIONS RATE_LIMITED QUOTA_EXCEEDED VALID`, and `STALE` when this node has
    /// not heard of `min_seq`.
    pub code: String,
    /// `api_key` or `access_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `standing` or `ephemeral`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
    /// Of the key, or the `jti` of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The application that a token was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The credential that obtained the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minted_by: Option<String>,
    /// Of a bound token: accept it only together with a proof of the key that is named here (RFC 9449 section 7).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratelimit: Option<RateLimitState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaState>,
    pub decision_id: String,
    pub as_of: AsOf,
}

/// RFC 7800 section 3.1.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Confirmation {
    /// The RFC 7638 thumbprint of the holder's key.
    pub jkt: String,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RateLimitState {
    pub limit: i64,
    pub remaining: i64,
    /// Until everything is available again, or, when refused, until this use would be allowed.
    pub reset_seconds: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QuotaState {
    pub remaining: i64,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct AsOf {
    pub journal_seq: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "requests": [{ "credential": "acme_live_ak_06kD3vZ8yT1mXqP5w_…", "permissions": ["posts:read"] }] }))]
pub struct VerifyBatchRequest<'a> {
    /// 1 to 100.
    #[serde(borrow)]
    pub requests: Vec<VerifyRequest<'a>>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VerifyBatchResponse {
    /// One for each request, in their order.
    pub results: Vec<VerifyResponse>,
}

/// Who the caller is, from its own credential.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "kind": "api_key", "lifecycle": "standing", "id": "ak_06kD3vZ8yT1mXqP5w", "environment": "live",
    "organization_id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb",
    "resource": "https://api.example.com", "permissions": ["posts:read"]
}))]
pub struct WhoAmI {
    /// `api_key` or `management_key`.
    pub kind: String,
    pub lifecycle: String,
    pub id: String,
    pub environment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    pub owner_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    pub permissions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}
