//! `/v1/gateway/auth-request`: one question of a gateway, answered by status and headers (nginx `auth_request`, and every
//! gateway that forwards a request's headers).

use std::borrow::Cow;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_authority::Authority;
use claviger_authority::credential;
use claviger_authority::gate::{Answer as Decision, Ask, Code, EnvironmentState};
use claviger_authority::tokens::{self, Verdict};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Shared};
use crate::app::App;
use crate::edge::service::Arrival;
use crate::edge::{Problem, Query};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// Identifier of the resource behind the gateway.
    resource: Option<String>,
    /// Permissions that the call needs, separated by spaces or commas.
    permissions: Option<String>,
    /// For imported keys, which name no environment themselves: the slug; `live` without.
    environment: Option<String>,
    /// The status of a refusal for rate or quota: 429, or 403 with `X-Auth-Error` for nginx, which turns 429 into 500.
    rate_limited: Option<u16>,
}

/// Answers 200 with identity headers, or 401, 403 or 429. The caller's own credential is what is judged, so no other is needed.
#[utoipa::path(get, path = "/v1/gateway/auth-request", tag = "verify", params(Question), security(()), responses(
    (status = 200, description = "Let it pass; the identity is in `X-Auth-Request-*` headers"),
    (status = 401, description = "No credential, or a bad one", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
    (status = 403, description = "A permission is missing, or the network is not allowed", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
    (status = 429, description = "Rate or quota is used up", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
))]
pub async fn auth_request(
    State(app): Shared,
    Extension(arrival): Extension<Arrival>,
    Query(question): Query<Question>,
    headers: HeaderMap,
) -> Answer<Response> {
    if let Some(id) = credential_in_query(&headers) {
        // The address stands in every log on the way: the key must be considered leaked.
        tracing::warn!(
            credential = id,
            request_id = arrival.request_id.as_str(),
            "a credential came in a query string; revoke it as leak_report"
        );
        return Ok(denied(Code::Malformed, &question, None, Some("CREDENTIAL_IN_QUERY")));
    }
    let Some(presented) = presented(&headers) else { return Ok(unauthenticated()) };
    let authority: &Authority = &app.authority;
    let slug = question.environment.as_deref().unwrap_or("live");
    let of_credential = authority.gate.environment_of(&presented).or_else(|| tokens::environment_of(authority, &presented));
    let environment = match of_credential.or_else(|| authority.gate.environment_named(slug)) {
        Some(environment) => environment,
        None => return Ok(denied(Code::NotFound, &question, None, None)),
    };
    let permissions = question.permissions.as_deref().unwrap_or("");
    let ask = Ask {
        resource: question.resource.as_deref().map(Cow::Borrowed),
        permissions: permissions.split([' ', ',', '+']).filter(|name| !name.is_empty()).map(Cow::Borrowed).collect(),
        client: Some(arrival.client),
        ..Ask::default()
    };
    if tokens::looks_like_token(&presented) {
        let verdict = tokens::verify(authority, &environment, &presented, &ask).await?;
        // What is no token after all may be an imported key of that form.
        if verdict.code != Code::Malformed {
            app.metrics.outcome(verdict.code as usize);
            return Ok(of_token(&app, &environment, &question, &verdict));
        }
    }
    let decision = authority.gate.verify(authority.db(), &environment, &presented, &ask).await?;
    app.metrics.outcome(decision.code as usize);
    if decision.code != Code::Valid {
        return Ok(denied(decision.code, &question, Some(&decision), None));
    }
    let mut response = let_through(&app, identity(&decision, environment.environment.load().slug.clone()));
    rate_headers(&decision, response.headers_mut());
    Ok(response)
}

