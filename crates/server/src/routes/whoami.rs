//! `GET /v1/whoami`: what a credential is, asked by its own holder.

use axum::Extension;
use axum::extract::State;
use claviger_api::verify::WhoAmI;
use claviger_authority::gate::{Ask, Code};
use claviger_authority::{Authority, Refusal};
use http::HeaderMap;

use super::{Answer, Shared, text};
use crate::edge::caller::bearer;
use crate::edge::service::Arrival;
use crate::edge::{Json, Problem};

/// Describes the credential that the request itself carries: an API key or a management key. Counts no use.
#[utoipa::path(get, path = "/v1/whoami", tag = "verify", security(("management_key" = [])), responses((status = 200, body = WhoAmI), (status = 401, description = "No credential, or not one that may be used now", body = claviger_api::problem::Problem, content_type = "application/problem+json")))]
pub async fn whoami(State(app): Shared, Extension(arrival): Extension<Arrival>, headers: HeaderMap) -> Answer<Json<WhoAmI>> {
    let credential = bearer(&headers)?.ok_or(Refusal::NoCredential)?;
    let authority: &Authority = &app.authority;
    let environment = authority.gate.environment_of(credential).ok_or(Refusal::BadCredential)?;
    let ask = Ask { client: Some(arrival.client), cost: Some(0), management: true, ..Ask::default() };
    let decision = authority.gate.verify(authority.db(), &environment, credential, &ask).await?;
    let holder = decision.holder.filter(|_| decision.code == Code::Valid).ok_or(Refusal::BadCredential).map_err(Problem::from)?;
    let grants = holder.grants();
    let permissions = if holder.is_management {
        grants.map(|grants| grants.management.names().into_iter().map(str::to_owned).collect())
    } else {
        grants.map(|grants| grants.permissions.clone())
    };
    Ok(Json::answer(WhoAmI {
        kind: if holder.is_management { "management_key" } else { "api_key" }.to_owned(),
        lifecycle: "standing".to_owned(),
        id: holder.public_id(),
        environment: environment.environment.load().slug.clone(),
        organization_id: holder.organization().map(|organization| organization.text.clone()),
        owner_id: text(holder.owner),
        resource: grants.and_then(|grants| grants.resource.clone()),
        permissions: permissions.unwrap_or_default(),
        expires_at: holder.expiry().map(text),
    }))
}
