//! For which resources and permissions a token shall be (RFC 6749 section 3.3, RFC 8707 section 2).

use std::collections::BTreeSet;

use super::Refused;
use crate::gate::{Client, ClientGrant};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Ask<'a> {
    /// Permissions separated by spaces; without it, everything that the application may have there.
    pub scope: Option<&'a str>,
    /// Identifiers of resources; without any, those that hold what the scope names.
    pub resources: Vec<&'a str>,
}

/// What the token is for.
#[derive(Debug, PartialEq, Eq)]
pub struct Granted<'a> {
    /// Audiences in the order asked for; never empty.
    pub resources: Vec<&'a str>,
    /// Sorted, each once.
    pub permissions: Vec<&'a str>,
    pub lifetime_seconds: i64,
    pub alg: &'a str,
    pub typ: &'a str,
}

/// Level L0 of a resource that says nothing else: ten minutes.
const DEFAULT_LIFETIME_SECONDS: i64 = 600;

/// Decides what is granted: never less than asked for without saying so, never more than the application holds.
pub fn grant<'a>(client: &'a Client, ask: &Ask<'_>) -> Result<Granted<'a>, Refused> {
    let scope = ask.scope.map(scope_tokens).transpose()?;
    let grants = resources(client, ask, scope.as_ref())?;
    let held: BTreeSet<&str> = grants.iter().flat_map(|grant| &grant.permissions).map(String::as_str).collect();
    let permissions = match &scope {
        None => held,
        Some(scope) => {
            let missing: Vec<&str> = scope.iter().copied().filter(|name| !held.contains(name)).collect();
            if !missing.is_empty() {
                return Err(Refused::InvalidScope(format!("the application does not hold {} there", missing.join(" "))));
            }
            held.into_iter().filter(|name| scope.contains(name)).collect()
        }
    };
    let (alg, typ) = dialect(grants[0]);
    if grants.iter().any(|grant| dialect(grant) != (alg, typ)) {
        return Err(Refused::InvalidTarget("these resources want tokens of different kinds: ask for one token for each".to_owned()));
    }
    let of_resources =
        grants.iter().map(|grant| grant.dialect.as_ref().map_or(DEFAULT_LIFETIME_SECONDS, |dialect| dialect.lifetime_seconds));
    Ok(Granted {
        lifetime_seconds: of_resources.chain(client.token_lifetime_seconds).min().expect("a token has a resource"),
        resources: grants.iter().map(|grant| grant.resource.as_str()).collect(),
        permissions: permissions.into_iter().collect(),
        alg,
        typ,
    })
}

/// The names of a scope: `scope-token` of RFC 6749 section 3.3.
fn scope_tokens(scope: &str) -> Result<BTreeSet<&str>, Refused> {
    let is_token = |name: &str| !name.is_empty() && name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    let names: BTreeSet<&str> = scope.split(' ').collect();
    if names.iter().all(|name| is_token(name)) {
        Ok(names)
    } else {
        Err(Refused::InvalidScope("a scope is a list of names, separated by single spaces".to_owned()))
    }
}

fn resources<'a>(client: &'a Client, ask: &Ask<'_>, scope: Option<&BTreeSet<&str>>) -> Result<Vec<&'a ClientGrant>, Refused> {
    if ask.resources.is_empty() {
        return unnamed_resources(client, scope);
    }
    let mut grants: Vec<&ClientGrant> = Vec::with_capacity(ask.resources.len());
    for resource in &ask.resources {
        let grant =
            client.grant(resource).ok_or_else(|| Refused::InvalidTarget(format!("{resource} is not a resource of this application")))?;
        if grants.iter().all(|known| known.resource != grant.resource) {
            grants.push(grant);
        }
    }
    Ok(grants)
}

/// Many clients never name a resource: then it is the only one, or those whose permissions are asked for.
fn unnamed_resources<'a>(client: &'a Client, scope: Option<&BTreeSet<&str>>) -> Result<Vec<&'a ClientGrant>, Refused> {
    match (client.grants.as_slice(), scope) {
        ([], _) => Err(Refused::UnauthorizedClient("the application has no resource that it could get a token for")),
        ([only], _) => Ok(vec![only]),
        (_, None) => Err(Refused::InvalidTarget("the application has several resources: name one of them as resource".to_owned())),
        (several, Some(scope)) => {
            let named: Vec<&ClientGrant> =
                several.iter().filter(|grant| grant.permissions.iter().any(|name| scope.contains(name.as_str()))).collect();
            if named.is_empty() {
                Err(Refused::InvalidScope("the application holds none of these permissions".to_owned()))
            } else {
                Ok(named)
            }
        }
    }
}

fn dialect(grant: &ClientGrant) -> (&str, &str) {
    grant.dialect.as_ref().map_or(("ES256", "at+jwt"), |dialect| (&dialect.alg, &dialect.typ))
}
