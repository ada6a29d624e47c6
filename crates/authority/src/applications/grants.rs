//! What an application may ask tokens for: resources, and permissions of each.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Grant;
use crate::access::Caller;
use crate::db::Query;
use crate::error::Result;
use crate::keys::permission_set;
use crate::resources;
use crate::text::Violations;

/// A resource by its identifier, and the permissions wanted there.
#[derive(Clone, Debug, Default)]
pub struct NewGrant {
    pub identifier: String,
    pub permissions: Vec<String>,
}

const MOST_RESOURCES: usize = 50;

/// Sorts the permissions; whether resource and permissions exist is found out by [`placed`].
pub(super) fn parse(wrong: &mut Violations, wanted: &[NewGrant]) -> Vec<NewGrant> {
    if wanted.len() > MOST_RESOURCES {
        wrong.add("/resources", format!("has {} resources; at most {MOST_RESOURCES} are allowed", wanted.len()));
    }
    let mut seen = BTreeSet::new();
    let mut parsed = Vec::with_capacity(wanted.len());
    for (place, grant) in wanted.iter().enumerate() {
        if !seen.insert(&grant.identifier) {
            wrong.add(format!("/resources/{place}/identifier"), "is listed twice");
        }
        let permissions = wrong.take(&format!("/resources/{place}/permissions"), permission_set(&grant.permissions));
        parsed.push(NewGrant { identifier: grant.identifier.clone(), permissions });
    }
    parsed
}

/// Looks the resources up, and their catalogues; every mistake is told.
pub(super) async fn placed(on: &impl Query, caller: &Caller, wanted: &[NewGrant]) -> Result<Vec<Grant>> {
    let mut wrong = Violations::default();
    let mut grants = Vec::with_capacity(wanted.len());
    for (place, grant) in wanted.iter().enumerate() {
        let Some(resource) = resources::by_identifier(on, caller, &grant.identifier).await? else {
            wrong.add(format!("/resources/{place}/identifier"), "is not a resource of this environment");
            continue;
        };
        let knows = |name: &String| resource.permissions.iter().any(|known| known.name == *name);
        let unknown: Vec<&str> = grant.permissions.iter().filter(|name| !knows(name)).map(String::as_str).collect();
        if !unknown.is_empty() {
            let words = format!("{} is not in the catalogue of {}", unknown.join(", "), resource.identifier);
            wrong.add(format!("/resources/{place}/permissions"), words);
        }
        grants.push(Grant { resource_id: resource.id, identifier: resource.identifier, permissions: grant.permissions.clone() });
    }
    wrong.done()?;
    grants.sort_by(|one, other| one.identifier.cmp(&other.identifier));
    Ok(grants)
}

/// Part of a grant that one side has and the other has not.
pub(super) struct Difference {
    grant: Grant,
    /// The resource as a whole, not only permissions of it.
    is_whole: bool,
}

/// What is in `these` and not in `others`.
pub(super) fn beyond(these: &[Grant], others: &[Grant]) -> Vec<Difference> {
    let mut differences = Vec::new();
    for grant in these {
        let other = others.iter().find(|other| other.resource_id == grant.resource_id);
        let is_new = |name: &&String| other.is_none_or(|other| !other.permissions.contains(*name));
        let permissions: Vec<String> = grant.permissions.iter().filter(is_new).cloned().collect();
        if other.is_none() || !permissions.is_empty() {
            differences.push(Difference { grant: Grant { permissions, ..grant.clone() }, is_whole: other.is_none() });
        }
    }
    differences
}

pub(super) fn permissions(differences: &[Difference]) -> impl Iterator<Item = &String> {
    differences.iter().flat_map(|difference| &difference.grant.permissions)
}

/// Differences as the journal keeps them.
pub(super) fn told(differences: &[Difference]) -> Value {
    let one = |difference: &Difference| {
        let Difference { grant, is_whole } = difference;
        json!({ "resource_id": grant.resource_id.to_string(), "permissions": grant.permissions, "resource": is_whole })
    };
    differences.iter().map(one).collect()
}

/// Grants as the journal keeps them.
pub(super) fn snapshot(grants: &[Grant]) -> Value {
    grants.iter().map(|grant| json!({ "resource_id": grant.resource_id.to_string(), "permissions": grant.permissions })).collect()
}
