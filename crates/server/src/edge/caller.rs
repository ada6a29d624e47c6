//! `Caller<P>` in a handler's signature is the proof that the caller was authenticated and holds the permission.
//! Extracting it comes before the body is read.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use claviger_authority::access::{self, Permission};
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};

use super::Problem;
use super::service::Arrival;
use crate::app::App;

/// Permissions as types.
pub mod permission {
    use claviger_authority::access::Permission;

    /// A permission that a handler asks for.
    pub trait Needed {
        const PERMISSION: Permission;
    }

    macro_rules! needed {
        ($($name:ident)*) => {$(
            pub struct $name;

            impl Needed for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )*};
    }

    needed! {
        EnvironmentsRead EnvironmentsWrite OrganizationsRead OrganizationsWrite OwnersRead OwnersWrite ResourcesRead ResourcesWrite
        KeysRead KeysCreate KeysUpdate KeysRevoke KeysImport
        ApplicationsRead ApplicationsCreate ApplicationsUpdate ApplicationsRevoke ManagementKeysRead ManagementKeysWrite OperatorsRead OperatorsWrite
        JournalRead SigningKeysRead SigningKeysWrite InstanceAdminister
    }
}

/// The authenticated caller, holding `P`.
pub struct Caller<P> {
    caller: access::Caller,
    proof: PhantomData<P>,
}

impl<P> std::ops::Deref for Caller<P> {
    type Target = access::Caller;

    fn deref(&self) -> &access::Caller {
        &self.caller
    }
}

impl<P: permission::Needed> FromRequestParts<Arc<App>> for Caller<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let arrival = parts.extensions.get::<Arrival>().expect("the service notes the arrival of every request");
        let request = access::caller::Request {
            bearer: bearer(&parts.headers)?,
            request_id: arrival.request_id.to_string(),
            environment: environment(&parts.headers)?,
            client: Some(arrival.client),
        };
        let caller = access::authenticate(&app.authority, request).await?;
        caller.require(P::PERMISSION)?;
        Ok(Self { caller, proof: PhantomData })
    }
}

/// The token of the one `Authorization: Bearer` header (RFC 6750 section 2.1).
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::new(http::StatusCode::BAD_REQUEST, "DUPLICATE_HEADER", "A header came twice", "send `Authorization` once"));
    }
    let Ok(value) = value.to_str() else { return Err(claviger_authority::Refusal::BadCredential.into()) };
    match value.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => Ok(Some(token.trim())),
        _ => Err(claviger_authority::Refusal::BadCredential.into()),
    }
}

pub const CLAVIGER_ENVIRONMENT: HeaderName = HeaderName::from_static("claviger-environment");

/// The environment that an instance administrator names.
pub fn environment(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(CLAVIGER_ENVIRONMENT) else { return Ok(None) };
    value.to_str().map(Some).map_err(|_| Problem::invalid("Claviger-Environment", "is not the slug or id of an environment"))
}

/// What a verification needs its caller to hold.
pub const VERIFY: Permission = Permission::CredentialsVerify;
