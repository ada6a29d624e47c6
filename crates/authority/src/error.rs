//! What can be answered to a caller instead of what was asked, in one list.
//! It names what happened; only the HTTP edge knows statuses.

use crate::clock::Timestamp;
use crate::db;
use crate::keys::Status;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something about the request itself; the caller can mend it.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The values are not acceptable, each named by its place in the body.
    #[error("{} of the request's values cannot be accepted", .0.len())]
    Invalid(Vec<Violation>),
    /// Ours to mend. The text is for the operator.
    #[error("{0}")]
    Store(#[from] db::Error),
    #[error("{0}")]
    Sealed(#[from] crate::seal::Error),
    #[error("{0}")]
    Signing(#[from] crate::tokens::signing::SignError),
}

/// One value that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON Pointer (RFC 6901) into the body, or the name of a query parameter.
    pub pointer: String,
    /// What is wrong and what would be right; never repeats a secret.
    pub detail: String,
}

impl Error {
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { pointer: pointer.into(), detail: detail.into() }])
    }
}

impl db::Retryable for Error {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) if db::Retryable::is_retryable(error))
    }
}

/// Refusals, each a thing that happens to users.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no {kind} {id} in this environment")]
    NotFound { kind: &'static str, id: String },
    #[error("it was changed by somebody else: its revision is {current} now, not {expected}; read it again")]
    RevisionMismatch { expected: i64, current: i64 },
    #[error("no credential was given: send `Authorization: Bearer <management key>`")]
    NoCredential,
    #[error("the credential given is not a management key that may be used now")]
    BadCredential,
    #[error("this management key lacks the permission {needed}")]
    PermissionMissing { needed: &'static str },
    #[error("a key cannot grant what it does not hold: {0}")]
    BeyondOwnGrant(String),
    #[error("{field} {value:?} is taken by {holder}")]
    Taken { field: &'static str, value: String, holder: String },
    #[error("the organization is {0}; nothing new can be made in it")]
    OrganizationNotActive(&'static str),
    #[error("an offboarded organization cannot come back; create a new one")]
    OrganizationOffboarded,
    #[error("the owner has departed; name an active owner")]
    OwnerDeparted,
    #[error("the owner belongs to another organization")]
    OwnerOfOtherOrganization,
    #[error(
        "{keys} keys and {applications} applications still hold {permissions:?}: narrow them first, or repeat with cascade=true to take it from them"
    )]
    PermissionsInUse { permissions: Vec<String>, keys: i64, applications: i64 },
    #[error("this cannot be done to one that is {}", .0.as_str())]
    WrongStatus(Status),
    #[error("a revocation for {0} can never be undone: create a new one")]
    UndoForbidden(&'static str),
    #[error("the time for undoing this revocation is over (30 minutes): create a new one")]
    UndoExpired,
    #[error("this key was imported: its secret is not ours to rotate; create a new key instead")]
    ImportedSecret,
    #[error("an application has at most {most} client secrets that live; rotate, or retire one of {}", .live.join(", "))]
    TooManySecrets { most: usize, live: Vec<String> },
    #[error("an application has at most {most} {kind} that live; revoke one first")]
    TooManyCredentials { kind: &'static str, most: usize },
    #[error("the Idempotency-Key was used for another request before")]
    IdempotencyMismatch,
    #[error("the request with this Idempotency-Key is still under way")]
    IdempotencyInFlight,
    #[error("the cursor is not one that this list gave out: start again without it")]
    BadCursor,
    #[error("the last administrator cannot be taken away")]
    LastAdministrator,
    #[error(
        "the next key may sign from {usable_from} on, when every verifier can have seen it; mark the present one compromised if that cannot wait"
    )]
    StandbyTooNew { usable_from: Timestamp },
}

impl Refusal {
    pub fn not_found(kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }
}
