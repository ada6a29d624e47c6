//! Many keys at once: revoke by filter, import by digest, export.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_api::api_keys as wire;
use claviger_authority::Error;
use claviger_authority::keys::{self, Filter, Imported, Reason};
use claviger_authority::page::{MAX_LIMIT, Paging};
use futures_util::stream;
use http::header;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Shared, parse, text, view};
use crate::edge::caller::permission::{KeysImport, KeysRead, KeysRevoke};
use crate::edge::{Caller, Json, Problem, Query};

/// Revokes every key that the filter finds, in one change. `dry_run` only tells which.
#[utoipa::path(post, path = "/v1/api-keys/revoke", tag = "api-keys", request_body = wire::RevokeMatching, responses((status = 200, body = wire::RevokedMatching)))]
pub async fn revoke(
    caller: Caller<KeysRevoke>,
    State(app): Shared,
    body: Json<wire::RevokeMatching>,
) -> Answer<Json<wire::RevokedMatching>> {
    let wanted = body.value;
    let reason: Reason = wanted.reason.parse().map_err(|detail: String| Problem::invalid("/reason", detail))?;
    let filter = parse::filter("/filter", wanted.filter)?;
    let done = keys::revoke_matching(&app.authority, &caller, &filter, reason, wanted.comment.as_deref(), wanted.dry_run).await?;
    Ok(Json::answer(wire::RevokedMatching {
        revoked: done.value.ids.len(),
        ids: done.value.ids.into_iter().map(text).collect(),
        dry_run: done.value.dry_run,
        journal_seq: done.journal_seq,
    }))
}

/// Takes over keys that another system made, by their SHA-256 digests. Each row is answered for itself.
#[utoipa::path(post, path = "/v1/api-keys/import", tag = "api-keys", request_body = wire::ImportApiKeys, responses((status = 200, body = wire::ImportOutcome)))]
pub async fn import(caller: Caller<KeysImport>, State(app): Shared, body: Json<wire::ImportApiKeys>) -> Answer<Json<wire::ImportOutcome>> {
    let count = body.value.keys.len();
    let mut rows: Vec<wire::ImportRow> = Vec::with_capacity(count);
    let mut good = Vec::with_capacity(count);
    let mut places = Vec::with_capacity(count);
    for (row, key) in body.value.keys.into_iter().enumerate() {
        match parse::foreign(key) {
            Ok(foreign) => {
                good.push(foreign);
                places.push(row);
            }
            Err(problem) => rows.push(refused(row, problem)),
        }
    }
    // An empty or oversized list is the request's fault, not that of its rows.
    let (mut imported, mut present, mut journal_seq) = (0, 0, 0);
    if rows.is_empty() || !good.is_empty() {
        let done = keys::import(&app.authority, &caller, &good).await?;
        journal_seq = done.journal_seq;
        for (row, outcome) in places.into_iter().zip(done.value) {
            rows.push(match outcome {
                Imported::Done(key) => {
                    imported += 1;
                    wire::ImportRow { row, code: "IMPORTED".to_owned(), id: Some(text(key.id)), detail: None, errors: Vec::new() }
                }
                Imported::Present(id) => {
                    present += 1;
                    wire::ImportRow { row, code: "ALREADY_PRESENT".to_owned(), id: Some(id), detail: None, errors: Vec::new() }
                }
                Imported::Refused(error) => refused(row, error.into()),
            });
        }
    }
    rows.sort_by_key(|row| row.row);
    Ok(Json::answer(wire::ImportOutcome { imported, present, refused: rows.len() - imported - present, rows, journal_seq }))
}

fn refused(row: usize, problem: Problem) -> wire::ImportRow {
    wire::ImportRow { row, code: problem.code.to_owned(), id: None, detail: Some(problem.detail), errors: problem.errors }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// `ndjson` (default) or `csv`.
    format: Option<String>,
    status: Option<String>,
    organization_id: Option<String>,
    owner_id: Option<String>,
    resource: Option<String>,
    permission: Option<String>,
    tag: Option<String>,
    expiring_before: Option<String>,
    unused_since: Option<String>,
    search: Option<String>,
}

