//! The claims of an access token (RFC 9068 section 2.2), and the one of our own: its lineage.

use std::fmt::Write as _;

use super::{Granted, seconds};
use crate::clock::Timestamp;

/// Names the credential that minted a token: its compromise ends exactly the tokens that name it.
pub const MINTED_BY: &str = "minted_by";

/// What a token says besides what is granted.
pub(super) struct About<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub organization: &'a str,
    pub credential: &'a str,
    pub jti: &'a str,
    /// Thumbprint of the key that it is bound to.
    pub bound_to: Option<&'a str>,
    pub now: Timestamp,
}

/// The claims as JSON. By hand, for every token is written once and nothing of it is kept.
pub(super) fn write(about: &About<'_>, granted: &Granted<'_>) -> String {
    let mut json = String::with_capacity(512);
    let issued_at = seconds(about.now);
    json.push_str("{\"iss\":");
    text(&mut json, about.issuer);
    json.push_str(",\"sub\":");
    text(&mut json, about.client_id);
    json.push_str(",\"aud\":");
    match granted.resources.as_slice() {
        [only] => text(&mut json, only),
        several => json.push_str(&serde_json::to_string(several).expect("texts can be written")),
    }
    json.push_str(",\"client_id\":");
    text(&mut json, about.client_id);
    json.push_str(",\"org_id\":");
    text(&mut json, about.organization);
    json.push_str(",\"scope\":");
    text(&mut json, &granted.permissions.join(" "));
    let _ = write!(json, ",\"{MINTED_BY}\":");
    text(&mut json, about.credential);
    if let Some(thumbprint) = about.bound_to {
        json.push_str(",\"cnf\":{\"jkt\":");
        text(&mut json, thumbprint);
        json.push('}');
    }
    json.push_str(",\"jti\":");
    text(&mut json, about.jti);
    let _ = write!(json, ",\"iat\":{issued_at},\"nbf\":{issued_at},\"exp\":{}}}", issued_at + granted.lifetime_seconds);
    json
}

/// A URI or name may hold what JSON must escape; let the library quote it.
fn text(json: &mut String, value: &str) {
    json.push_str(&serde_json::to_string(value).expect("a text can be written"));
}
