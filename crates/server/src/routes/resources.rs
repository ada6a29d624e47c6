//! `/v1/resources`

use axum::extract::State;
use claviger_api::list::List;
use claviger_api::resources as wire;
use claviger_authority::ids::ResourceId;
use claviger_authority::page::Paging;
use claviger_authority::resources::{self, Filter, New, Permission, Resource, Risk, TokenDialect, Update};
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Shared, text};
use crate::edge::caller::permission::{ResourcesRead, ResourcesWrite};
use crate::edge::{Caller, Id, IdempotencyKey, IfMatch, Json, Query, Versioned};

fn view(resource: Resource) -> wire::Resource {
    let risk = |risk| match risk {
        Risk::Low => wire::Risk::Low,
        Risk::Medium => wire::Risk::Medium,
        Risk::High => wire::Risk::High,
        Risk::Critical => wire::Risk::Critical,
    };
    let permission = |permission: Permission| wire::Permission {
        name: permission.name,
        description: permission.description,
        risk: risk(permission.risk),
    };
    wire::Resource {
        id: text(resource.id),
        identifier: resource.identifier,
        name: resource.name,
        permissions: resource.permissions.into_iter().map(permission).collect(),
        token: resource.token.map(|token| wire::Token { alg: token.alg, typ: token.typ, lifetime_seconds: token.lifetime_seconds }),
        revision: resource.revision,
        created_at: text(resource.created_at),
        updated_at: text(resource.updated_at),
    }
}

fn versioned(status: StatusCode, resource: Resource) -> Versioned<wire::Resource> {
    Versioned { status, revision: resource.revision, value: view(resource) }
}

fn permission(permission: wire::Permission) -> Permission {
    let risk = match permission.risk {
        wire::Risk::Low => Risk::Low,
        wire::Risk::Medium => Risk::Medium,
        wire::Risk::High => Risk::High,
        wire::Risk::Critical => Risk::Critical,
    };
    Permission { name: permission.name, description: permission.description, risk }
}

fn dialect(token: wire::Token) -> TokenDialect {
    TokenDialect { alg: token.alg, typ: token.typ, lifetime_seconds: token.lifetime_seconds }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    identifier: Option<String>,
    /// Text anywhere in name or identifier.
    search: Option<String>,
    cursor: Option<String>,
    /// 1 to 200; 50 without.
    limit: Option<u32>,
}

/// Resources, oldest first.
#[utoipa::path(get, path = "/v1/resources", tag = "resources", params(ListQuery), responses((status = 200, body = List<wire::Resource>)))]
pub async fn list(caller: Caller<ResourcesRead>, State(app): Shared, Query(query): Query<ListQuery>) -> Answer<Json<List<wire::Resource>>> {
    let filter = Filter { identifier: query.identifier, search: query.search };
    let page = resources::list(&app.authority, &caller, filter, Paging { cursor: query.cursor, limit: query.limit }).await?;
    Ok(Json::answer(List::new(page.data.into_iter().map(view).collect(), page.next_cursor)))
}

/// Describes a protected API and what may be done with it.
#[utoipa::path(post, path = "/v1/resources", tag = "resources", request_body = wire::CreateResource, responses((status = 201, body = wire::Resource)))]
pub async fn create(
    caller: Caller<ResourcesWrite>,
    State(app): Shared,
    key: IdempotencyKey,
    body: Json<wire::CreateResource>,
) -> Answer<Versioned<wire::Resource>> {
    let idempotency = key.bind("resources.create", &body.raw)?;
    let new = New {
        identifier: body.value.identifier,
        name: body.value.name,
        permissions: body.value.permissions.into_iter().map(permission).collect(),
        token: body.value.token.map(dialect),
    };
    let made = resources::create(&app.authority, &caller, &new, idempotency.as_ref()).await?;
    Ok(versioned(StatusCode::CREATED, made.value))
}

/// One resource with its permissions.
#[utoipa::path(get, path = "/v1/resources/{id}", tag = "resources", params(("id" = String, Path, example = "res_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::Resource)))]
pub async fn read(caller: Caller<ResourcesRead>, State(app): Shared, Id(id): Id<ResourceId>) -> Answer<Versioned<wire::Resource>> {
    Ok(versioned(StatusCode::OK, resources::read(&app.authority, &caller, id).await?))
}

/// Changes a resource. Removing a permission that keys or applications still hold is refused with their count, unless `cascade`.
#[utoipa::path(patch, path = "/v1/resources/{id}", tag = "resources", params(("id" = String, Path, example = "res_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::UpdateResource, responses((status = 200, body = wire::Resource), (status = 409, description = "Keys still hold a removed permission", body = claviger_api::problem::Problem)))]
pub async fn update(
    caller: Caller<ResourcesWrite>,
    State(app): Shared,
    Id(id): Id<ResourceId>,
    IfMatch(revision): IfMatch,
    body: Json<wire::UpdateResource>,
) -> Answer<Versioned<wire::Resource>> {
    let update = Update {
        name: body.value.name,
        permissions: body.value.permissions.map(|permissions| permissions.into_iter().map(permission).collect()),
        token: body.value.token.map(|token| token.map(dialect)),
        cascade: body.value.cascade,
    };
    Ok(versioned(StatusCode::OK, resources::update(&app.authority, &caller, id, revision, &update).await?.value))
}

/// Removes a resource that no key belongs to.
#[utoipa::path(delete, path = "/v1/resources/{id}", tag = "resources", params(("id" = String, Path, example = "res_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 204, description = "It is gone"), (status = 409, description = "Keys belong to it", body = claviger_api::problem::Problem)))]
pub async fn remove(
    caller: Caller<ResourcesWrite>,
    State(app): Shared,
    Id(id): Id<ResourceId>,
    IfMatch(revision): IfMatch,
) -> Answer<StatusCode> {
    resources::remove(&app.authority, &caller, id, revision).await?;
    Ok(StatusCode::NO_CONTENT)
}
