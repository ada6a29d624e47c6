//! Lists and their pages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One page of a list. Ask again with `?cursor=` for the next one.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    pub has_more: bool,
    /// Opaque; good only for this list with the same filters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    pub fn new(data: Vec<T>, next_cursor: Option<String>) -> Self {
        Self { has_more: next_cursor.is_some(), data, next_cursor }
    }
}
