//! `/v1/journal`

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// One change, as the journal has it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "seq": 4711, "at": "2026-11-24T08:00:00Z", "kind": "api_key.revoked", "subject": "ak_06kD3vZ8yT1mXqP5w",
    "organization_id": "org_01kaxq2n6gf5t8y4cqz3m7w9xb",
    "actor": { "type": "management_key", "id": "mk_3mYv0cQ7rT9wKxZ2s", "owner": "own_01kaxq2n6gf5t8y4cqz3m7w9xb" },
    "request_id": "req_5k2v0w3m1q", "change": "chg_01kaxq2n6gf5t8y4cqz3m7w9xb",
    "data": { "reason": "key_compromise", "before": "active" },
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "previous": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
}))]
pub struct JournalEvent {
    pub seq: i64,
    pub at: String,
    pub kind: String,
    pub subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    #[schema(value_type = Object)]
    pub actor: Value,
    pub request_id: String,
    /// Events of one change carry the same.
    pub change: String,
    #[schema(value_type = Object)]
    pub data: Value,
    /// SHA-256, 64 hexadecimal digits.
    pub hash: String,
    /// The hash of the event before.
    pub previous: String,
}
