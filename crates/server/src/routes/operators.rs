//! `/v1/operators`

use axum::extract::State;
use claviger_api::list::List;
use claviger_api::operators as wire;
use claviger_authority::access::operators::{self, New, Operator, Update};
use claviger_authority::ids::OperatorId;
use http::StatusCode;

use super::{Answer, Shared, text};
use crate::edge::caller::permission::{OperatorsRead, OperatorsWrite};
use crate::edge::request::PageQuery;
use crate::edge::{Caller, Id, IdempotencyKey, IfMatch, Json, Query, Versioned};

fn view(operator: Operator) -> wire::Operator {
    wire::Operator {
        id: text(operator.id),
        name: operator.name,
        email: operator.email,
        role: text(operator.role.as_str()),
        active: operator.is_active,
        permissions: operator.role.permissions().names().into_iter().map(str::to_owned).collect(),
        revision: operator.revision,
        created_at: text(operator.created_at),
        updated_at: text(operator.updated_at),
    }
}

fn versioned(status: StatusCode, operator: Operator) -> Versioned<wire::Operator> {
    Versioned { status, revision: operator.revision, value: view(operator) }
}

/// Operators, oldest first.
#[utoipa::path(get, path = "/v1/operators", tag = "access", params(("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<wire::Operator>)))]
pub async fn list(caller: Caller<OperatorsRead>, State(app): Shared, Query(query): Query<PageQuery>) -> Answer<Json<List<wire::Operator>>> {
    let page = operators::list(&app.authority, &caller, &query.paging()).await?;
    Ok(Json::answer(List::new(page.data.into_iter().map(view).collect(), page.next_cursor)))
}

/// Names an operator with a role that is not above the caller's own permissions.
#[utoipa::path(post, path = "/v1/operators", tag = "access", request_body = wire::CreateOperator, responses((status = 201, body = wire::Operator)))]
pub async fn create(
    caller: Caller<OperatorsWrite>,
    State(app): Shared,
    key: IdempotencyKey,
    body: Json<wire::CreateOperator>,
) -> Answer<Versioned<wire::Operator>> {
    let idempotency = key.bind("operators.create", &body.raw)?;
    let new = New { name: body.value.name, email: body.value.email, role: body.value.role };
    let made = operators::create(&app.authority, &caller, &new, idempotency.as_ref()).await?;
    Ok(versioned(StatusCode::CREATED, made.value))
}

/// One operator.
#[utoipa::path(get, path = "/v1/operators/{id}", tag = "access", params(("id" = String, Path, example = "opr_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::Operator)))]
pub async fn read(caller: Caller<OperatorsRead>, State(app): Shared, Id(id): Id<OperatorId>) -> Answer<Versioned<wire::Operator>> {
    Ok(versioned(StatusCode::OK, operators::read(&app.authority, &caller, id).await?))
}

/// Changes an operator. A lower role narrows every management key of the operator at once.
#[utoipa::path(patch, path = "/v1/operators/{id}", tag = "access", params(("id" = String, Path, example = "opr_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::UpdateOperator, responses((status = 200, body = wire::Operator)))]
pub async fn update(
    caller: Caller<OperatorsWrite>,
    State(app): Shared,
    Id(id): Id<OperatorId>,
    IfMatch(revision): IfMatch,
    body: Json<wire::UpdateOperator>,
) -> Answer<Versioned<wire::Operator>> {
    let update = Update { name: body.value.name, role: body.value.role, active: body.value.active };
    Ok(versioned(StatusCode::OK, operators::update(&app.authority, &caller, id, revision, &update).await?.value))
}
