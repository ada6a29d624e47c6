//! Preconditions and repetitions: `If-Match`, `ETag` and `Idempotency-Key`.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use claviger_authority::idempotency::Idempotency;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::{Json, Problem};

/// The revision in `If-Match: "7"`, if the caller set that condition.
pub struct IfMatch(pub Option<i64>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let revision = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|revision| revision.parse().ok());
        match revision {
            Some(revision) => Ok(Self(Some(revision))),
            None => Err(Problem::invalid("If-Match", "is not an ETag that this server gave, such as \"7\"")),
        }
    }
}

/// The caller's `Idempotency-Key`, not yet bound to a body.
pub struct IdempotencyKey(Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let value = value.to_str().ok().filter(|_| values.next().is_none());
        value
            .map(|value| Self(Some(value.to_owned())))
            .ok_or_else(|| Problem::invalid("Idempotency-Key", "must come once, in visible ASCII"))
    }
}

impl IdempotencyKey {
    pub fn bind(&self, operation: &'static str, body: &[u8]) -> Result<Option<Idempotency>, Problem> {
        let Some(key) = &self.0 else { return Ok(None) };
        Idempotency::new(key, operation, body).map(Some).map_err(|detail| Problem::invalid("Idempotency-Key", detail))
    }
}

/// An answer with the `ETag` of its revision.
pub struct Versioned<T> {
    pub status: StatusCode,
    pub revision: i64,
    pub value: T,
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let etag = HeaderValue::try_from(format!("\"{}\"", self.revision)).expect("a number is a header value");
        (self.status, [(header::ETAG, etag)], Json::answer(self.value)).into_response()
    }
}
