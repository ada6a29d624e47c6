//! Statements, their parameters, and the two places they run: a pool (reads) and a transaction.

use std::future::Future;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::{Error, Row};
use crate::clock::Timestamp;

/// A value bound to `$1`, `$2`, … of a statement.
#[derive(Clone)]
pub enum Param {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! param_from {
    ($($type:ty => |$value:ident| $param:expr;)*) => {$(
        impl From<$type> for Param {
            fn from($value: $type) -> Self {
                $param
            }
        }
    )*};
}

param_from! {
    i64 => |value| Self::Int(Some(value));
    Option<i64> => |value| Self::Int(value);
    Timestamp => |value| Self::Int(Some(value.micros()));
    Option<Timestamp> => |value| Self::Int(value.map(Timestamp::micros));
    String => |value| Self::Text(Some(value));
    &String => |value| Self::Text(Some(value.clone()));
    &str => |value| Self::Text(Some(value.to_owned()));
    Option<String> => |value| Self::Text(value);
    Option<&str> => |value| Self::Text(value.map(str::to_owned));
    Vec<u8> => |value| Self::Bytes(Some(value));
    &[u8] => |value| Self::Bytes(Some(value.to_vec()));
}

/// The parameters of a statement, in order.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Param::from($value)),*] };
}
pub(crate) use params;

/// Binds parameters to a query of either engine.
macro_rules! bound {
    ($sql:expr, $params:expr) => {{
        let mut query = sqlx::query($sql);
        for param in $params {
            query = match param {
                $crate::db::Param::Int(value) => query.bind(value),
                $crate::db::Param::Text(value) => query.bind(value),
                $crate::db::Param::Bytes(value) => query.bind(value),
            };
        }
        query
    }};
}
pub(super) use bound;

/// Where a statement can run.
pub trait Query: Sync {
    /// All rows of a statement whose text was put together from fixed parts.
    fn run(&self, sql: SqlStr, params: Vec<Param>) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;

    /// All rows.
    fn all(&self, sql: &'static str, params: Vec<Param>) -> impl Future<Output = Result<Vec<Row>, Error>> + Send {
        self.run(sql.into_sql_str(), params)
    }

    /// The row, if there is one; more than one is a mistake in the statement.
    fn optional(&self, sql: &'static str, params: Vec<Param>) -> impl Future<Output = Result<Option<Row>, Error>> + Send {
        async move { Ok(self.all(sql, params).await?.pop()) }
    }

    /// The one row that cannot be missing, such as a count.
    fn one(&self, sql: &'static str, params: Vec<Param>) -> impl Future<Output = Result<Row, Error>> + Send {
        async move { self.optional(sql, params).await?.ok_or(Error::Sqlx(sqlx::Error::RowNotFound)) }
    }
}

/// A `SELECT` whose conditions depend on what was asked. Texts are fixed; values are always bound.
pub struct Select {
    text: String,
    params: Vec<Param>,
    has_where: bool,
}

impl Select {
    pub fn new(base: &'static str) -> Self {
        Self { text: base.to_owned(), params: Vec::new(), has_where: false }
    }

    /// Adds `AND condition`, in which each `?` stands for the next of the values.
    pub fn and(&mut self, condition: &'static str, values: Vec<Param>) -> &mut Self {
        self.text.push_str(if self.has_where { "\n  AND " } else { "\nWHERE " });
        self.has_where = true;
        self.push(condition, values)
    }

    /// Adds the condition when there is a value for it.
    pub fn and_if<T: Into<Param>>(&mut self, condition: &'static str, value: Option<T>) -> &mut Self {
        match value {
            Some(value) => self.and(condition, vec![value.into()]),
            None => self,
        }
    }

    /// Adds `AND column IN (values)`; an empty list matches nothing.
    pub fn and_in(&mut self, column: &'static str, values: Vec<Param>) -> &mut Self {
        self.and(column, vec![]).push_in("", values)
    }

    /// Adds `column IN (values)` where a condition was begun.
    pub fn push_in(&mut self, column: &'static str, values: Vec<Param>) -> &mut Self {
        self.push(column, vec![]);
        self.text.push_str(if values.is_empty() { " IN (NULL" } else { " IN (" });
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            self.params.push(value);
            self.text.push_str(&format!("${}", self.params.len()));
        }
        self.text.push(')');
        self
    }

    /// Adds a clause such as `ORDER BY … LIMIT ?` as it is.
    pub fn push(&mut self, clause: &'static str, values: Vec<Param>) -> &mut Self {
        let mut values = values.into_iter();
        for (place, part) in clause.split('?').enumerate() {
            if place > 0 {
                self.params.push(values.next().expect("as many values as question marks"));
                self.text.push_str(&format!("${}", self.params.len()));
            }
            self.text.push_str(part);
        }
        debug_assert!(values.next().is_none(), "as many question marks as values");
        self
    }

    pub async fn all(self, on: &impl Query) -> Result<Vec<Row>, Error> {
        // Made of `&'static str` parts and numbered places only.
        on.run(AssertSqlSafe(self.text).into_sql_str(), self.params).await
    }

    pub async fn optional(self, on: &impl Query) -> Result<Option<Row>, Error> {
        Ok(self.all(on).await?.pop())
    }
}

/// The pattern of a `LIKE … ESCAPE '\'` that finds the text anywhere.
pub fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.extend(character.to_lowercase());
    }
    pattern.push('%');
    pattern
}
