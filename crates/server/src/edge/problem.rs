//! Problem documents (RFC 9457): the only place that knows which refusal has which status and code.

use axum::response::{IntoResponse, Response};
use claviger_api::problem as wire;
use claviger_authority::credential::redact;
use claviger_authority::{Error, Refusal, db};
use http::{HeaderValue, StatusCode, header};

/// A refusal on its way out. The request id joins it in [`super::service`], which writes the body.
#[derive(Debug, Clone)]
pub struct Problem {
    pub status: StatusCode,
    pub code: &'static str,
    pub title: &'static str,
    pub detail: String,
    pub errors: Vec<wire::FieldError>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, title, detail: detail.into(), errors: Vec::new() }
    }

    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Error::invalid(pointer, detail).into()
    }

    /// The document, as bytes. Whoever puts a secret in the wrong place does not get it repeated, for answers are logged.
    pub fn body(&self, request_id: &str) -> Vec<u8> {
        let redacted = |text: &str| redact(text).into_owned();
        let field = |error: &wire::FieldError| wire::FieldError { pointer: redacted(&error.pointer), detail: redacted(&error.detail) };
        let document = wire::Problem {
            r#type: format!("https://claviger.dev/problems/{}", self.code),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: redacted(&self.detail),
            request_id: request_id.to_owned(),
            errors: self.errors.iter().map(field).collect(),
        };
        serde_json::to_vec(&document).expect("a problem can be written")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"claviger\""));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let (status, code, title) = match refusal {
            Refusal::NotFound { .. } => (StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such thing"),
            Refusal::RevisionMismatch { .. } => (StatusCode::PRECONDITION_FAILED, "REVISION_MISMATCH", "Somebody else changed it"),
            Refusal::NoCredential => (StatusCode::UNAUTHORIZED, "NO_CREDENTIAL", "No credential was given"),
            Refusal::BadCredential => (StatusCode::UNAUTHORIZED, "BAD_CREDENTIAL", "The credential cannot be used"),
            Refusal::PermissionMissing { .. } => (StatusCode::FORBIDDEN, "PERMISSION_MISSING", "A permission is missing"),
            Refusal::BeyondOwnGrant(_) => (StatusCode::FORBIDDEN, "BEYOND_OWN_GRANT", "More than the caller may give"),
            Refusal::Taken { .. } => (StatusCode::CONFLICT, "TAKEN", "It is taken already"),
            Refusal::OrganizationNotActive(_) => (StatusCode::CONFLICT, "ORGANIZATION_NOT_ACTIVE", "The organization is not active"),
            Refusal::OrganizationOffboarded => (StatusCode::CONFLICT, "ORGANIZATION_OFFBOARDED", "The organization was offboarded"),
            Refusal::OwnerDeparted => (StatusCode::CONFLICT, "OWNER_DEPARTED", "The owner has departed"),
            Refusal::OwnerOfOtherOrganization => (StatusCode::CONFLICT, "OWNER_OF_OTHER_ORGANIZATION", "The owner is somebody else's"),
            Refusal::PermissionsInUse { .. } => (StatusCode::CONFLICT, "PERMISSIONS_IN_USE", "It is still held"),
            Refusal::WrongStatus(_) => (StatusCode::CONFLICT, "WRONG_STATUS", "Not in this status"),
            Refusal::UndoForbidden(_) => (StatusCode::CONFLICT, "UNDO_FORBIDDEN", "This revocation is final"),
            Refusal::UndoExpired => (StatusCode::CONFLICT, "UNDO_EXPIRED", "The time to undo is over"),
            Refusal::TooManySecrets { .. } => (StatusCode::CONFLICT, "TOO_MANY_SECRETS", "No more client secrets at once"),
            Refusal::TooManyCredentials { .. } => (StatusCode::CONFLICT, "TOO_MANY_CREDENTIALS", "No more credentials at once"),
            Refusal::ImportedSecret => (StatusCode::CONFLICT, "IMPORTED_SECRET", "The secret was made elsewhere"),
            Refusal::IdempotencyMismatch => {
                (StatusCode::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_MISMATCH", "The Idempotency-Key was used for something else")
            }
            Refusal::IdempotencyInFlight => (StatusCode::CONFLICT, "IDEMPOTENCY_IN_FLIGHT", "The same request is under way"),
            Refusal::BadCursor => (StatusCode::BAD_REQUEST, "BAD_CURSOR", "The cursor is not of this list"),
            Refusal::StandbyTooNew { .. } => (StatusCode::CONFLICT, "STANDBY_TOO_NEW", "The next signing key cannot be used yet"),
            Refusal::LastAdministrator => (StatusCode::CONFLICT, "LAST_ADMINISTRATOR", "Somebody must be able to let others in"),
        };
        Self::new(status, code, title, detail)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Invalid(violations) => {
                let detail = Error::Invalid(violations.clone()).to_string();
                let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_VALUE", "A value cannot be accepted", detail);
                problem.errors = violations
                    .into_iter()
                    .map(|violation| wire::FieldError { pointer: violation.pointer, detail: violation.detail })
                    .collect();
                problem
            }
            Error::Store(db::Error::CommitUnknown) => {
                tracing::error!("a change may or may not have been committed: the connection to the database was lost");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "COMMIT_UNKNOWN",
                    "It is not known whether it was done",
                    "the database was lost while the change was committed: look whether it is there before you repeat it",
                )
            }
            // Whatever is broken behind us: the operator's text goes to the log, the caller's says when to come back.
            Error::Store(error) => {
                tracing::error!(%error, "the database failed");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "STORE_UNAVAILABLE",
                    "The database cannot be reached",
                    "nothing was changed; try again in a moment",
                )
            }
            Error::Signing(error) => {
                tracing::error!(%error, "nothing can be signed");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "SIGNING_UNAVAILABLE",
                    "Nothing can be signed at the moment",
                    "the operator was told; try again in a moment",
                )
            }
            Error::Sealed(error) => {
                tracing::error!(%error, "a sealed key does not open");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "Something is broken here", "the operator was told")
            }
        }
    }
}
