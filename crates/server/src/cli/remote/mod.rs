//! Commands that ask a running server, a file per resource. Each turns its words into one call.

pub mod application;
pub mod environment;
pub mod key;
pub mod management_key;
pub mod operator;
pub mod org;
pub mod owner;
pub mod resource;
pub mod signing_keys;

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

/// Where a list goes on, and how long a page is.
#[derive(clap::Args, Clone, Debug)]
pub struct Page {
    /// What the page before said to go on with.
    // One in 64 begins with a hyphen.
    #[arg(long, allow_hyphen_values = true)]
    cursor: Option<String>,
    /// 1 to 200.
    #[arg(long)]
    limit: Option<u32>,
}

impl Page {
    fn of(&self, call: super::client::Call) -> super::client::Call {
        call.query("cursor", &self.cursor).query("limit", &self.limit.map(|limit| limit.to_string()))
    }
}

/// An id or a slug as one piece of a path. With a slash, a dot or nothing in it the call would be another one.
#[derive(Clone, Debug)]
pub struct Segment(String);

impl FromStr for Segment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_one_piece = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if is_one_piece { Ok(Self(text.to_owned())) } else { Err("there are only letters, digits, `_` and `-` in one") }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A body of what was given; what was not is left out.
fn body(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let given = fields.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?)));
    Value::Object(given.collect::<Map<String, Value>>())
}

fn text(value: &Option<String>) -> Option<Value> {
    value.clone().map(Value::from)
}

/// A list that is left out when empty.
fn texts(values: &[String]) -> Option<Value> {
    (!values.is_empty()).then(|| values.to_vec().into())
}
