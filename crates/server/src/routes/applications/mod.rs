//! `/v1/applications`

pub mod certificates;
pub mod keys;
pub mod secrets;
pub mod trusts;
mod view;

use axum::extract::State;
use claviger_api::applications as wire;
use claviger_api::list::List;
use claviger_authority::applications::{self, Filter, New, NewGrant, Update};
use claviger_authority::idempotency::Idempotency;
use claviger_authority::ids::ApplicationId;
use claviger_authority::keys::{Reason, Status};
use claviger_authority::page::Paging;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::api_keys::parse;
use super::{Answer, Shared, id, text};
use crate::edge::caller::permission::{ApplicationsCreate, ApplicationsRead, ApplicationsRevoke, ApplicationsUpdate};
use crate::edge::{Caller, Id, IdempotencyKey, IfMatch, Json, Problem, Query, Versioned};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `active`, `disabled` or `revoked`.
    status: Option<String>,
    organization_id: Option<String>,
    owner_id: Option<String>,
    /// Identifier of a resource that it may ask tokens for.
    resource: Option<String>,
    permission: Option<String>,
    tag: Option<String>,
    /// Text anywhere in the name.
    search: Option<String>,
    cursor: Option<String>,
    /// 1 to 200; 50 without.
    limit: Option<u32>,
}

/// Applications, oldest first.
#[utoipa::path(get, path = "/v1/applications", tag = "applications", params(ListQuery), responses((status = 200, body = List<wire::Application>)))]
pub async fn list(
    caller: Caller<ApplicationsRead>,
    State(app): Shared,
    Query(query): Query<ListQuery>,
) -> Answer<Json<List<wire::Application>>> {
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    let filter = Filter {
        status: query.status.as_deref().map(status).transpose()?,
        organization: id("organization_id", query.organization_id.as_deref())?,
        owner: id("owner_id", query.owner_id.as_deref())?,
        resource: query.resource,
        permission: query.permission,
        tag: query.tag,
        search: query.search,
    };
    let page = applications::list(&app.authority, &caller, &filter, &paging).await?;
    Ok(Json::answer(List::new(page.data.into_iter().map(view::application).collect(), page.next_cursor)))
}

fn status(text: &str) -> Answer<Status> {
    match text.parse() {
        Ok(status) if status != Status::Expired => Ok(status),
        _ => Err(Problem::invalid("status", format!("{text:?} is not a status: want active, disabled or revoked"))),
    }
}

fn grants(wanted: Vec<wire::ApplicationResource>) -> Vec<NewGrant> {
    wanted.into_iter().map(|grant| NewGrant { identifier: grant.identifier, permissions: grant.permissions }).collect()
}

/// Registers an application; its id is the `client_id`. It obtains nothing until it has a credential.
#[utoipa::path(post, path = "/v1/applications", tag = "applications", request_body = wire::CreateApplication, responses(
    (status = 201, body = wire::CreatedApplication),
    (status = 200, description = "Made before with the same `Idempotency-Key`", body = wire::CreatedApplication),
    (status = 409, description = "The organization is not active, the owner has departed, or the same request is under way", body = claviger_api::problem::Problem),
))]
pub async fn create(
    caller: Caller<ApplicationsCreate>,
    State(app): Shared,
    key: IdempotencyKey,
    body: Json<wire::CreateApplication>,
) -> Answer<Versioned<wire::CreatedApplication>> {
    let idempotency = key.bind("applications.create", &body.raw)?;
    let wanted = body.value;
    let new = New {
        organization_id: id("/organization_id", wanted.organization_id.as_deref())?,
        owner_id: id("/owner_id", wanted.owner_id.as_deref())?,
        name: wanted.name,
        purpose: wanted.purpose,
        resources: grants(wanted.resources),
        token_lifetime_seconds: wanted.token_lifetime_seconds,
        require_dpop: wanted.require_dpop,
        ratelimit: wanted.ratelimit.map(parse::ratelimit),
        metadata: wanted.metadata,
        tags: wanted.tags,
    };
    let made = applications::create(&app.authority, &caller, &new, idempotency.as_ref()).await?;
    let (application, is_new) = made.value;
    let (status, code) = view::made(is_new);
    let revision = application.revision;
    let value =
        wire::CreatedApplication { application: view::application(application), code: code.to_owned(), journal_seq: made.journal_seq };
    Ok(Versioned { status, revision, value })
}

