//! `POST /oauth2/token`: an application exchanges its credential for a short-lived access token.

use std::net::IpAddr;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use claviger_authority::environments;
use claviger_authority::gate::EnvironmentRef;
use claviger_authority::tokens::{self, Ask, Minted};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::Issuer;
use super::client::Presented;
use super::form::Form;
use super::refusal::{Refusal, no_store};
use crate::app::App;
use crate::edge::service::Arrival;
use crate::routes::Shared;

/// An access token (RFC 6749 section 5.1).
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.…", "token_type": "Bearer", "expires_in": 600, "scope": "posts:read" }))]
pub struct TokenResponse<'a> {
    access_token: &'a str,
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    /// The permissions that the token carries, separated by spaces.
    scope: &'a str,
}

/// Issues an access token to an application (client credentials grant). The client authenticates by HTTP Basic or in the body.
#[utoipa::path(post, path = "/oauth2/token", tag = "oauth2", security(()), request_body(content_type = "application/x-www-form-urlencoded", content = String, example = "grant_type=client_credentials&scope=posts:read"), responses(
    (status = 200, description = "An access token", body = TokenResponse<'_>),
    (status = 400, description = "RFC 6749 section 5.2: `invalid_request`, `invalid_scope`, `invalid_target`, `unsupported_grant_type` …"),
    (status = 401, description = "`invalid_client`: not known, wrong, revoked, expired or suspended"),
    (status = 429, description = "Too many tokens: `Retry-After` says when"),
))]
pub async fn token(State(app): Shared, Issuer(environment): Issuer, Extension(arrival): Extension<Arrival>, request: Request) -> Response {
    let mut request = request;
    match answer(&app, &environment, arrival.client, &mut request).await {
        Ok(body) => (no_store(), body).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// The same without a router around it: the token endpoint of the default environment.
pub async fn hot<B>(app: &App, client: IpAddr, request: &mut http::Request<B>) -> Result<String, Refusal>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let environment = app.authority.gate.environment_named(environments::DEFAULT).ok_or_else(Refusal::no_such_issuer)?;
    answer(app, &environment, client, request).await
}

async fn answer<B>(app: &App, environment: &EnvironmentRef, client: IpAddr, request: &mut http::Request<B>) -> Result<String, Refusal>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let form = Form::read(request, app.http.body_limit_bytes.get()).await?;
    let presented = Presented::read(request.headers(), &form)?;
    let authenticated = presented.authenticate(app, environment, client).await?;
    match form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "the grant_type that is served is client_credentials",
            ));
        }
        None => return Err(Refusal::invalid_request("the parameter grant_type is missing: send client_credentials")),
    }
    let now = app.authority.clock.now();
    let ask = Ask { scope: form.get("scope"), resources: form.resources.iter().map(String::as_str).collect() };
    let url = format!("{}/oauth2/token", environment.environment.load().issuer);
    let proof = proof(request.headers())?;
    let bound_to = tokens::bind(&app.authority, environment, &authenticated.client, proof, &url, now).await??;
    let minted = tokens::mint(&app.authority, environment, &authenticated, &ask, bound_to.as_deref(), now).await?;
    Ok(written(&minted, bound_to.is_some()))
}

/// The one DPoP proof of the request (RFC 9449 section 4.3).
fn proof(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut proofs = headers.get_all("dpop").iter();
    let Some(proof) = proofs.next() else { return Ok(None) };
    if proofs.next().is_some() {
        return Err(Refusal::invalid_request("the header DPoP came twice"));
    }
    proof.to_str().map(Some).map_err(|_| Refusal::invalid_request("the header DPoP is no proof"))
}

/// Writes a `TokenResponse`. By hand, for every token is written once; none of its texts holds anything that JSON escapes.
fn written(minted: &Minted, is_bound: bool) -> String {
    let mut body = String::with_capacity(minted.token.len() + minted.scope.len() + 96);
    body.push_str("{\"access_token\":\"");
    body.push_str(&minted.token);
    body.push_str(if is_bound { "\",\"token_type\":\"DPoP\",\"expires_in\":" } else { "\",\"token_type\":\"Bearer\",\"expires_in\":" });
    body.push_str(itoa::Buffer::new().format(minted.expires_in_seconds));
    body.push_str(",\"scope\":\"");
    body.push_str(&minted.scope);
    body.push_str("\"}");
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_the_documented_shape() {
        let minted = Minted { token: "a.b.c".into(), jti: "j".into(), expires_in_seconds: 600, scope: "posts:read posts:write".into() };
        for (is_bound, token_type) in [(false, "Bearer"), (true, "DPoP")] {
            let shape = TokenResponse { access_token: "a.b.c", token_type, expires_in: 600, scope: "posts:read posts:write" };
            assert_eq!(written(&minted, is_bound), serde_json::to_string(&shape).unwrap());
        }
    }
}
