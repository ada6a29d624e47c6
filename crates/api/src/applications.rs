//! `/v1/applications` and `/v1/application-secrets`

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::api_keys::{Effect, RateLimit, Revocation};

/// An M2M application: a client of the token endpoint (OAuth 2.0 client credentials).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "app_01kaxq2n6gf5t8y4cqz3m7w9xb", "status": "active",
    "organization_id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb",
    "name": "Billing sync", "resources": [{ "identifier": "https://api.example.com", "permissions": ["posts:read"] }],
    "require_dpop": false, "metadata": {}, "tags": ["erp"], "created_by": "mk_3mYv0cQ7rT9wKxZ2s", "revision": 1,
    "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct Application {
    /// The `client_id`.
    pub id: String,
    /// `active`, `disabled` or `revoked`.
    pub status: String,
    pub organization_id: String,
    pub owner_id: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// What it may ask tokens for.
    pub resources: Vec<ApplicationResource>,
    /// Without it the resource's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_lifetime_seconds: Option<i64>,
    /// Only tokens bound to a key (RFC 9449).
    pub require_dpop: bool,
    /// Of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratelimit: Option<RateLimit>,
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    pub created_by: String,
    pub revision: i64,
    pub created_at: String,
    pub updated_at: String,
}

/// A resource by its identifier, and the most that tokens may allow there.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationResource {
    pub identifier: String,
    #[serde(default)]
    pub permissions: Vec<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "organization_id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb", "owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb", "name": "Billing sync",
    "resources": [{ "identifier": "https://api.example.com", "permissions": ["posts:read"] }], "token_lifetime_seconds": 600
}))]
pub struct CreateApplication {
    /// Mandatory.
    pub organization_id: Option<String>,
    /// Mandatory: the person or team that answers for the application.
    pub owner_id: Option<String>,
    #[serde(default)]
    pub name: String,
    pub purpose: Option<String>,
    #[serde(default)]
    pub resources: Vec<ApplicationResource>,
    /// 60 to 86400; without it the resource's.
    pub token_lifetime_seconds: Option<i64>,
    #[serde(default)]
    pub require_dpop: bool,
    pub ratelimit: Option<RateLimit>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Map<String, Value>,
    #[serde(default)]
    pub tags: Vec<String>,
}

/// An application just made. It obtains nothing until it has a credential.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedApplication {
    #[serde(flatten)]
    pub application: Application,
    /// `CREATED`, or `ALREADY_CREATED` with the same `Idempotency-Key` before.
    pub code: String,
    pub journal_seq: i64,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "resources": [{ "identifier": "https://api.example.com", "permissions": [] }], "require_dpop": true }))]
pub struct UpdateApplication {
    pub name: Option<String>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<String>)]
    pub purpose: Option<Option<String>>,
    pub owner_id: Option<String>,
    /// All resources as they shall be. Taking away is free; giving more needs `applications:create`.
    pub resources: Option<Vec<ApplicationResource>>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<i64>)]
    pub token_lifetime_seconds: Option<Option<i64>>,
    pub require_dpop: Option<bool>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<RateLimit>)]
    pub ratelimit: Option<Option<RateLimit>>,
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
    pub tags: Option<Vec<String>>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "no_longer_needed", "comment": "replaced by the new ERP" }))]
pub struct RevokeApplication {
    /// `key_compromise`, `superseded`, `owner_departed`, `no_longer_needed`, `privilege_withdrawn`,
    /// `organization_offboarded`, `policy`, `leak_report` or `unspecified`.
    pub reason: String,
    pub comment: Option<String>,
}

/// A change that is in force.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangedApplication {
    #[serde(flatten)]
    pub application: Application,
    #[serde(flatten)]
    pub effect: Effect,
}

/// What every credential of an application is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ApplicationCredential {
    pub id: String,
    /// `client_secret`, `public_key`, `certificate` or `trust`.
    pub kind: String,
    /// Always `minting`: it obtains tokens.
    pub lifecycle: String,
    /// `active`, `expired` or `revoked`.
    pub status: String,
    pub application_id: String,
    pub name: String,
    /// Enough for people to recognise it.
    pub hint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<CredentialRevocation>,
    pub created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_from: Option<String>,
    pub use_count: i64,
    pub revision: i64,
    pub created_at: String,
    pub updated_at: String,
}

