//! `/v1/journal`

use axum::extract::State;
use claviger_api::journal as wire;
use claviger_api::list::List;
use claviger_authority::journal::{self, Entry, Filter};
use claviger_authority::page::Paging;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Shared, text};
use crate::edge::caller::permission::JournalRead;
use crate::edge::{Caller, Json, Query};

fn view(entry: Entry) -> wire::JournalEvent {
    wire::JournalEvent {
        seq: entry.seq,
        at: text(entry.at),
        kind: entry.kind,
        subject: entry.subject,
        organization_id: entry.organization,
        actor: entry.actor,
        request_id: entry.request_id,
        change: entry.change,
        data: entry.data,
        hash: entry.hash,
        previous: entry.previous,
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// The id of the thing that changed.
    subject: Option<String>,
    /// Such as `api_key.revoked`.
    kind: Option<String>,
    /// Only events after this sequence number.
    after_seq: Option<i64>,
    cursor: Option<String>,
    /// 1 to 200; 50 without.
    limit: Option<u32>,
}

/// Every change of the environment, in order.
#[utoipa::path(get, path = "/v1/journal", tag = "journal", params(ListQuery), responses((status = 200, body = List<wire::JournalEvent>)))]
pub async fn list(
    caller: Caller<JournalRead>,
    State(app): Shared,
    Query(query): Query<ListQuery>,
) -> Answer<Json<List<wire::JournalEvent>>> {
    let filter = Filter { subject: query.subject, kind: query.kind, after_seq: query.after_seq };
    let page = journal::list(&app.authority, &caller, filter, Paging { cursor: query.cursor, limit: query.limit }).await?;
    Ok(Json::answer(List::new(page.data.into_iter().map(view).collect(), page.next_cursor)))
}
