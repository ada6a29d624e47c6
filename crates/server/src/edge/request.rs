//! What stands in the address: ids and query parameters, parsed strictly.

use axum::extract::FromRequestParts;
use axum::extract::rejection::QueryRejection;
use claviger_authority::page::Paging;
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::str::FromStr;

use super::Problem;

/// The id in a path such as `/v1/owners/{id}`. A text that is no id names nothing: 404.
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = path.map(|path| path.0).unwrap_or_default();
        text.parse().map(Self).map_err(|_| no_id())
    }
}

/// The two ids in a path such as `/v1/applications/{id}/secrets/{credential_id}`.
pub struct Ids<A, B>(pub A, pub B);

impl<S: Send + Sync, A: FromStr, B: FromStr> FromRequestParts<S> for Ids<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<(String, String)>::from_request_parts(parts, state).await;
        let (outer, inner) = path.map(|path| path.0).unwrap_or_default();
        Ok(Self(outer.parse().map_err(|_| no_id())?, inner.parse().map_err(|_| no_id())?))
    }
}

/// What was sent may be a whole credential by mistake: it is not repeated.
fn no_id() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such thing", "the id in the path is not one of this kind")
}

/// Query parameters; unknown ones are refused and named.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parsed: Result<axum::extract::Query<T>, QueryRejection> = axum::extract::Query::from_request_parts(parts, state).await;
        parsed.map(|query| Self(query.0)).map_err(|rejection| {
            let text = rejection.body_text();
            let detail = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text).to_owned();
            Problem::new(StatusCode::BAD_REQUEST, "INVALID_QUERY", "A query parameter cannot be accepted", detail)
        })
    }
}

/// `?cursor=&limit=`; lists with filters name these two themselves, for a flattened struct reads only strings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

impl PageQuery {
    pub fn paging(self) -> Paging {
        Paging { cursor: self.cursor, limit: self.limit }
    }
}
