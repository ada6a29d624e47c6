//! The query of a list and the values in it: nothing panics, and what is accepted reads back as it was written.

use claviger_api::api_keys::KeyFilter;
use claviger_authority::clock::Timestamp;
use claviger_authority::ids::{ApiKeyId, OrganizationId};
use claviger_authority::keys::Status;

pub fn list_filters(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(filter) = serde_urlencoded::from_str::<KeyFilter>(text) {
        for value in [filter.status, filter.organization_id, filter.expiring_before, filter.search].into_iter().flatten() {
            values(&value);
        }
    }
    values(text);
}

fn values(text: &str) {
    if let Some(at) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
    }
    if let Ok(status) = text.parse::<Status>() {
        assert_eq!(status.as_str(), text);
    }
    if let Ok(id) = text.parse::<OrganizationId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(id) = text.parse::<ApiKeyId>() {
        assert_eq!(id.to_string(), text);
    }
    assert!(claviger_authority::db::contains(text).starts_with('%'));
}
