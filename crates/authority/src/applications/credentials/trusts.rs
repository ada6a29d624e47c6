//! Trusts of an application: another issuer's tokens stand for it (workload federation, RFC 7523), so that it holds no
//! secret at all.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Addition, Credential, MintingId, addresses};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::Committed;
use crate::error::Result;
use crate::idempotency::Idempotency;
use crate::ids::{ApplicationId, TrustId};
use crate::text::{self, Violations};

#[derive(Clone, Debug, Default)]
pub struct New {
    pub name: Option<String>,
    /// The `iss` of its tokens, exactly.
    pub issuer: String,
    /// The `aud` of its tokens.
    pub audience: String,
    /// The `sub` of its tokens, exactly or with `*` for any characters.
    pub subject: Option<String>,
    /// Further claims, each as the subject is given.
    pub claims: BTreeMap<String, String>,
    /// Where the issuer's keys are; without it the issuer's metadata says.
    pub jwks_uri: Option<String>,
}

const MOST: usize = 50;
const MOST_CLAIMS: usize = 20;

pub async fn create(
    authority: &Authority,
    caller: &Caller,
    application: ApplicationId,
    new: &New,
    idempotency: Option<&Idempotency>,
) -> Result<Committed<(Credential, bool)>> {
    caller.require(Permission::ApplicationsUpdate)?;
    check(new)?;
    let mut material = json!({ "issuer": new.issuer, "audience": new.audience, "claims": new.claims });
    if let Some(subject) = &new.subject {
        material["subject"] = json!(subject);
    }
    if let Some(address) = &new.jwks_uri {
        material["jwks_uri"] = json!(address);
    }
    let addition = Addition {
        id: MintingId::Trust(TrustId::new(caller.context.now, authority.rng)),
        name: new.name.clone().unwrap_or_else(|| "Trust".to_owned()),
        hint: new.issuer.trim_start_matches("https://").chars().take(40).collect(),
        material,
        expires_at: None,
        // A subject may be a person's address.
        told: json!({ "issuer": new.issuer, "audience": new.audience }),
        most: MOST,
    };
    super::add(authority, caller, application, &addition, idempotency).await
}

fn check(new: &New) -> Result<()> {
    let mut wrong = Violations::default();
    wrong.take("/name", text::optional(new.name.as_deref(), text::name));
    wrong.take("/issuer", issuer(&new.issuer));
    wrong.take("/audience", text::external_id(&new.audience));
    wrong.take("/subject", text::optional(new.subject.as_deref(), text::external_id));
    if new.claims.len() > MOST_CLAIMS {
        wrong.add("/claims", format!("has {} conditions; at most {MOST_CLAIMS} are allowed", new.claims.len()));
    }
    for (name, value) in &new.claims {
        let checked = text::external_id(name).and_then(|_| text::external_id(value));
        wrong.take(&format!("/claims/{}", name.replace('~', "~0").replace('/', "~1")), checked);
    }
    // Everybody with an account at the issuer would be this application.
    let narrows = |value: &String| value.bytes().any(|byte| byte != b'*');
    if !new.subject.iter().chain(new.claims.values()).any(narrows) {
        wrong.add("/subject", "is missing: say which tokens of the issuer stand for the application, by subject or by a claim");
    }
    wrong.take("/jwks_uri", text::optional(new.jwks_uri.as_deref(), addresses::https));
    wrong.done()
}

/// RFC 8414 section 2: an https address without query and fragment.
fn issuer(text: &str) -> Result<(), String> {
    addresses::https(text)?;
    if text.contains('?') { Err("must not have a query (?)".to_owned()) } else { Ok(()) }
}
