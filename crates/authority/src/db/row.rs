//! One row of either engine, read by column name.

use sqlx::{Decode, Row as _, Type, postgres::PgRow, sqlite::SqliteRow};

/// A row. Reading a column that the statement does not name is a mistake in this program and panics.
pub enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    fn column<T>(&self, name: &str) -> T
    where
        T: for<'r> Decode<'r, sqlx::Sqlite> + Type<sqlx::Sqlite>,
        T: for<'r> Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>,
    {
        let read = match self {
            Self::Sqlite(row) => row.try_get_unchecked(name),
            Self::Postgres(row) => row.try_get_unchecked(name),
        };
        read.unwrap_or_else(|error| panic!("column {name} cannot be read as its type: {error}"))
    }

    pub fn int(&self, name: &str) -> i64 {
        self.column(name)
    }

    pub fn opt_int(&self, name: &str) -> Option<i64> {
        self.column(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.column(name)
    }

    pub fn opt_text(&self, name: &str) -> Option<String> {
        self.column(name)
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.column(name)
    }

    pub fn opt_bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.column(name)
    }

    pub fn time(&self, name: &str) -> crate::clock::Timestamp {
        crate::clock::Timestamp::from_micros(self.int(name))
    }

    pub fn opt_time(&self, name: &str) -> Option<crate::clock::Timestamp> {
        self.opt_int(name).map(crate::clock::Timestamp::from_micros)
    }

    /// A column that this program wrote as JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> T {
        stored_json(&self.text(name), name)
    }

    pub fn opt_json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.opt_text(name).map(|text| stored_json(&text, name))
    }
}

fn stored_json<T: serde::de::DeserializeOwned>(text: &str, name: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("column {name} does not hold what was written: {error}"))
}