/// The end of a credential, which nothing takes back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CredentialRevocation {
    pub revoked_at: String,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A client secret, without its text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "cs_06kD3vZ8yT1mXqP5w", "kind": "client_secret", "lifecycle": "minting", "status": "active",
    "application_id": "app_01kaxq2n6gf5t8y4cqz3m7w9xb", "name": "Production", "hint": "acme_live_cs_06kD…x9Qz",
    "stored_in": "vault kv/prod/billing", "created_by": "mk_3mYv0cQ7rT9wKxZ2s", "use_count": 0, "revision": 1,
    "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct ClientSecret {
    #[serde(flatten)]
    pub credential: ApplicationCredential,
    /// Where the application keeps it, as somebody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_in: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Production", "expires_at": "2027-02-24T00:00:00Z", "stored_in": "vault kv/prod/billing" }))]
pub struct CreateClientSecret {
    pub name: Option<String>,
    pub expires_at: Option<String>,
    /// Where the application keeps it.
    pub stored_in: Option<String>,
}

/// A client secret just made. Its text is shown this once and kept nowhere.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedClientSecret {
    #[serde(flatten)]
    pub client_secret: ClientSecret,
    /// Absent when the same `Idempotency-Key` made it before; `code` says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// `CREATED`, or `ALREADY_CREATED` without the secret.
    pub code: String,
    pub journal_seq: i64,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "stored_in": "vault kv/prod/billing", "expires_at": null }))]
pub struct UpdateClientSecret {
    pub name: Option<String>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<String>)]
    pub stored_in: Option<Option<String>>,
    #[serde(default, deserialize_with = "crate::present")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Option<String>>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "overlap_seconds": 86400, "stored_in": "vault kv/prod/billing" }))]
pub struct RotateClientSecret {
    /// For how long the secret before works on; 0 to 90 days.
    pub overlap_seconds: i64,
    pub name: Option<String>,
    pub expires_at: Option<String>,
    pub stored_in: Option<String>,
}

/// The new secret, and the one before with the end that it has now.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RotatedClientSecret {
    #[serde(flatten)]
    pub client_secret: ClientSecret,
    /// Shown this once and kept nowhere.
    pub secret: String,
    pub previous: ClientSecret,
    pub journal_seq: i64,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "superseded", "tokens": "live" }))]
pub struct RevokeCredential {
    /// As for applications.
    pub reason: String,
    pub comment: Option<String>,
    /// `live` (default): tokens that it obtained work until they expire. `die`: they are refused from now on, as always
    /// after `key_compromise` and `leak_report`.
    pub tokens: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "comment": "in a public repository", "replace": true }))]
pub struct CompromiseClientSecret {
    pub comment: Option<String>,
    /// Issue a new secret in the same change, with the name and place of the old one.
    #[serde(default)]
    pub replace: bool,
}

/// A secret that is dead, with every token that it obtained, and what took its place.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CompromisedClientSecret {
    #[serde(flatten)]
    pub client_secret: ClientSecret,
    /// Networks that it was used from: for now the last address.
    pub used_from: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<ReplacementSecret>,
    #[serde(flatten)]
    pub effect: Effect,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReplacementSecret {
    #[serde(flatten)]
    pub client_secret: ClientSecret,
    /// Shown this once and kept nowhere.
    pub secret: String,
}

/// A client secret in the inventory, with whose it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ListedClientSecret {
    #[serde(flatten)]
    pub client_secret: ClientSecret,
    pub age_days: i64,
    pub application_name: String,
    pub application_status: String,
    pub organization_id: String,
    pub owner_id: String,
}

