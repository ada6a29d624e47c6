//! `/oauth2/jwks`: the public keys that tokens are verified with, for everybody. Answered from memory.
//!
//! They lie below the issuer of their environment: for the default one at the bare address, for any by its slug.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use claviger_authority::environments;
use claviger_authority::ids::EnvironmentId;
use claviger_authority::tokens::signing::JWKS_MAX_AGE_SECONDS;
use http::{HeaderMap, StatusCode, header};

use super::{Answer, Shared};
use crate::app::App;
use crate::edge::Problem;

/// The keys of the environment `live`.
#[utoipa::path(get, path = "/oauth2/jwks", tag = "oauth2", security(()), responses(
    (status = 200, description = "A JWK Set (RFC 7517); keep it for 300 seconds", body = Object, example = json!({ "keys": [] })),
    (status = 304, description = "It is as `If-None-Match` says"),
))]
pub async fn jwks(State(app): Shared, headers: HeaderMap) -> Answer<Response> {
    key_set(&app, environments::DEFAULT, &headers)
}

/// The keys of an environment, below the path of its issuer.
#[utoipa::path(get, path = "/{environment}/oauth2/jwks", tag = "oauth2", security(()), params(("environment" = String, Path, description = "Slug", example = "test")), responses(
    (status = 200, description = "A JWK Set (RFC 7517); keep it for 300 seconds", body = Object, example = json!({ "keys": [] })),
    (status = 304, description = "It is as `If-None-Match` says"),
    (status = 404, description = "There is no such environment", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
))]
pub async fn jwks_of(State(app): Shared, Path(environment): Path<String>, headers: HeaderMap) -> Answer<Response> {
    key_set(&app, &environment, &headers)
}

/// One key of the environment `live` as PEM, for programs that read no JWK, such as HAProxy.
#[utoipa::path(get, path = "/oauth2/keys/{file}", tag = "oauth2", security(()), params(("file" = String, Path, description = "`<kid>.pem`", example = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs.pem")), responses(
    (status = 200, description = "SubjectPublicKeyInfo as PEM; keep it for 300 seconds", body = String, content_type = "application/x-pem-file"),
    (status = 304, description = "It is as `If-None-Match` says"),
    (status = 404, description = "There is no such key, or not any more", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
))]
pub async fn pem(State(app): Shared, Path(file): Path<String>, headers: HeaderMap) -> Answer<Response> {
    key_file(&app, environments::DEFAULT, &file, &headers)
}

/// One key of an environment as PEM, below the path of its issuer.
#[utoipa::path(get, path = "/{environment}/oauth2/keys/{file}", tag = "oauth2", security(()), params(("environment" = String, Path, description = "Slug", example = "test"), ("file" = String, Path, description = "`<kid>.pem`", example = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs.pem")), responses(
    (status = 200, description = "SubjectPublicKeyInfo as PEM; keep it for 300 seconds", body = String, content_type = "application/x-pem-file"),
    (status = 304, description = "It is as `If-None-Match` says"),
    (status = 404, description = "There is no such environment or key, or not any more", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
))]
pub async fn pem_of(State(app): Shared, Path((environment, file)): Path<(String, String)>, headers: HeaderMap) -> Answer<Response> {
    key_file(&app, &environment, &file, &headers)
}

fn key_set(app: &Arc<App>, environment: &str, headers: &HeaderMap) -> Answer<Response> {
    let jwks = app.authority.signing_keys.jwks(named(app, environment)?).ok_or_else(not_found)?;
    Ok(cacheable(headers, "application/json", &jwks.etag, || jwks.text.clone()))
}

fn key_file(app: &Arc<App>, environment: &str, file: &str, headers: &HeaderMap) -> Answer<Response> {
    let environment = named(app, environment)?;
    let kid = file.strip_suffix(".pem").ok_or_else(not_found)?;
    let key = app.authority.signing_keys.verifying(environment, kid).ok_or_else(not_found)?;
    // The id is the digest of the key.
    Ok(cacheable(headers, "application/x-pem-file", &format!("\"{kid}\""), || key.pem.clone()))
}

/// By its slug alone: an id is in no issuer.
fn named(app: &App, slug: &str) -> Answer<EnvironmentId> {
    let found = app.authority.gate.environment_named(slug).ok_or_else(not_found)?;
    if found.environment.load().slug == slug { Ok(found.id) } else { Err(not_found()) }
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such thing", "no environment or no key of that name is published here")
}

/// The body, or 304 for who has it (RFC 9110 section 13.1.2).
fn cacheable(headers: &HeaderMap, content_type: &'static str, etag: &str, body: impl FnOnce() -> String) -> Response {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known.flat_map(|value| value.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    });
    let caching = [(header::CACHE_CONTROL, format!("public, max-age={JWKS_MAX_AGE_SECONDS}")), (header::ETAG, etag.to_owned())];
    match is_known {
        true => (StatusCode::NOT_MODIFIED, caching).into_response(),
        false => (caching, [(header::CONTENT_TYPE, content_type)], body()).into_response(),
    }
}
