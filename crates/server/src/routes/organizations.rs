//! `/v1/organizations`

use axum::extract::State;
use claviger_api::list::List;
use claviger_api::organizations as wire;
use claviger_authority::ids::OrganizationId;
use claviger_authority::organizations::{self, Filter, New, Organization, Update};
use claviger_authority::page::Paging;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Shared, text};
use crate::edge::caller::permission::{OrganizationsRead, OrganizationsWrite};
use crate::edge::{Caller, Id, IdempotencyKey, IfMatch, Json, Problem, Query, Versioned};

fn view(organization: Organization) -> wire::Organization {
    wire::Organization {
        id: text(organization.id),
        name: organization.name,
        external_id: organization.external_id,
        status: text(organization.status.as_str()),
        status_changed_at: text(organization.status_changed_at),
        metadata: organization.metadata,
        revision: organization.revision,
        created_at: text(organization.created_at),
        updated_at: text(organization.updated_at),
    }
}

fn versioned(status: StatusCode, organization: Organization) -> Versioned<wire::Organization> {
    Versioned { status, revision: organization.revision, value: view(organization) }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `active`, `suspended` or `offboarded`.
    status: Option<String>,
    external_id: Option<String>,
    /// Text anywhere in the name.
    search: Option<String>,
    cursor: Option<String>,
    /// 1 to 200; 50 without.
    limit: Option<u32>,
}

/// Organizations, oldest first.
#[utoipa::path(get, path = "/v1/organizations", tag = "organizations", params(ListQuery), responses((status = 200, body = List<wire::Organization>)))]
pub async fn list(
    caller: Caller<OrganizationsRead>,
    State(app): Shared,
    Query(query): Query<ListQuery>,
) -> Answer<Json<List<wire::Organization>>> {
    let status = query.status.map(|status| status.parse()).transpose().map_err(|detail: String| Problem::invalid("status", detail))?;
    let filter = Filter { status, external_id: query.external_id, search: query.search };
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    let page = organizations::list(&app.authority, &caller, filter, paging).await?;
    Ok(Json::answer(List::new(page.data.into_iter().map(view).collect(), page.next_cursor)))
}

/// Makes an organization.
#[utoipa::path(post, path = "/v1/organizations", tag = "organizations", request_body = wire::CreateOrganization, responses((status = 201, body = wire::Organization), (status = 409, description = "`external_id` is taken", body = claviger_api::problem::Problem)))]
pub async fn create(
    caller: Caller<OrganizationsWrite>,
    State(app): Shared,
    key: IdempotencyKey,
    body: Json<wire::CreateOrganization>,
) -> Answer<Versioned<wire::Organization>> {
    let idempotency = key.bind("organizations.create", &body.raw)?;
    let new = New { name: body.value.name, external_id: body.value.external_id, metadata: body.value.metadata };
    let made = organizations::create(&app.authority, &caller, &new, idempotency.as_ref()).await?;
    Ok(versioned(StatusCode::CREATED, made.value))
}

/// One organization.
#[utoipa::path(get, path = "/v1/organizations/{id}", tag = "organizations", params(("id" = String, Path, example = "org_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::Organization)))]
pub async fn read(
    caller: Caller<OrganizationsRead>,
    State(app): Shared,
    Id(id): Id<OrganizationId>,
) -> Answer<Versioned<wire::Organization>> {
    Ok(versioned(StatusCode::OK, organizations::read(&app.authority, &caller, id).await?))
}

/// Changes an organization. `If-Match` refuses when somebody else did meanwhile.
#[utoipa::path(patch, path = "/v1/organizations/{id}", tag = "organizations", params(("id" = String, Path, example = "org_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::UpdateOrganization, responses((status = 200, body = wire::Organization), (status = 412, description = "Its revision is another", body = claviger_api::problem::Problem)))]
pub async fn update(
    caller: Caller<OrganizationsWrite>,
    State(app): Shared,
    Id(id): Id<OrganizationId>,
    IfMatch(revision): IfMatch,
    body: Json<wire::UpdateOrganization>,
) -> Answer<Versioned<wire::Organization>> {
    let update = Update { name: body.value.name, external_id: body.value.external_id, metadata: body.value.metadata };
    let changed = organizations::update(&app.authority, &caller, id, revision, &update).await?;
    Ok(versioned(StatusCode::OK, changed.value))
}

/// Silences every credential of the organization until it is resumed.
#[utoipa::path(post, path = "/v1/organizations/{id}/suspend", tag = "organizations", params(("id" = String, Path, example = "org_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::Organization)))]
pub async fn suspend(
    caller: Caller<OrganizationsWrite>,
    State(app): Shared,
    Id(id): Id<OrganizationId>,
) -> Answer<Versioned<wire::Organization>> {
    Ok(versioned(StatusCode::OK, organizations::suspend(&app.authority, &caller, id).await?.value))
}

/// Lets the credentials of a suspended organization work again.
#[utoipa::path(post, path = "/v1/organizations/{id}/resume", tag = "organizations", params(("id" = String, Path, example = "org_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::Organization)))]
pub async fn resume(
    caller: Caller<OrganizationsWrite>,
    State(app): Shared,
    Id(id): Id<OrganizationId>,
) -> Answer<Versioned<wire::Organization>> {
    Ok(versioned(StatusCode::OK, organizations::resume(&app.authority, &caller, id).await?.value))
}

/// Revokes every credential of the organization in one change and closes it for good. `dry_run` only counts.
/// Needs `keys:revoke` and `applications:revoke` besides `organizations:write`.
#[utoipa::path(post, path = "/v1/organizations/{id}/offboard", tag = "organizations", params(("id" = String, Path, example = "org_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::OffboardOrganization, responses((status = 200, body = wire::Offboarded)))]
pub async fn offboard(
    caller: Caller<OrganizationsWrite>,
    State(app): Shared,
    Id(id): Id<OrganizationId>,
    body: Json<wire::OffboardOrganization>,
) -> Answer<Json<wire::Offboarded>> {
    let done = organizations::offboard(&app.authority, &caller, id, body.value.dry_run).await?;
    Ok(Json::answer(wire::Offboarded {
        organization: view(done.value.organization),
        revoked_api_keys: done.value.revoked_keys,
        revoked_applications: done.value.revoked_applications,
        dry_run: done.value.dry_run,
        journal_seq: done.journal_seq,
    }))
}
