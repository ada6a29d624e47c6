//! Every table with its columns, in an order in which each refers only to those before it.
//! `k` marks the key columns, which come first; the letter after the colon is the kind of value.

use super::super::{Error, Param, Query, Row, Tx};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Int,
    Text,
    Bytes,
}

pub(super) struct Table {
    pub name: &'static str,
    keys: usize,
    pub columns: Vec<(&'static str, Kind)>,
}

const TABLES: &[(&str, usize, &str)] = &[
    ("environments", 1, "id:t slug:t name:t key_prefix:t issuer:t revision:i created_at:i updated_at:i"),
    ("sealed_keys", 1, "id:t environment_id:t type:t version:i sealed:b created_at:i"),
    ("journal_heads", 1, "environment_id:t seq:i hash:b at:i"),
    ("journal", 2, "environment_id:t seq:i at:i kind:t subject_id:t organization_id:t actor_id:t change_id:t leaf:t hash:b"),
    (
        "organizations",
        1,
        "id:t environment_id:t name:t external_id:t status:t metadata:t status_changed_at:i revision:i created_at:i updated_at:i",
    ),
    (
        "owners",
        1,
        "id:t environment_id:t organization_id:t type:t name:t email:t external_id:t status:t departed_at:i revision:i created_at:i updated_at:i",
    ),
    ("resources", 1, "id:t environment_id:t identifier:t name:t token:t revision:i created_at:i updated_at:i"),
    ("resource_permissions", 2, "resource_id:t name:t description:t risk:t"),
    (
        "api_keys",
        1,
        "id:t environment_id:t organization_id:t owner_id:t resource_id:t permissions:t name:t purpose:t hint:t status:t origin:t \
         expires_at:i allowed_cidrs:t ratelimit:t quota:t metadata:t tags:t created_by:t revoked_at:i revocation_reason:t \
         revocation_comment:t undo_until:i status_before_revocation:t last_used_at:i last_used_from:t use_count:i revision:i \
         created_at:i updated_at:i",
    ),
    ("api_key_permissions", 2, "api_key_id:t permission:t resource_id:t exercised_at:i"),
    ("api_key_tags", 2, "api_key_id:t tag:t environment_id:t"),
    ("api_key_quotas", 1, "api_key_id:t remaining:i refilled_at:i"),
    (
        "secrets",
        1,
        "id:t environment_id:t credential_id:t scheme:t pepper_version:i digest:b hint:t created_at:i retires_at:i last_used_at:i last_used_from:t",
    ),
    ("operators", 1, "id:t environment_id:t name:t email:t role:t status:t revision:i created_at:i updated_at:i"),
    (
        "management_keys",
        1,
        "id:t environment_id:t owner_id:t operator_id:t organization_id:t name:t permissions:t grantable:t hint:t status:t expires_at:i \
         created_by:t revoked_at:i revocation_reason:t last_used_at:i last_used_from:t revision:i created_at:i updated_at:i",
    ),
    ("idempotency", 3, "environment_id:t caller_id:t key:t operation:t request_digest:b object_id:t created_at:i"),
];

const BATCH: i64 = 1_000;

pub(super) fn all() -> Vec<Table> {
    let kind = |letter| match letter {
        "i" => Kind::Int,
        "b" => Kind::Bytes,
        _ => Kind::Text,
    };
    let column = |text: &'static str| text.split_once(':').map(|(name, letter)| (name, kind(letter))).expect("every column has a kind");
    let table = |(name, keys, columns): &(&'static str, usize, &'static str)| Table {
        name,
        keys: *keys,
        columns: columns.split_whitespace().map(column).collect(),
    };
    TABLES.iter().map(table).collect()
}

impl Table {
    /// The rows after a key, in the order of the key: an index walk, however long the table is.
    pub(super) async fn batch(&self, on: &Tx, after: Option<&[Param]>) -> Result<Vec<Vec<Param>>, Error> {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let key = names[..self.keys].join(", ");
        let mut params = after.map(<[Param]>::to_vec).unwrap_or_default();
        let places: Vec<String> = (1..=params.len()).map(|place| format!("${place}")).collect();
        let condition = if params.is_empty() { String::new() } else { format!(" WHERE ({key}) > ({})", places.join(", ")) };
        params.push(BATCH.into());
        let text = format!("SELECT {} FROM {}{condition} ORDER BY {key} LIMIT ${}", names.join(", "), self.name, params.len());
        // Made of the names above and numbered places only.
        let rows = on.run(AssertSqlSafe(text).into_sql_str(), params).await?;
        Ok(rows.iter().map(|row| self.values(row)).collect())
    }

    fn values(&self, row: &Row) -> Vec<Param> {
        let value = |(name, kind): &(&str, Kind)| match kind {
            Kind::Int => Param::Int(row.opt_int(name)),
            Kind::Text => Param::Text(row.opt_text(name)),
            Kind::Bytes => Param::Bytes(Some(row.bytes(name))),
        };
        self.columns.iter().map(value).collect()
    }

    /// The key of a row.
    pub(super) fn key<'a>(&self, row: &'a [Param]) -> &'a [Param] {
        &row[..self.keys]
    }

    pub(super) async fn insert(&self, on: &Tx, row: Vec<Param>) -> Result<(), Error> {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let places: Vec<String> = (1..=row.len()).map(|place| format!("${place}")).collect();
        let text = format!("INSERT INTO {} ({}) VALUES ({})", self.name, names.join(", "), places.join(", "));
        on.run(AssertSqlSafe(text).into_sql_str(), row).await?;
        Ok(())
    }

    pub(super) async fn count(&self, on: &Tx) -> Result<u64, Error> {
        let rows = on.run(AssertSqlSafe(format!("SELECT COUNT(*) AS rows FROM {}", self.name)).into_sql_str(), vec![]).await?;
        Ok(rows.first().map_or(0, |row| row.int("rows")) as u64)
    }
}
