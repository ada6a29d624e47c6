//! Errors of the OAuth endpoints (RFC 6749 section 5.2): JSON with `error` and `error_description`, never a 5xx for bad input.

use axum::response::{IntoResponse, Response};
use claviger_authority::tokens::Refused;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::edge::Problem;

#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
    /// The client tried HTTP Basic, so that is what it is told to do better (RFC 6749 section 5.2).
    pub tried_basic: bool,
    retry_after_seconds: Option<i64>,
}

impl Refusal {
    pub fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into(), tried_basic: false, retry_after_seconds: None }
    }

    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    pub fn no_client() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "no client authentication: send client_id and client_secret by HTTP Basic or in the body, or a client_assertion",
        )
    }

    pub fn no_such_issuer() -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request", "there is no such issuer here")
    }

    pub fn with_basic(mut self, tried_basic: bool) -> Self {
        self.tried_basic = tried_basic;
        self
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let status = match refused {
            Refused::InvalidClient(_) | Refused::InvalidAssertion(_) => StatusCode::UNAUTHORIZED,
            Refused::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Refused::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let retry_after_seconds = match refused {
            Refused::TooMany(seconds) => Some(seconds),
            _ => None,
        };
        Self { retry_after_seconds, ..Self::new(status, refused.code(), refused.description()) }
    }
}

/// What went wrong before anything of OAuth began: a body too large or cut off.
impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let error = match problem.status {
            StatusCode::UNAUTHORIZED => "invalid_client",
            StatusCode::FORBIDDEN => "unauthorized_client",
            status if status.is_server_error() => "temporarily_unavailable",
            _ => "invalid_request",
        };
        let retry_after_seconds = (problem.status == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Self { retry_after_seconds, ..Self::new(problem.status, error, problem.detail) }
    }
}

impl From<claviger_authority::Error> for Refusal {
    fn from(error: claviger_authority::Error) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut headers = no_store();
        if self.status == StatusCode::UNAUTHORIZED && self.tried_basic {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"claviger\", charset=\"UTF-8\""));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        (self.status, headers, body.to_string()).into_response()
    }
}

/// JSON that nobody may keep: a token may be in it (RFC 6749 section 5.1).
pub fn no_store() -> HeaderMap {
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ])
}
