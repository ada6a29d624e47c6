//! `POST /oauth2/revoke` (RFC 7009): a client gives up one of its access tokens, or the holder of an API key that key.
//! 200 also for what is not known, and only once no verification accepts the token any more.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use claviger_authority::gate::{Ask, Code, EnvironmentRef};
use claviger_authority::{keys, tokens};
use http::HeaderMap;

use super::Issuer;
use super::client::Presented;
use super::form::Form;
use super::refusal::{Refusal, no_store};
use crate::app::App;
use crate::edge::service::Arrival;
use crate::routes::Shared;

/// Revokes an access token of the client that asks, or an API key by whoever holds it.
#[utoipa::path(post, path = "/oauth2/revoke", tag = "oauth2", security(()), request_body(content_type = "application/x-www-form-urlencoded", content = String, example = "token=eyJhbGciOiJFUzI1NiJ9.…"), responses(
    (status = 200, description = "It is not accepted any more, or never was"),
    (status = 400, description = "`invalid_request`"),
    (status = 401, description = "`invalid_client`"),
))]
pub async fn revoke(State(app): Shared, Issuer(environment): Issuer, Extension(arrival): Extension<Arrival>, request: Request) -> Response {
    answer(&app, environment, &arrival, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(app: &App, environment: EnvironmentRef, arrival: &Arrival, mut request: Request) -> Result<Response, Refusal> {
    let form = Form::read(&mut request, app.http.body_limit_bytes.get()).await?;
    let headers = request.into_parts().0.headers;
    let token = form.get("token").ok_or_else(|| Refusal::invalid_request("the parameter token is missing"))?;
    if tokens::looks_like_token(token) {
        token_of_client(app, &environment, &headers, &form, arrival, token).await?;
    } else {
        key_by_holder(app, &environment, token, arrival).await?;
    }
    Ok((no_store(), "{}").into_response())
}

async fn token_of_client(
    app: &App,
    environment: &EnvironmentRef,
    headers: &HeaderMap,
    form: &Form,
    arrival: &Arrival,
    token: &str,
) -> Result<(), Refusal> {
    let presented = Presented::read(headers, form)?;
    let authenticated = presented.authenticate(app, environment, arrival.client).await?;
    let verdict = tokens::verify(&app.authority, environment, token, &Ask::default()).await?;
    // A token of another client is as unknown to this one as any (RFC 7009 section 2.1).
    if let Some(told) = verdict.token.filter(|told| told.client.id == authenticated.client.id)
        && !matches!(verdict.code, Code::Expired | Code::Revoked)
    {
        tokens::revoke_own(&app.authority, environment, &told.token, arrival.request_id.as_str()).await?;
    }
    Ok(())
}

/// Whoever holds an API key may end it: that he can show it is proof enough, and a leak the best reason.
async fn key_by_holder(app: &App, environment: &EnvironmentRef, secret: &str, arrival: &Arrival) -> Result<(), Refusal> {
    let ask = Ask { cost: Some(0), client: Some(arrival.client), ..Ask::default() };
    let answer = app.authority.gate.verify(app.authority.db(), environment, secret, &ask).await?;
    let Some(holder) = answer.holder.filter(|_| answer.code != Code::Revoked) else { return Ok(()) };
    keys::revoke_by_holder(&app.authority, environment, holder.id, arrival.request_id.as_str()).await?;
    Ok(())
}
