//! The authorization server (RFC 6749): for machines only, so there is a token endpoint and no page to sign in.
//! Its errors are those of OAuth and not problem documents, because its clients are OAuth libraries.

mod client;
pub mod discovery;
mod form;
pub mod introspect;
mod refusal;
pub mod revoke;
pub mod token;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use claviger_authority::environments;
use claviger_authority::gate::EnvironmentRef;
use http::request::Parts;

use crate::app::App;
pub use refusal::{Refusal, no_store};

/// The environment whose issuer the path is below; without one, the default.
pub struct Issuer(pub EnvironmentRef);

impl FromRequestParts<Arc<App>> for Issuer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let path: Option<Path<HashMap<String, String>>> = Path::from_request_parts(parts, app).await.ok();
        let named = path.as_ref().and_then(|Path(values)| values.get("environment"));
        let slug = named.map_or(environments::DEFAULT, String::as_str);
        let found = app.authority.gate.environment_named(slug).filter(|found| found.environment.load().slug == slug);
        found.map(Self).ok_or_else(Refusal::no_such_issuer)
    }
}