/// A public key, or the address of public keys, that an application signs assertions for (private_key_jwt, RFC 7523).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "key_01kaxq2n6gf5t8y4cqz3m7w9xb", "kind": "public_key", "lifecycle": "minting", "status": "active",
    "application_id": "app_01kaxq2n6gf5t8y4cqz3m7w9xb", "name": "Production", "hint": "kPrK_qmx",
    "jwk": { "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "alg": "EdDSA", "use": "sig",
             "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" },
    "created_by": "mk_3mYv0cQ7rT9wKxZ2s", "use_count": 0, "revision": 1,
    "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct ClientKey {
    #[serde(flatten)]
    pub credential: ApplicationCredential,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub jwk: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Production", "jwk": { "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }
}))]
pub struct CreateClientKey {
    pub name: Option<String>,
    /// The public half of a key for ES256, EdDSA or PS256 (RFC 7517); or `jwks_uri`.
    #[schema(value_type = Option<Object>)]
    pub jwk: Option<Value>,
    /// An https address where the application publishes its keys; or `jwk`.
    pub jwks_uri: Option<String>,
    pub expires_at: Option<String>,
}

/// A client certificate (RFC 8705).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "crt_01kaxq2n6gf5t8y4cqz3m7w9xb", "kind": "certificate", "lifecycle": "minting", "status": "active",
    "application_id": "app_01kaxq2n6gf5t8y4cqz3m7w9xb", "name": "Production", "hint": "billing.example.com",
    "method": "tls_client_auth", "san_dns": "billing.example.com", "created_by": "mk_3mYv0cQ7rT9wKxZ2s", "use_count": 0, "revision": 1,
    "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct ClientCertificate {
    #[serde(flatten)]
    pub credential: ApplicationCredential,
    /// `self_signed` or `tls_client_auth`.
    pub method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_dn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub san_dns: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub san_uri: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Production", "method": "tls_client_auth", "san_dns": "billing.example.com" }))]
pub struct CreateClientCertificate {
    pub name: Option<String>,
    /// `self_signed` (known by its thumbprint) or `tls_client_auth` (issued by an authority to exactly one subject).
    #[serde(default)]
    pub method: String,
    /// For `self_signed`: the certificate; or its thumbprint.
    pub certificate_pem: Option<String>,
    /// SHA-256 of the certificate's DER, as base64url.
    pub x5t_s256: Option<String>,
    pub subject_dn: Option<String>,
    pub san_dns: Option<String>,
    pub san_uri: Option<String>,
}

/// Tokens of another issuer that stand for the application (workload federation): no secret at all.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "trs_01kaxq2n6gf5t8y4cqz3m7w9xb", "kind": "trust", "lifecycle": "minting", "status": "active",
    "application_id": "app_01kaxq2n6gf5t8y4cqz3m7w9xb", "name": "Deploys", "hint": "token.actions.githubusercontent.com",
    "issuer": "https://token.actions.githubusercontent.com", "audience": "https://auth.example.com",
    "subject": "repo:example/shop:ref:refs/heads/main", "claims": {},
    "created_by": "mk_3mYv0cQ7rT9wKxZ2s", "use_count": 0, "revision": 1,
    "created_at": "2026-11-24T08:00:00Z", "updated_at": "2026-11-24T08:00:00Z"
}))]
pub struct Trust {
    #[serde(flatten)]
    pub credential: ApplicationCredential,
    pub issuer: String,
    pub audience: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub claims: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Deploys", "issuer": "https://token.actions.githubusercontent.com", "audience": "https://auth.example.com",
    "subject": "repo:example/shop:ref:refs/heads/*", "claims": { "environment": "production" }
}))]
pub struct CreateTrust {
    pub name: Option<String>,
    /// The `iss` of its tokens: an https address.
    #[serde(default)]
    pub issuer: String,
    /// The `aud` of its tokens.
    #[serde(default)]
    pub audience: String,
    /// The `sub` of its tokens, with `*` for any characters. A subject or a claim is mandatory.
    pub subject: Option<String>,
    /// Further claims, each with a value as the subject has.
    #[serde(default)]
    pub claims: BTreeMap<String, String>,
    /// Where the issuer's keys are; without it the issuer's metadata says.
    pub jwks_uri: Option<String>,
}

/// A credential just made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Created<T> {
    #[serde(flatten)]
    pub credential: T,
    /// `CREATED`, or `ALREADY_CREATED` with the same `Idempotency-Key` before.
    pub code: String,
    pub journal_seq: i64,
}

/// A change of a credential that is in force.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Changed<T> {
    #[serde(flatten)]
    pub credential: T,
    #[serde(flatten)]
    pub effect: Effect,
}