/// One application. Its credentials are lists of their own.
#[utoipa::path(get, path = "/v1/applications/{id}", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::Application)))]
pub async fn read(caller: Caller<ApplicationsRead>, State(app): Shared, Id(id): Id<ApplicationId>) -> Answer<Versioned<wire::Application>> {
    let found = applications::read(&app.authority, &caller, id).await?;
    Ok(Versioned { status: StatusCode::OK, revision: found.revision, value: view::application(found) })
}

/// Changes an application. Narrowing is free; widening needs `applications:create` and is told apart in the journal.
#[utoipa::path(patch, path = "/v1/applications/{id}", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::UpdateApplication, responses((status = 200, body = wire::ChangedApplication), (status = 409, description = "The application is revoked", body = claviger_api::problem::Problem), (status = 412, description = "Its revision is another", body = claviger_api::problem::Problem)))]
pub async fn update(
    caller: Caller<ApplicationsUpdate>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
    IfMatch(revision): IfMatch,
    body: Json<wire::UpdateApplication>,
) -> Answer<Versioned<wire::ChangedApplication>> {
    let wanted = body.value;
    let update = Update {
        name: wanted.name,
        purpose: wanted.purpose,
        owner_id: super::id("/owner_id", wanted.owner_id.as_deref())?,
        resources: wanted.resources.map(grants),
        token_lifetime_seconds: wanted.token_lifetime_seconds,
        require_dpop: wanted.require_dpop,
        ratelimit: wanted.ratelimit.map(|limit| limit.map(parse::ratelimit)),
        metadata: wanted.metadata,
        tags: wanted.tags,
    };
    Ok(view::changed(applications::update(&app.authority, &caller, id, revision, &update).await?))
}

/// Switches an application off until it is enabled again.
#[utoipa::path(post, path = "/v1/applications/{id}/disable", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::ChangedApplication)))]
pub async fn disable(
    caller: Caller<ApplicationsUpdate>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
) -> Answer<Versioned<wire::ChangedApplication>> {
    Ok(view::changed(applications::disable(&app.authority, &caller, id).await?))
}

/// Switches an application on again.
#[utoipa::path(post, path = "/v1/applications/{id}/enable", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::ChangedApplication)))]
pub async fn enable(
    caller: Caller<ApplicationsUpdate>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
) -> Answer<Versioned<wire::ChangedApplication>> {
    Ok(view::changed(applications::enable(&app.authority, &caller, id).await?))
}

/// Ends an application: none of its credentials obtains a token. After a compromise its tokens end as well.
#[utoipa::path(post, path = "/v1/applications/{id}/revoke", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::RevokeApplication, responses((status = 200, body = wire::ChangedApplication)))]
pub async fn revoke(
    caller: Caller<ApplicationsRevoke>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
    body: Json<wire::RevokeApplication>,
) -> Answer<Versioned<wire::ChangedApplication>> {
    let reason = reason(&body.value.reason)?;
    Ok(view::changed(applications::revoke(&app.authority, &caller, id, reason, body.value.comment.as_deref()).await?))
}

fn reason(text: &str) -> Answer<Reason> {
    text.parse().map_err(|detail: String| Problem::invalid("/reason", detail))
}

/// Takes an accidental revocation back within 30 minutes; never one for a compromise or a leak.
#[utoipa::path(post, path = "/v1/applications/{id}/undo-revocation", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::ChangedApplication), (status = 409, description = "Not revoked, or not to be undone", body = claviger_api::problem::Problem)))]
pub async fn undo_revocation(
    caller: Caller<ApplicationsRevoke>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
) -> Answer<Versioned<wire::ChangedApplication>> {
    Ok(view::changed(applications::undo(&app.authority, &caller, id).await?))
}

/// Binds an `Idempotency-Key` to the body and to the application that it was sent to.
fn bind(key: &IdempotencyKey, operation: &'static str, id: ApplicationId, body: &[u8]) -> Answer<Option<Idempotency>> {
    key.bind(operation, &[text(id).as_bytes(), body].concat())
}
