//! Public keys of an application: it signs assertions with the private half (private_key_jwt, RFC 7523), which stays with it.

use serde_json::{Value, json};

use super::{Addition, Credential, Kind, MintingId, addresses};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::credential::jose::{Algorithm, PublicJwk};
use crate::db::{Committed, Query, Tx, params};
use crate::error::{Refusal, Result};
use crate::idempotency::Idempotency;
use crate::ids::{ApplicationId, ClientKeyId, EnvironmentId, OrganizationId};
use crate::text::{self, Violations};

#[derive(Clone, Debug, Default)]
pub struct New {
    pub name: Option<String>,
    /// The key itself, or …
    pub jwk: Option<Value>,
    /// … the address where the application publishes its keys.
    pub jwks_uri: Option<String>,
    pub expires_at: Option<String>,
}

const MOST: usize = 10;

pub async fn create(
    authority: &Authority,
    caller: &Caller,
    application: ApplicationId,
    new: &New,
    idempotency: Option<&Idempotency>,
) -> Result<Committed<(Credential, bool)>> {
    caller.require(Permission::ApplicationsUpdate)?;
    let now = caller.context.now;
    let mut wrong = Violations::default();
    let name = wrong.take("/name", text::name(new.name.as_deref().unwrap_or("Public key")));
    let expires_at = wrong.take("/expires_at", text::optional(new.expires_at.as_deref(), |text| text::future(text, now)));
    let material = match (&new.jwk, &new.jwks_uri) {
        (Some(jwk), None) => {
            wrong.take("/jwk", public(jwk).map(|key| (key.thumbprint()[..8].to_owned(), json!({ "jwk": key.published() }))))
        }
        (None, Some(address)) => {
            wrong.take("/jwks_uri", addresses::https(address).map(|address| (address.clone(), json!({ "jwks_uri": address }))))
        }
        _ => {
            wrong.add("/jwk", "give either the key (jwk) or the address of the keys (jwks_uri)");
            Default::default()
        }
    };
    wrong.done()?;
    let (hint, material) = material;
    let told = match new.jwk {
        Some(_) => json!({ "thumbprint": material["jwk"]["kid"], "alg": material["jwk"]["alg"] }),
        None => material.clone(),
    };
    let id = MintingId::Key(ClientKeyId::new(now, authority.rng));
    let addition = Addition { id, name, hint, material, expires_at, told, most: MOST };
    super::add(authority, caller, application, &addition, idempotency).await
}

/// A key that may sign assertions here. RS256 is not taken: its padding is the one that goes wrong.
fn public(jwk: &Value) -> Result<PublicJwk, String> {
    let key = PublicJwk::parse(jwk, Algorithm::Ps256).map_err(|error| format!("is {error}"))?;
    if key.algorithm() == Algorithm::Rs256 {
        return Err("is for RS256, which is not taken: use ES256, EdDSA or PS256".to_owned());
    }
    Ok(key)
}

/// One key is one credential of one application, also once it is revoked: it would come back by another name.
pub(super) async fn refuse_taken(tx: &Tx, caller: &Caller, environment: EnvironmentId, addition: &Addition) -> Result<()> {
    if addition.id.kind() != Kind::PublicKey || addition.material.get("jwk").is_none() {
        return Ok(());
    }
    let holder = tx
        .all(
            "SELECT c.id, a.organization_id
             FROM application_credentials c
             JOIN applications a ON a.id = c.application_id
             WHERE c.environment_id = $1
               AND c.kind = 'public_key'
               AND c.material = $2
             LIMIT 1",
            params![environment.to_string(), addition.material.to_string()],
        )
        .await?
        .pop();
    let Some(row) = holder else { return Ok(()) };
    let is_visible = caller.sees(OrganizationId::stored(&row.text("organization_id")));
    let holder = if is_visible { row.text("id") } else { "another application".to_owned() };
    Err(Refusal::Taken { field: "jwk", value: addition.hint.clone(), holder }.into())
}