fn let_through(app: &App, identity: Vec<(&'static str, String)>) -> Response {
    let mut response = StatusCode::OK.into_response();
    for (name, value) in identity {
        let name = HeaderName::try_from(format!("{}{name}", app.gateway.header_prefix));
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn of_token(app: &App, environment: &EnvironmentState, question: &Question, verdict: &Verdict) -> Response {
    let Some(told) = verdict.token.as_ref().filter(|_| verdict.code == Code::Valid) else {
        return denied(verdict.code, question, None, None);
    };
    // Whether the holder has the key, a gateway does not ask; without that a bound token is worth nothing.
    if told.token.bound_to.is_some() {
        return denied(Code::NotFound, question, None, Some("BOUND_TOKEN"));
    }
    let identity = vec![
        ("Credential-Id", told.token.minted_by.clone()),
        ("Organization-Id", told.token.organization.clone()),
        ("Owner-Id", told.client.owner.to_string()),
        ("Permissions", told.permissions.join(" ")),
        ("Environment", environment.environment.load().slug.clone()),
    ];
    let_through(app, identity)
}

/// Bearer, `X-API-Key`, or the user name of Basic.
fn presented(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = headers.get("x-api-key").and_then(|value| value.to_str().ok()) {
        return Some(key.trim().to_owned());
    }
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        return decoded.split(':').next().map(str::to_owned);
    }
    None
}

/// The public id of a credential that stands in the query of the original address.
fn credential_in_query(headers: &HeaderMap) -> Option<String> {
    let uri = ["x-original-uri", "x-forwarded-uri"].iter().find_map(|name| headers.get(*name))?.to_str().ok()?;
    let (_, query) = uri.split_once('?')?;
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).ok()?;
    pairs.iter().find_map(|(_, value)| credential::parse(value).ok().map(|parsed| format!("{}_{}", parsed.class.as_str(), parsed.id)))
}

fn identity(decision: &Decision, slug: String) -> Vec<(&'static str, String)> {
    let Some(holder) = &decision.holder else { return Vec::new() };
    vec![
        ("Credential-Id", holder.public_id()),
        ("Organization-Id", holder.organization().map(|organization| organization.text.clone()).unwrap_or_default()),
        ("Owner-Id", holder.owner.to_string()),
        ("Permissions", holder.grants().map(|grants| grants.permissions.join(" ")).unwrap_or_default()),
        ("Environment", slug),
    ]
}

fn rate_headers(decision: &Decision, headers: &mut HeaderMap) {
    let Some(rate) = decision.rate else { return };
    for (name, value) in [("ratelimit-limit", rate.limit), ("ratelimit-remaining", rate.remaining), ("ratelimit-reset", rate.reset_seconds)]
    {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}

fn unauthenticated() -> Response {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "NO_CREDENTIAL",
        "No credential was given",
        "send `Authorization: Bearer <key>` or `X-API-Key: <key>`",
    )
    .into_response()
}

fn denied(code: Code, question: &Question, decision: Option<&Decision>, named: Option<&'static str>) -> Response {
    let (status, challenge, detail) = match code {
        Code::InsufficientPermissions => {
            let scope = question.permissions.as_deref().unwrap_or("").replace([',', '"', '\\'], " ");
            (
                StatusCode::FORBIDDEN,
                Some(format!("Bearer realm=\"claviger\", error=\"insufficient_scope\", scope=\"{scope}\"")),
                "the key lacks a permission",
            )
        }
        Code::NetworkNotAllowed => (StatusCode::FORBIDDEN, None, "the key may not be used from this network"),
        Code::RateLimited | Code::QuotaExceeded if question.rate_limited == Some(403) => (StatusCode::FORBIDDEN, None, "too many requests"),
        Code::RateLimited | Code::QuotaExceeded => (StatusCode::TOO_MANY_REQUESTS, None, "too many requests"),
        Code::Stale => (StatusCode::SERVICE_UNAVAILABLE, None, "this node cannot tell at the moment"),
        _ => (StatusCode::UNAUTHORIZED, Some("Bearer realm=\"claviger\", error=\"invalid_token\"".to_owned()), "the key cannot be used"),
    };
    let code = named.unwrap_or(code.as_str());
    let mut response = Problem::new(status, code, "Not let through", detail).into_response();
    let headers = response.headers_mut();
    if let Some(challenge) = challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    headers.insert("x-auth-error", HeaderValue::from_static(code));
    if let Some(decision) = decision {
        rate_headers(decision, headers);
        if let Some(rate) = decision.rate.filter(|rate| !rate.allowed) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(rate.reset_seconds));
        }
    }
    response
}
