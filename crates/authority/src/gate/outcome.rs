//! What the gate can say of a credential.

/// The outcome of a verification, in the order in which the checks are made.
/// Everything after `NotFound` is said only once the secret matched: a stranger learns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    Valid,
    Malformed,
    NotFound,
    Revoked,
    Expired,
    Disabled,
    OrganizationSuspended,
    PolicyBlocked,
    NetworkNotAllowed,
    InsufficientPermissions,
    RateLimited,
    QuotaExceeded,
    /// This node has not heard of the journal sequence number that the caller named.
    Stale,
}

impl Code {
    pub const ALL: [Self; 13] = [
        Self::Valid,
        Self::Malformed,
        Self::NotFound,
        Self::Revoked,
        Self::Expired,
        Self::Disabled,
        Self::OrganizationSuspended,
        Self::PolicyBlocked,
        Self::NetworkNotAllowed,
        Self::InsufficientPermissions,
        Self::RateLimited,
        Self::QuotaExceeded,
        Self::Stale,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Malformed => "MALFORMED",
            Self::NotFound => "NOT_FOUND",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
            Self::Disabled => "DISABLED",
            Self::OrganizationSuspended => "ORGANIZATION_SUSPENDED",
            Self::PolicyBlocked => "POLICY_BLOCKED",
            Self::NetworkNotAllowed => "NETWORK_NOT_ALLOWED",
            Self::InsufficientPermissions => "INSUFFICIENT_PERMISSIONS",
            Self::RateLimited => "RATE_LIMITED",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::Stale => "STALE",
        }
    }
}
