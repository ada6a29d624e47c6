//! Problem documents (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a request was not done. `code` is stable; `detail` is for people and may change.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "https://claviger.dev/problems/INVALID_VALUE",
    "title": "A value cannot be accepted",
    "status": 422,
    "code": "INVALID_VALUE",
    "detail": "1 of the request's values cannot be accepted",
    "request_id": "req_5k2v0w3m1q",
    "errors": [{ "pointer": "/owner_id", "detail": "is missing: every key has an owner who answers for it" }]
}))]
pub struct Problem {
    pub r#type: String,
    pub title: String,
    pub status: u16,
    pub code: String,
    pub detail: String,
    pub request_id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body, or the name of a query parameter or header.
    pub pointer: String,
    pub detail: String,
}
