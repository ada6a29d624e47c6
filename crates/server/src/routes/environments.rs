//! `/v1/environments`

use axum::extract::{Path, State};
use claviger_api::environments as wire;
use claviger_api::list::List;
use claviger_authority::environments::{self, Environment, New, Update};
use http::StatusCode;

use super::{Answer, Shared, text};
use crate::edge::caller::permission::{EnvironmentsRead, EnvironmentsWrite, InstanceAdminister};
use crate::edge::{Caller, IfMatch, Json, Versioned};

fn view(environment: Environment) -> wire::Environment {
    wire::Environment {
        id: text(environment.id),
        slug: environment.slug,
        name: environment.name,
        key_prefix: text(environment.key_prefix),
        issuer: environment.issuer,
        revision: environment.revision,
        created_at: text(environment.created_at),
        updated_at: text(environment.updated_at),
    }
}

/// The environments that the caller may know of: its own, or all for an instance administrator.
#[utoipa::path(get, path = "/v1/environments", tag = "environments", responses((status = 200, body = List<wire::Environment>)))]
pub async fn list(caller: Caller<EnvironmentsRead>, State(app): Shared) -> Answer<Json<List<wire::Environment>>> {
    let found = environments::list(&app.authority, &caller).await?;
    Ok(Json::answer(List::new(found.into_iter().map(view).collect(), None)))
}

/// Makes an environment with its own pepper and journal. Instance administrators only.
#[utoipa::path(post, path = "/v1/environments", tag = "environments", request_body = wire::CreateEnvironment, responses((status = 201, body = wire::Environment)))]
pub async fn create(
    caller: Caller<InstanceAdminister>,
    State(app): Shared,
    body: Json<wire::CreateEnvironment>,
) -> Answer<Versioned<wire::Environment>> {
    let new = New { slug: body.value.slug, name: body.value.name, key_prefix: body.value.key_prefix, issuer: body.value.issuer };
    let made = environments::create(&app.authority, &caller, &new).await?;
    Ok(Versioned { status: StatusCode::CREATED, revision: made.value.revision, value: view(made.value) })
}

/// One environment, by its slug or id.
#[utoipa::path(get, path = "/v1/environments/{id}", tag = "environments", params(("id" = String, Path, description = "Slug or id", example = "live")), responses((status = 200, body = wire::Environment)))]
pub async fn read(caller: Caller<EnvironmentsRead>, State(app): Shared, Path(id): Path<String>) -> Answer<Versioned<wire::Environment>> {
    let found = environments::read(&app.authority, &caller, &id).await?;
    Ok(Versioned { status: StatusCode::OK, revision: found.revision, value: view(found) })
}

/// Changes the name or issuer of an environment.
#[utoipa::path(patch, path = "/v1/environments/{id}", tag = "environments", params(("id" = String, Path, description = "Slug or id", example = "live")), request_body = wire::UpdateEnvironment, responses((status = 200, body = wire::Environment)))]
pub async fn update(
    caller: Caller<EnvironmentsWrite>,
    State(app): Shared,
    Path(id): Path<String>,
    IfMatch(revision): IfMatch,
    body: Json<wire::UpdateEnvironment>,
) -> Answer<Versioned<wire::Environment>> {
    let update = Update { name: body.value.name, issuer: body.value.issuer };
    let changed = environments::update(&app.authority, &caller, &id, revision, &update).await?;
    Ok(Versioned { status: StatusCode::OK, revision: changed.value.revision, value: view(changed.value) })
}
