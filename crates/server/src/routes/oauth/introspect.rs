//! `POST /oauth2/introspect` (RFC 7662): one endpoint for access tokens and API keys. Whatever is wrong with a token, the
//! answer is the same one: inactive.

use std::borrow::Cow;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use claviger_authority::gate::{Ask, Code, EnvironmentRef};
use claviger_authority::ids::OrganizationId;
use claviger_authority::tokens;
use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::Issuer;
use super::client::Presented;
use super::form::Form;
use super::refusal::{Refusal, no_store};
use crate::app::App;
use crate::edge::caller::{VERIFY, bearer};
use crate::edge::service::Arrival;
use crate::routes::Shared;

/// Says whether a token is active, to a management key with `credentials:verify` or to an application about tokens of its organization.
#[utoipa::path(post, path = "/oauth2/introspect", tag = "oauth2", security(()), request_body(content_type = "application/x-www-form-urlencoded", content = String, example = "token=eyJhbGciOiJFUzI1NiJ9.…"), responses(
    (status = 200, description = "RFC 7662 section 2.2; for anything that is not good now exactly `active` = false", body = serde_json::Value),
    (status = 401, description = "The caller did not authenticate"),
))]
pub async fn introspect(
    State(app): Shared,
    Issuer(environment): Issuer,
    Extension(arrival): Extension<Arrival>,
    request: Request,
) -> Response {
    answer(&app, environment, &arrival, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(app: &App, environment: EnvironmentRef, arrival: &Arrival, mut request: Request) -> Result<Response, Refusal> {
    let form = Form::read(&mut request, app.http.body_limit_bytes.get()).await?;
    let headers = request.into_parts().0.headers;
    let (environment, only) = caller(app, environment, &headers, &form, arrival).await?;
    let token = form.get("token").ok_or_else(|| Refusal::invalid_request("the parameter token is missing"))?;
    let body = active(app, &environment, only, token).await?.unwrap_or_else(|| json!({ "active": false }));
    Ok((no_store(), body.to_string()).into_response())
}

/// Where the caller may ask, and about which organization only.
async fn caller(
    app: &App,
    named: EnvironmentRef,
    headers: &HeaderMap,
    form: &Form,
    arrival: &Arrival,
) -> Result<(EnvironmentRef, Option<OrganizationId>), Refusal> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    if authorization.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer ")) {
        let bearer = bearer(headers)?.unwrap_or_default();
        let slug = named.environment.load().slug.clone();
        let (scope, _) = app.authority.gate.caller(app.authority.db(), bearer, Some(&slug), VERIFY).await?;
        return Ok(scope);
    }
    let presented = Presented::read(headers, form)?;
    let authenticated = presented.authenticate(app, &named, arrival.client).await?;
    Ok((named, Some(authenticated.client.organization)))
}

/// What is told of a token that is good now.
async fn active(app: &App, environment: &EnvironmentRef, only: Option<OrganizationId>, text: &str) -> Result<Option<Value>, Refusal> {
    // Looking is not using: nothing is taken from a limit.
    let ask = Ask { only, cost: Some(0), resource: None::<Cow<'_, str>>, ..Ask::default() };
    let issuer = environment.environment.load().issuer.clone();
    if tokens::looks_like_token(text) {
        let verdict = tokens::verify(&app.authority, environment, text, &ask).await?;
        app.metrics.outcome(verdict.code as usize);
        let Some(told) = verdict.token.filter(|_| verdict.code == Code::Valid) else { return Ok(None) };
        let token = &told.token;
        let kind = if token.bound_to.is_some() { "DPoP" } else { "Bearer" };
        let mut told_of = json!({
            "active": true, "iss": issuer, "token_type": kind, "client_id": token.client_id, "sub": token.client_id,
            "aud": audience(&token.audiences), "scope": told.permissions.join(" "), "org_id": token.organization, "jti": token.jti,
            "iat": token.issued_at, "nbf": token.issued_at, "exp": token.expires_at, "minted_by": token.minted_by,
        });
        if let Some(thumbprint) = &token.bound_to {
            told_of["cnf"] = json!({ "jkt": thumbprint });
        }
        return Ok(Some(told_of));
    }
    let answer = app.authority.gate.verify(app.authority.db(), environment, text, &ask).await?;
    app.metrics.outcome(answer.code as usize);
    // Networks, rates and permissions are of the call that the key is used for, which nobody makes here.
    let is_good = matches!(answer.code, Code::Valid | Code::NetworkNotAllowed);
    let Some(holder) = answer.holder.filter(|_| is_good) else { return Ok(None) };
    let grants = holder.grants();
    let mut told = json!({
        "active": true, "iss": issuer, "token_type": "api_key", "sub": holder.public_id(),
        "scope": grants.map(|grants| grants.permissions.join(" ")).unwrap_or_default(),
    });
    if let Some(organization) = holder.organization() {
        told["org_id"] = organization.text.clone().into();
    }
    if let Some(resource) = grants.and_then(|grants| grants.resource.clone()) {
        told["aud"] = resource.into();
    }
    if let Some(expiry) = holder.expiry() {
        told["exp"] = (expiry.micros() / 1_000_000).into();
    }
    Ok(Some(told))
}

fn audience(audiences: &[String]) -> Value {
    match audiences {
        [only] => only.as_str().into(),
        several => several.into(),
    }
}
