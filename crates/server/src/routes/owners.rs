//! `/v1/owners`

use axum::extract::State;
use claviger_api::list::List;
use claviger_api::owners as wire;
use claviger_authority::ids::OwnerId;
use claviger_authority::owners::{self, Filter, Kind, New, Owner, Status, Update};
use claviger_authority::page::Paging;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Shared, id, text};
use crate::edge::caller::permission::{OwnersRead, OwnersWrite};
use crate::edge::{Caller, Id, IdempotencyKey, IfMatch, Json, Problem, Query, Versioned};

fn view(owner: Owner) -> wire::Owner {
    wire::Owner {
        id: text(owner.id),
        name: owner.name,
        email: owner.email,
        r#type: match owner.kind {
            Kind::Person => wire::OwnerType::Person,
            Kind::Team => wire::OwnerType::Team,
        },
        organization_id: owner.organization_id.map(text),
        external_id: owner.external_id,
        status: text(owner.status.as_str()),
        departed_at: owner.departed_at.map(text),
        revision: owner.revision,
        created_at: text(owner.created_at),
        updated_at: text(owner.updated_at),
    }
}

fn versioned(status: StatusCode, owner: Owner) -> Versioned<wire::Owner> {
    Versioned { status, revision: owner.revision, value: view(owner) }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `active` or `departed`.
    status: Option<String>,
    organization_id: Option<String>,
    email: Option<String>,
    /// Text anywhere in name or e-mail.
    search: Option<String>,
    cursor: Option<String>,
    /// 1 to 200; 50 without.
    limit: Option<u32>,
}

/// Owners, oldest first.
#[utoipa::path(get, path = "/v1/owners", tag = "owners", params(ListQuery), responses((status = 200, body = List<wire::Owner>)))]
pub async fn list(caller: Caller<OwnersRead>, State(app): Shared, Query(query): Query<ListQuery>) -> Answer<Json<List<wire::Owner>>> {
    let status = match query.status.as_deref() {
        None => None,
        Some("active") => Some(Status::Active),
        Some("departed") => Some(Status::Departed),
        Some(other) => return Err(Problem::invalid("status", format!("{other:?} is not a status: want active or departed"))),
    };
    let organization = id("organization_id", query.organization_id.as_deref())?;
    let filter = Filter { status, organization, email: query.email, search: query.search };
    let page = owners::list(&app.authority, &caller, filter, Paging { cursor: query.cursor, limit: query.limit }).await?;
    Ok(Json::answer(List::new(page.data.into_iter().map(view).collect(), page.next_cursor)))
}

/// Names an owner: a person or a team.
#[utoipa::path(post, path = "/v1/owners", tag = "owners", request_body = wire::CreateOwner, responses((status = 201, body = wire::Owner)))]
pub async fn create(
    caller: Caller<OwnersWrite>,
    State(app): Shared,
    key: IdempotencyKey,
    body: Json<wire::CreateOwner>,
) -> Answer<Versioned<wire::Owner>> {
    let idempotency = key.bind("owners.create", &body.raw)?;
    let new = New {
        name: body.value.name,
        email: body.value.email,
        kind: match body.value.r#type {
            wire::OwnerType::Person => Kind::Person,
            wire::OwnerType::Team => Kind::Team,
        },
        organization_id: id("/organization_id", body.value.organization_id.as_deref())?,
        external_id: body.value.external_id,
    };
    let made = owners::create(&app.authority, &caller, &new, idempotency.as_ref()).await?;
    Ok(versioned(StatusCode::CREATED, made.value))
}

/// One owner.
#[utoipa::path(get, path = "/v1/owners/{id}", tag = "owners", params(("id" = String, Path, example = "own_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::Owner)))]
pub async fn read(caller: Caller<OwnersRead>, State(app): Shared, Id(id): Id<OwnerId>) -> Answer<Versioned<wire::Owner>> {
    Ok(versioned(StatusCode::OK, owners::read(&app.authority, &caller, id).await?))
}

/// Changes an owner's name, e-mail or external id.
#[utoipa::path(patch, path = "/v1/owners/{id}", tag = "owners", params(("id" = String, Path, example = "own_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::UpdateOwner, responses((status = 200, body = wire::Owner)))]
pub async fn update(
    caller: Caller<OwnersWrite>,
    State(app): Shared,
    Id(id): Id<OwnerId>,
    IfMatch(revision): IfMatch,
    body: Json<wire::UpdateOwner>,
) -> Answer<Versioned<wire::Owner>> {
    let update = Update { name: body.value.name, email: body.value.email, external_id: body.value.external_id };
    Ok(versioned(StatusCode::OK, owners::update(&app.authority, &caller, id, revision, &update).await?.value))
}

/// The owner leaves. Its credentials work on and are named as orphaned.
#[utoipa::path(post, path = "/v1/owners/{id}/depart", tag = "owners", params(("id" = String, Path, example = "own_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::Departed)))]
pub async fn depart(caller: Caller<OwnersWrite>, State(app): Shared, Id(id): Id<OwnerId>) -> Answer<Json<wire::Departed>> {
    let done = owners::depart(&app.authority, &caller, id).await?;
    Ok(Json::answer(wire::Departed {
        owner: view(done.value.owner),
        orphaned_api_keys: done.value.orphaned_api_keys.into_iter().map(text).collect(),
        orphaned_applications: done.value.orphaned_applications.into_iter().map(text).collect(),
        orphaned_management_keys: done.value.orphaned_management_keys.into_iter().map(text).collect(),
        journal_seq: done.journal_seq,
    }))
}

/// Gives every credential of the owner to another, or none.
#[utoipa::path(post, path = "/v1/owners/{id}/transfer", tag = "owners", params(("id" = String, Path, example = "own_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::TransferCredentials, responses((status = 200, body = wire::Transferred)))]
pub async fn transfer(
    caller: Caller<OwnersWrite>,
    State(app): Shared,
    Id(from): Id<OwnerId>,
    body: Json<wire::TransferCredentials>,
) -> Answer<Json<wire::Transferred>> {
    let to = super::id("/to_owner_id", Some(&body.value.to_owner_id))?.expect("a text was given");
    let done = owners::transfer(&app.authority, &caller, from, to).await?;
    Ok(Json::answer(wire::Transferred {
        from_owner_id: text(done.value.from),
        to_owner_id: text(done.value.to),
        api_keys: done.value.api_keys.into_iter().map(text).collect(),
        applications: done.value.applications.into_iter().map(text).collect(),
        management_keys: done.value.management_keys.into_iter().map(text).collect(),
        journal_seq: done.journal_seq,
    }))
}
