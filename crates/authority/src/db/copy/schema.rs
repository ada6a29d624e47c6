//! Which tables a copy carries, read from what this program's own migrations make in memory.
//! There is no list to forget a table in, and both engines are served by one catalogue.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use crate::clock::Timestamp;
use crate::db::open::Pools;
use crate::db::{Db, Error, Param, Query, Row, Tx, migrate};

/// A table and its columns as the migrations define them.
pub(super) struct Table {
    pub name: String,
    columns: Vec<Column>,
    /// Positions of the primary key's columns, in its order.
    key: Vec<usize>,
}

struct Column {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Int,
    Text,
    Bytes,
}

/// The values of a row, in the order of the table's columns.
pub(super) type Values = Vec<Param>;

/// Rows per statement: with 60 columns still below the 32,766 parameters that SQLite allows.
pub(super) const BATCH: usize = 200;

/// Tables of that schema version, each after those it refers to.
pub(super) async fn tables(version: i64) -> Result<Vec<Table>, Error> {
    let options = SqliteConnectOptions::new().in_memory(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let db = Db { pools: Pools::Sqlite { write: pool.clone(), read: pool }, rng: crate::rng::Rng };
    let tx = db.begin().await?;
    migrate::found(&tx, version, Timestamp::from_micros(0)).await?;
    let columns = tx
        .all(
            "SELECT t.name AS table_name, c.name, c.type, c.pk
             FROM sqlite_schema t
             JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table'
               AND t.name NOT IN ('schema_migrations', 'migration_lock')
             ORDER BY t.rowid, c.cid",
            vec![],
        )
        .await?;
    let references = tx
        .all(
            "SELECT t.name, f.\"table\" AS parent FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
            vec![],
        )
        .await?;
    tx.rollback().await?;
    db.close().await;
    let references: Vec<(String, String)> = references.iter().map(|row| (row.text("name"), row.text("parent"))).collect();
    Ok(parents_first(group(&columns), &references))
}

fn group(columns: &[Row]) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut key: Vec<(i64, usize)> = Vec::new();
    for row in columns {
        let name = row.text("table_name");
        if tables.last().is_none_or(|table| table.name != name) {
            tables.push(Table { name, columns: Vec::new(), key: Vec::new() });
            key.clear();
        }
        let table = tables.last_mut().expect("pushed above");
        if row.int("pk") > 0 {
            key.push((row.int("pk"), table.columns.len()));
            key.sort_unstable();
            table.key = key.iter().map(|(_, place)| *place).collect();
        }
        let kind = match row.text("type").as_str() {
            "BIGINT" => Kind::Int,
            "BYTEA" => Kind::Bytes,
            _ => Kind::Text,
        };
        table.columns.push(Column { name: row.text("name"), kind });
    }
    tables
}

fn parents_first(mut tables: Vec<Table>, references: &[(String, String)]) -> Vec<Table> {
    let mut ordered: Vec<Table> = Vec::new();
    while !tables.is_empty() {
        let waits = |table: &Table| {
            let mut parents = references.iter().filter(|(child, parent)| *child == table.name && *parent != table.name);
            parents.any(|(_, parent)| !ordered.iter().any(|table| table.name == *parent))
        };
        let next = tables.iter().position(|table| !waits(table)).expect("the migrations make no circle of references");
        ordered.push(tables.remove(next));
    }
    ordered
}

/// The names of all tables in a database, whoever made them.
pub(super) async fn present(db: &Db, on: &impl Query) -> Result<Vec<String>, Error> {
    let sql = if db.is_sqlite() {
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"
    } else {
        "SELECT CAST(table_name AS TEXT) AS name
         FROM information_schema.tables
         WHERE table_schema = current_schema()
           AND table_type = 'BASE TABLE'
         ORDER BY table_name"
    };
    Ok(on.all(sql, vec![]).await?.iter().map(|row| row.text("name")).collect())
}

impl Table {
    pub async fn count(&self, on: &impl Query) -> Result<i64, Error> {
        // The name comes from the migrations.
        let sql = AssertSqlSafe(format!("SELECT COUNT(*) AS n FROM \"{}\"", self.name));
        let rows = on.run(sql.into_sql_str(), vec![]).await?;
        Ok(rows[0].int("n"))
    }

    /// The next rows in the order of the primary key; fewer than [`BATCH`] when there are no more.
    pub async fn after(&self, on: &impl Query, last: Option<&Values>) -> Result<Vec<Values>, Error> {
        let key = self.names(self.key.iter().copied());
        let mut sql = format!("SELECT {} FROM \"{}\"", self.names(0..self.columns.len()), self.name);
        let mut params = Vec::new();
        if let Some(last) = last {
            sql.push_str(&format!(" WHERE ({key}) > ({})", places(1, self.key.len())));
            params.extend(self.key.iter().map(|place| last[*place].clone()));
        }
        sql.push_str(&format!(" ORDER BY {key} LIMIT {BATCH}"));
        let rows = on.run(AssertSqlSafe(sql).into_sql_str(), params).await?;
        Ok(rows.iter().map(|row| self.columns.iter().map(|column| column.read(row)).collect()).collect())
    }

    pub async fn insert(&self, tx: &Tx, rows: Vec<Values>) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let width = self.columns.len();
        let tuples: Vec<String> = (0..rows.len()).map(|row| format!("({})", places(row * width + 1, width))).collect();
        let sql = format!("INSERT INTO \"{}\" ({}) VALUES {}", self.name, self.names(0..width), tuples.join(", "));
        tx.run(AssertSqlSafe(sql).into_sql_str(), rows.into_iter().flatten().collect()).await?;
        Ok(())
    }

    pub fn to_json(&self, values: Values) -> Map<String, Value> {
        let value = |param| match param {
            Param::Int(value) => value.map_or(Value::Null, Value::from),
            Param::Text(value) => value.map_or(Value::Null, Value::from),
            Param::Bytes(value) => value.map_or(Value::Null, |bytes| STANDARD.encode(bytes).into()),
        };
        self.columns.iter().zip(values).map(|(column, param)| (column.name.clone(), value(param))).collect()
    }

    /// `None` when the row is not one of this table.
    pub fn parse(&self, row: &Map<String, Value>) -> Option<Values> {
        if row.len() != self.columns.len() {
            return None;
        }
        self.columns.iter().map(|column| column.parse(row.get(&column.name)?)).collect()
    }

    fn names(&self, places: impl Iterator<Item = usize>) -> String {
        places.map(|place| format!("\"{}\"", self.columns[place].name)).collect::<Vec<_>>().join(", ")
    }
}

impl Column {
    fn read(&self, row: &Row) -> Param {
        match self.kind {
            Kind::Int => Param::Int(row.opt_int(&self.name)),
            Kind::Text => Param::Text(row.opt_text(&self.name)),
            Kind::Bytes => Param::Bytes(row.opt_bytes(&self.name)),
        }
    }

    fn parse(&self, value: &Value) -> Option<Param> {
        Some(match (self.kind, value) {
            (Kind::Int, Value::Null) => Param::Int(None),
            (Kind::Text, Value::Null) => Param::Text(None),
            (Kind::Bytes, Value::Null) => Param::Bytes(None),
            (Kind::Int, value) => Param::Int(Some(value.as_i64()?)),
            (Kind::Text, value) => Param::Text(Some(value.as_str()?.to_owned())),
            (Kind::Bytes, value) => Param::Bytes(Some(STANDARD.decode(value.as_str()?).ok()?)),
        })
    }
}

/// `$first, $first+1, …`
fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}
