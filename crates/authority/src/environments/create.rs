//! Making an environment, with its pepper, its first signing keys and the head of its journal.

use std::sync::Arc;

use serde_json::json;

use super::Environment;
use crate::access::{Caller, Permission};
use crate::authority::{Actor, Authority, Context};
use crate::clock::Timestamp;
use crate::credential::Prefix;
use crate::credential::jose::Algorithm;
use crate::db::{Change, Committed, params};
use crate::error::{Refusal, Result};
use crate::ids::EnvironmentId;
use crate::journal::Event;
use crate::text::{self, Violations};
use crate::tokens::signing;

#[derive(Clone, Debug)]
pub struct New {
    pub slug: String,
    pub name: String,
    pub key_prefix: String,
    pub issuer: Option<String>,
}

/// Makes an environment. Only an instance administrator may.
pub async fn create(authority: &Authority, caller: &Caller, new: &New) -> Result<Committed<Environment>> {
    caller.require(Permission::InstanceAdminister)?;
    let environment = parse(authority, new, caller.context.now)?;
    for taken in super::all(&authority.db).await? {
        if taken.slug == environment.slug || taken.key_prefix.as_str() == environment.key_prefix.as_str() {
            let (field, value) =
                if taken.slug == environment.slug { ("slug", environment.slug) } else { ("key_prefix", new.key_prefix.clone()) };
            return Err(Refusal::Taken { field, value, holder: taken.id.to_string() }.into());
        }
    }
    let actor = caller.context.actor.clone();
    let committed = insert(authority, environment, actor, &caller.context.request_id).await?;
    authority.load_environments().await?;
    Ok(Committed { value: authority.with_issuer(committed.value), ..committed })
}

fn parse(authority: &Authority, new: &New, now: Timestamp) -> Result<Environment> {
    let mut wrong = Violations::default();
    let slug = wrong.take("/slug", slug(&new.slug));
    let name = wrong.take("/name", text::name(&new.name));
    let issuer = match &new.issuer {
        Some(issuer) => wrong.take("/issuer", text::resource_identifier(issuer)),
        None => String::new(),
    };
    let key_prefix = Prefix::parse(&new.key_prefix).map_err(|error| wrong.add("/key_prefix", error.to_string()));
    wrong.done()?;
    let key_prefix = key_prefix.expect("refused above otherwise");
    let id = EnvironmentId::new(now, authority.rng);
    Ok(Environment { id, slug, name, key_prefix, issuer, revision: 1, created_at: now, updated_at: now })
}

fn slug(slug: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if slug.is_empty() || slug.len() > 32 || !slug.bytes().all(allowed) || slug.starts_with('-') {
        return Err("must be 1 to 32 of a-z 0-9 -".to_owned());
    }
    Ok(slug.to_owned())
}

/// The environments a new server has: `live` and `test`. One that is there already is left alone.
pub(crate) async fn create_defaults(authority: &Authority, prefix: &str) -> Result<()> {
    let mut at = authority.clock.now();
    for (slug, name) in [(super::DEFAULT, "Live"), ("test", "Test")] {
        if super::find(authority, slug).await?.is_some() {
            continue;
        }
        let new = New { slug: slug.to_owned(), name: name.to_owned(), key_prefix: format!("{prefix}_{slug}"), issuer: None };
        insert(authority, parse(authority, &new, at)?, Actor::System, "init").await?;
        at = at.next();
    }
    Ok(())
}

/// Writes the environment, its pepper, two signing keys and the first events of its journal, or nothing.
async fn insert(authority: &Authority, environment: Environment, actor: Actor, request_id: &str) -> Result<Committed<Environment>> {
    let environment = Arc::new(environment);
    let made = &environment;
    let context = Context { environment: environment.clone(), actor, request_id: request_id.to_owned(), now: environment.created_at };
    let pepper = authority.rng.secret_bytes();
    let pepper = &pepper[..];
    let keys = &signing::mint(authority, environment.id, Algorithm::Es256, 2).await?;
    authority
        .db
        .found(&context, |tx, at| async move {
            let version = 1;
            let sealed = authority.master_key.seal(pepper, &pepper_label(made.id, version), authority.rng);
            tx.execute(
                "INSERT INTO sealed_keys (id, environment_id, type, version, sealed, created_at)
                 VALUES ($1, $2, 'pepper', $3, $4, $5)",
                params![pepper_label(made.id, version), made.id.to_string(), version, sealed, at],
            )
            .await?;
            let event = Event::new("environment.created", made.id, json!({ "slug": made.slug, "key_prefix": made.key_prefix.as_str() }));
            let mut events = vec![event];
            events.extend(signing::begin(&tx, made.id, keys, authority.signing_schedule, at).await?);
            Ok(Change::Made(Environment::clone(made), events))
        })
        .await
}

/// What a sealed pepper is authenticated with: id, type and version.
pub(crate) fn pepper_label(environment: EnvironmentId, version: i64) -> String {
    format!("{environment}/pepper/{version}")
}