#[derive(Clone, Copy)]
enum Format {
    Ndjson,
    Csv,
}

/// All keys that the filters find, as a stream. Never a secret, never a digest.
#[utoipa::path(get, path = "/v1/api-keys/export", tag = "api-keys", params(ExportQuery), responses((status = 200, description = "One key a line", body = String, content_type = "application/x-ndjson")))]
pub async fn export(caller: Caller<KeysRead>, State(app): Shared, Query(query): Query<ExportQuery>) -> Answer<Response> {
    let format = match query.format.as_deref() {
        None | Some("ndjson") => Format::Ndjson,
        Some("csv") => Format::Csv,
        Some(other) => return Err(Problem::invalid("format", format!("{other:?} is not a format: want ndjson or csv"))),
    };
    let filter = parse::filter(
        "",
        wire::KeyFilter {
            status: query.status,
            organization_id: query.organization_id,
            owner_id: query.owner_id,
            resource: query.resource,
            permission: query.permission,
            tag: query.tag,
            expiring_before: query.expiring_before,
            unused_since: query.unused_since,
            search: query.search,
        },
    )?;
    let start = Some(Paging { cursor: None, limit: Some(MAX_LIMIT) });
    let pages = stream::try_unfold((start, true), move |(paging, is_first)| {
        let (app, caller, filter) = (app.clone(), claviger_authority::access::Caller::clone(&caller), filter.clone());
        async move {
            let Some(paging) = paging else { return Ok::<_, Error>(None) };
            let (lines, next) = lines(&app.authority, &caller, &filter, &paging, format, is_first).await?;
            let next = next.map(|cursor| Paging { cursor: Some(cursor), limit: Some(MAX_LIMIT) });
            Ok(Some((lines, (next, false))))
        }
    });
    let content_type = match format {
        Format::Ndjson => "application/x-ndjson",
        Format::Csv => "text/csv; charset=utf-8",
    };
    Ok(([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-store")], Body::from_stream(pages)).into_response())
}

async fn lines(
    authority: &claviger_authority::Authority,
    caller: &claviger_authority::access::Caller,
    filter: &Filter,
    paging: &Paging,
    format: Format,
    is_first: bool,
) -> Result<(Vec<u8>, Option<String>), Error> {
    let page = keys::list(authority, caller, filter, paging).await?;
    let keys = page.data.into_iter().map(|key| view::key(key, caller.context.now));
    let mut lines = Vec::new();
    match format {
        Format::Ndjson => {
            for key in keys {
                serde_json::to_writer(&mut lines, &key).expect("a key can be written");
                lines.push(b'\n');
            }
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(&mut lines);
            if is_first {
                writer.write_record(CSV_COLUMNS).expect("memory can be written");
            }
            for key in keys {
                writer.write_record(csv_row(key)).expect("memory can be written");
            }
            writer.flush().expect("memory can be written");
        }
    }
    Ok((lines, page.next_cursor))
}

const CSV_COLUMNS: [&str; 17] = [
    "id",
    "hint",
    "status",
    "organization_id",
    "owner_id",
    "name",
    "purpose",
    "resource",
    "permissions",
    "origin",
    "expires_at",
    "allowed_cidrs",
    "tags",
    "created_by",
    "created_at",
    "last_used_at",
    "use_count",
];

fn csv_row(key: wire::ApiKey) -> [String; 17] {
    [
        key.id,
        key.hint,
        key.status,
        key.organization_id,
        key.owner_id,
        harmless(key.name),
        harmless(key.purpose.unwrap_or_default()),
        harmless(key.resource.unwrap_or_default()),
        key.permissions.join(" "),
        key.origin,
        key.expires_at.unwrap_or_default(),
        key.allowed_cidrs.join(" "),
        harmless(key.tags.join(" ")),
        key.created_by,
        key.created_at,
        key.last_used_at.unwrap_or_default(),
        text(key.use_count),
    ]
}

/// A customer's text that a spreadsheet would take for a formula is kept a text.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}
