//! The query of a list and the values in it: nothing panics, the filter holds exactly what the
//! query says, and an id, a status or a time that is read is written as it was.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use claviger_api::api_keys::KeyFilter;
use claviger_authority::clock::Timestamp;
use claviger_authority::ids;
use claviger_authority::keys::Status;

const NAMES: [&str; 9] =
    ["status", "organization_id", "owner_id", "resource", "permission", "tag", "expiring_before", "unused_since", "search"];

pub fn list_filters(data: &[u8]) {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(data).expect("any bytes are pairs");
    for value in pairs.iter().map(|(_, value)| value.as_str()).chain(std::str::from_utf8(data)) {
        a_time(value);
        an_id_or_status(value);
    }

    let once: BTreeMap<&str, &str> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let is_good = once.len() == pairs.len() && once.keys().all(|name| NAMES.contains(name));
    let filter: Result<KeyFilter, _> = serde_urlencoded::from_bytes(data);
    assert_eq!(filter.is_ok(), is_good, "unknown and doubled parameters are refused, others are not");
    let Ok(filter) = filter else { return };
    assert_eq!(given(&filter), once);
    let written = serde_urlencoded::to_string(&filter).expect("a filter can be written");
    let again: KeyFilter = serde_urlencoded::from_str(&written).expect("what was written can be read");
    assert_eq!(given(&again), once);
}

fn given(filter: &KeyFilter) -> BTreeMap<&'static str, &str> {
    let KeyFilter { status, organization_id, owner_id, resource, permission, tag, expiring_before, unused_since, search } = filter;
    let values = [status, organization_id, owner_id, resource, permission, tag, expiring_before, unused_since, search];
    NAMES.into_iter().zip(values).filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
}

fn a_time(text: &str) {
    let Some(at) = Timestamp::parse(text) else { return };
    let written = at.to_string();
    assert!(written.ends_with('Z'), "{text:?} is written in UTC: {written}");
    assert_eq!(Timestamp::parse(&written), Some(at), "{text:?} is written as {written}");
    assert_eq!(Timestamp::from_micros(at.micros()), at);
}

fn an_id_or_status(text: &str) {
    let status = as_written::<Status>(text, |status| status.as_str().to_owned());
    let kinds = [
        status,
        same::<ids::EnvironmentId>(text),
        same::<ids::OrganizationId>(text),
        same::<ids::OwnerId>(text),
        same::<ids::ResourceId>(text),
        same::<ids::OperatorId>(text),
        same::<ids::SecretId>(text),
        same::<ids::ChangeId>(text),
        same::<ids::ApiKeyId>(text),
        same::<ids::ManagementKeyId>(text),
    ];
    assert!(kinds.into_iter().filter(|is_one| *is_one).count() <= 1, "{text:?} is of one kind only");
}

fn same<T: FromStr + Display>(text: &str) -> bool {
    as_written::<T>(text, T::to_string)
}

/// Whether it is one; if so it has just one text form.
fn as_written<T: FromStr>(text: &str, write: impl Fn(&T) -> String) -> bool {
    text.parse().is_ok_and(|value| {
        assert_eq!(write(&value), text);
        true
    })
}
