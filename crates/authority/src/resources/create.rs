//! Describing a protected API and its permissions.

use serde_json::json;

use super::{Permission, Resource, TokenDialect, by_identifier, sql};
use crate::access::{Caller, Permission as ManagementPermission};
use crate::authority::Authority;
use crate::db::{Change, Committed, params};
use crate::error::{Refusal, Result};
use crate::idempotency::{self, Idempotency};
use crate::ids::ResourceId;
use crate::journal::Event;
use crate::text::{self, Violations};
use crate::tokens::signing::{self, LONGEST_TOKEN_SECONDS};

#[derive(Clone, Debug)]
pub struct New {
    pub identifier: String,
    pub name: String,
    pub permissions: Vec<Permission>,
    pub token: Option<TokenDialect>,
}

pub async fn create(authority: &Authority, caller: &Caller, new: &New, idempotency: Option<&Idempotency>) -> Result<Committed<Resource>> {
    caller.require(ManagementPermission::ResourcesWrite)?;
    let mut wrong = Violations::default();
    wrong.take("/identifier", text::resource_identifier(&new.identifier));
    wrong.take("/name", text::name(&new.name));
    let permissions = check_permissions(&mut wrong, &new.permissions);
    check_token(&mut wrong, new.token.as_ref());
    wrong.done()?;
    let permissions = &permissions;
    let _flight = authority.in_flight.enter(caller, idempotency)?;
    let committed = authority
        .change(&caller.context, |tx, at| async move {
            if let Some(before) = idempotency::recall(&tx, caller, idempotency, at).await? {
                return Ok(Change::Nothing(super::find(&tx, caller, ResourceId::stored(&before)).await?));
            }
            let id = ResourceId::new(at, authority.rng);
            if let Some(holder) = by_identifier(&tx, caller, &new.identifier).await? {
                let holder = holder.id.to_string();
                return Err(Refusal::Taken { field: "identifier", value: new.identifier.clone(), holder }.into());
            }
            tx.execute(
                "INSERT INTO resources (id, environment_id, identifier, name, token, revision, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, 1, $6, $6)",
                params![
                    id.to_string(),
                    caller.context.environment.id.to_string(),
                    &new.identifier,
                    &new.name,
                    new.token.as_ref().map(|token| json!(token).to_string()),
                    at,
                ],
            )
            .await?;
            sql::replace_permissions(&tx, id, permissions).await?;
            idempotency::remember(&tx, caller, idempotency, &id.to_string(), at).await?;
            let resource = super::find(&tx, caller, id).await?;
            let event = Event::new("resource.created", id, json!({ "identifier": new.identifier, "permissions": catalogue(permissions) }));
            Ok(Change::Made(resource, vec![event]))
        })
        .await?;
    ensure_signer(authority, caller, new.token.as_ref()).await;
    Ok(committed)
}

/// Its first token should not wait for a key to be made. If it must, the resource is made all the same.
pub(super) async fn ensure_signer(authority: &Authority, caller: &Caller, token: Option<&TokenDialect>) {
    let Some(algorithm) = token.and_then(|token| token.alg.parse().ok()) else { return };
    if let Err(error) = signing::ensure(authority, &caller.context, algorithm).await {
        tracing::warn!(%error, %algorithm, "no signing key could be made yet; it is tried again when one is needed");
    }
}

/// The catalogue as the journal keeps it.
pub(super) fn catalogue(permissions: &[Permission]) -> serde_json::Value {
    permissions.iter().map(|permission| json!({ "name": permission.name, "risk": permission.risk.as_str() })).collect()
}

/// At most 500 permissions, each with a good name and each once; sorted.
pub(super) fn check_permissions(wrong: &mut Violations, permissions: &[Permission]) -> Vec<Permission> {
    if permissions.len() > 500 {
        wrong.add("/permissions", format!("has {} permissions; at most 500 are allowed", permissions.len()));
    }
    for (place, permission) in permissions.iter().enumerate() {
        wrong.take(&format!("/permissions/{place}/name"), text::permission(&permission.name));
        wrong.take(&format!("/permissions/{place}/description"), text::optional(permission.description.as_deref(), text::sentence));
        if permissions[..place].iter().any(|earlier| earlier.name == permission.name) {
            wrong.add(format!("/permissions/{place}/name"), "is listed twice");
        }
    }
    let mut sorted = permissions.to_vec();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    sorted
}

pub(super) fn check_token(wrong: &mut Violations, token: Option<&TokenDialect>) {
    let Some(token) = token else { return };
    if !["ES256", "EdDSA", "RS256", "PS256"].contains(&token.alg.as_str()) {
        wrong.add("/token/alg", "must be ES256, EdDSA, RS256 or PS256");
    }
    if !["at+jwt", "JWT"].contains(&token.typ.as_str()) {
        wrong.add("/token/typ", "must be at+jwt or JWT");
    }
    if !(60..=LONGEST_TOKEN_SECONDS).contains(&token.lifetime_seconds) {
        wrong.add("/token/lifetime_seconds", format!("must be between 60 and {LONGEST_TOKEN_SECONDS}"));
    }
}
