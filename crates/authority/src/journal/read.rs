//! Reading the journal: by environment in sequence, or by what happened to one thing.

use serde_json::Value;

use crate::access::Caller;
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{self, Query, Row, Select, params};
use crate::error::Result;
use crate::ids::EnvironmentId;
use crate::page::{Page, Paging};

/// One event as it stands in the journal.
#[derive(Debug)]
pub struct Entry {
    pub seq: i64,
    pub at: Timestamp,
    pub kind: String,
    pub subject: String,
    pub organization: Option<String>,
    pub actor: Value,
    pub request_id: String,
    pub change: String,
    pub data: Value,
    /// SHA-256 of the leaf, 64 hexadecimal digits.
    pub hash: String,
    pub previous: String,
}

/// Which events a list shall hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub subject: Option<String>,
    pub kind: Option<String>,
    pub after_seq: Option<i64>,
}

/// Events in order of their sequence number.
pub async fn list(authority: &Authority, caller: &Caller, filter: Filter, paging: Paging) -> Result<Page<Entry>> {
    let environment = caller.context.environment.id;
    let limit = paging.limit()?;
    let scope = format!("journal/{environment}/{:?}/{:?}/{filter:?}", caller.organization, filter.after_seq);
    let after = paging.position(&authority.cursors, &scope)?.and_then(|seq| seq.parse::<i64>().ok()).or(filter.after_seq);
    let mut select = Select::new("SELECT seq, leaf, hash FROM journal");
    select
        .and("environment_id = ?", params![environment.to_string()])
        .and_if("organization_id = ?", caller.organization.map(|id| id.to_string()))
        .and_if("subject_id = ?", filter.subject)
        .and_if("kind = ?", filter.kind)
        .and_if("seq > ?", after)
        .push("\nORDER BY seq\nLIMIT ?", params![i64::from(limit) + 1]);
    let entries = select.all(&authority.db).await?.iter().map(entry).collect();
    Ok(authority.cursors.page(&scope, entries, limit, |entry: &Entry| entry.seq.to_string()))
}

fn entry(row: &Row) -> Entry {
    let mut leaf: Value = row.json("leaf");
    let text = |leaf: &Value, field: &str| leaf[field].as_str().unwrap_or_default().to_owned();
    Entry {
        seq: row.int("seq"),
        at: Timestamp::from_micros(leaf["at"].as_i64().unwrap_or_default()),
        kind: text(&leaf, "kind"),
        subject: text(&leaf, "subject"),
        organization: leaf["organization"].as_str().map(str::to_owned),
        request_id: text(&leaf, "request_id"),
        change: text(&leaf, "change"),
        previous: text(&leaf, "previous"),
        actor: leaf["actor"].take(),
        data: leaf["data"].take(),
        hash: super::append::hex(&row.bytes("hash")),
    }
}

/// What a node that follows the journal needs of an event.
pub struct Change {
    pub seq: i64,
    pub kind: String,
    pub subject: String,
}

/// Up to `limit` events after a sequence number.
pub async fn since(on: &impl Query, environment: EnvironmentId, seq: i64, limit: i64) -> Result<Vec<Change>, db::Error> {
    let rows = on
        .all(
            "SELECT seq, kind, subject_id
             FROM journal
             WHERE environment_id = $1
               AND seq > $2
             ORDER BY seq
             LIMIT $3",
            params![environment.to_string(), seq, limit],
        )
        .await?;
    Ok(rows.iter().map(|row| Change { seq: row.int("seq"), kind: row.text("kind"), subject: row.text("subject_id") }).collect())
}

/// The last sequence number of every environment.
pub async fn heads(on: &impl Query) -> Result<Vec<(EnvironmentId, i64)>, db::Error> {
    let rows = on.all("SELECT environment_id, seq FROM journal_heads", vec![]).await?;
    Ok(rows.iter().map(|row| (EnvironmentId::stored(&row.text("environment_id")), row.int("seq"))).collect())
}
