//! The authorization server (RFC 6749): for machines only, so there is a token endpoint and no page to sign in.
//! Its errors are those of OAuth and not problem documents, because its clients are OAuth libraries.

mod client;
pub mod discovery;
mod form;
pub mod introspect;
mod refusal;
pub mod revoke;
pub mod token;

use axum::extract::Path;
use claviger_authority::environments;
use claviger_authority::gate::EnvironmentRef;

use crate::app::App;
use refusal::Refusal;

/// The environment that a path names; without one, the default.
fn environment(app: &App, path: Option<Path<String>>) -> Result<EnvironmentRef, Refusal> {
    let slug = path.as_ref().map_or(environments::DEFAULT, |Path(slug)| slug.as_str());
    app.authority.gate.environment_named(slug).ok_or_else(Refusal::no_such_issuer)
}
