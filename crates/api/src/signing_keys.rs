//! `/v1/signing-keys`

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A key that signs access tokens, did so, or will. Its private half is in no answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "algorithm": "ES256", "status": "standby", "provider": "local",
    "jwk": {
        "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "use": "sig", "alg": "ES256",
        "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    },
    "usable_from": "2026-11-25T08:00:00Z", "created_at": "2026-11-24T08:00:00Z", "published_at": "2026-11-24T08:00:00Z", "revision": 1
}))]
pub struct SigningKey {
    /// The RFC 7638 thumbprint of the public half: what the `kid` of a token says.
    pub kid: String,
    /// `ES256`, `EdDSA`, `RS256` or `PS256`.
    pub algorithm: String,
    pub status: SigningKeyStatus,
    /// Who holds the private half: `local`, or the name of a device or service.
    pub provider: String,
    /// The public half (RFC 7517).
    #[schema(value_type = Object)]
    pub jwk: serde_json::Value,
    /// It signs nothing before: verifiers must have had time to see it. Not there for a key that need not wait: the first of its
    /// algorithm, or one in place of a compromised one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usable_from: Option<String>,
    pub created_at: String,
    pub published_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<String>,
    /// When it stopped signing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compromised_at: Option<String>,
    pub revision: i64,
}

/// `active` signs; `standby` is published and signs next; `retired` still verifies; `gone` and `compromised` do neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SigningKeyStatus {
    Active,
    Standby,
    Retired,
    Gone,
    Compromised,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "algorithm": "ES256" }))]
pub struct RotateSigningKey {
    /// `ES256`, `EdDSA`, `RS256` or `PS256`.
    pub algorithm: String,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "comment": "the backup of the master key was in a public bucket" }))]
pub struct CompromiseSigningKey {
    /// Kept in the journal for ever: no personal data.
    pub comment: Option<String>,
}

/// The keys of one algorithm after a change of them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({ "journal_seq": 42, "data": [] }))]
pub struct SigningKeysChanged {
    pub journal_seq: i64,
    pub data: Vec<SigningKey>,
}
