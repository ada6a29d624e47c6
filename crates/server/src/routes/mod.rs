//! Handlers, a file per resource: wire types in, one call of the authority, wire types out.

pub mod access_tokens;
pub mod api_keys;
pub mod applications;
pub mod environments;
pub mod gateway;
pub mod health;
pub mod journal;
pub mod jwks;
pub mod management_keys;
pub mod oauth;
pub mod operators;
pub mod organizations;
pub mod owners;
pub mod resources;
pub mod signing_keys;
pub mod verify;
pub mod whoami;

use axum::extract::State;
use std::sync::Arc;

use crate::app::App;
use crate::edge::Problem;

type Shared = State<Arc<App>>;
type Answer<T> = Result<T, Problem>;

/// An id inside a body or query, refused by its place.
fn id<T: std::str::FromStr<Err = claviger_authority::ids::NotAnId>>(pointer: &str, text: Option<&str>) -> Answer<Option<T>> {
    text.map(|text| text.parse::<T>().map_err(|wrong| Problem::invalid(pointer, format!("is {wrong}")))).transpose()
}

fn text(value: impl ToString) -> String {
    value.to_string()
}
