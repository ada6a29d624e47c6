//! `/v1/access-tokens`

use axum::extract::State;
use claviger_api::access_tokens as wire;
use claviger_authority::ids::ApplicationId;
use claviger_authority::tokens::{self, Named};

use super::{Answer, Shared, id};
use crate::edge::caller::permission::ApplicationsRevoke;
use crate::edge::{Caller, Json, Problem};

/// Gives up one access token, known by itself or by its application and `jti`. No verification that begins after the answer
/// accepts it; a service that looks at signature and expiry alone does, until it expires.
#[utoipa::path(post, path = "/v1/access-tokens/revoke", tag = "applications", request_body = wire::RevokeAccessToken, responses((status = 200, body = wire::RevokedAccessToken)))]
pub async fn revoke(
    caller: Caller<ApplicationsRevoke>,
    State(app): Shared,
    body: Json<wire::RevokeAccessToken>,
) -> Answer<Json<wire::RevokedAccessToken>> {
    let application: Option<ApplicationId> = id("/application_id", body.value.application_id.as_deref())?;
    let named = match (body.value.token.as_deref(), application, body.value.jti.as_deref()) {
        (Some(token), None, None) => Named::Token(token),
        (None, Some(application), Some(jti)) => Named::Jti(application, jti),
        _ => return Err(Problem::invalid("/token", "is needed alone, or else application_id and jti together")),
    };
    let committed = tokens::revoke(&app.authority, &caller, named).await?;
    Ok(Json::answer(wire::RevokedAccessToken { journal_seq: committed.journal_seq }))
}
