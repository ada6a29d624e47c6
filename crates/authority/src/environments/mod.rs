//! Environments: the unit of isolation. Nothing crosses from one into another.

mod create;
mod sql;
mod update;

use std::sync::Arc;

use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::Prefix;
use crate::db::Query;
use crate::error::{Refusal, Result};
use crate::ids::EnvironmentId;

pub use create::{New, create};
pub(crate) use create::{create_defaults, pepper_label};
pub(crate) use sql::{all, insert_row};
pub use update::{Update, update};

/// The slug of the environment that is meant where none is named.
pub const DEFAULT: &str = "live";

/// An environment with its own prefix, pepper, issuer, catalogue and organizations.
#[derive(Clone, Debug)]
pub struct Environment {
    pub id: EnvironmentId,
    /// The name in addresses and headers, such as `live`.
    pub slug: String,
    pub name: String,
    /// What its credentials begin with, such as `acme_live`; fixed for ever, for keys in the field carry it.
    pub key_prefix: Prefix,
    /// Empty in the database while nobody set it: then it follows the address of the server.
    pub issuer: String,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The environment of that slug or id.
pub async fn find(authority: &Authority, slug_or_id: &str) -> Result<Option<Arc<Environment>>> {
    let found = authority.db.optional(sql::BY_SLUG_OR_ID, crate::db::params![slug_or_id]).await?;
    Ok(found.map(|row| Arc::new(authority.with_issuer(sql::environment(&row)))))
}

/// The environments that the caller may know of: all for an instance administrator, else its own.
pub async fn list(authority: &Authority, caller: &Caller) -> Result<Vec<Environment>> {
    let mut environments: Vec<_> = sql::all(&authority.db).await?.into_iter().map(|found| authority.with_issuer(found)).collect();
    if !caller.permissions.has(Permission::InstanceAdminister) {
        environments.retain(|environment| environment.id == caller.context.environment.id);
    }
    Ok(environments)
}

pub async fn read(authority: &Authority, caller: &Caller, slug_or_id: &str) -> Result<Environment> {
    list(authority, caller)
        .await?
        .into_iter()
        .find(|environment| environment.slug == slug_or_id || environment.id.to_string() == slug_or_id)
        .ok_or_else(|| Refusal::not_found("environment", slug_or_id).into())
}
