//! Changing what people read of an environment, and its issuer.

use serde_json::json;

use super::{Environment, read};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::{Change, Committed, params};
use crate::error::Result;
use crate::journal::Event;
use crate::page::check_revision;
use crate::text::{self, Violations};

#[derive(Clone, Debug, Default)]
pub struct Update {
    pub name: Option<String>,
    pub issuer: Option<String>,
}

/// Changes the caller's environment, or any for an instance administrator.
pub async fn update(
    authority: &Authority,
    caller: &Caller,
    slug_or_id: &str,
    expected: Option<i64>,
    update: &Update,
) -> Result<Committed<Environment>> {
    caller.require(Permission::EnvironmentsWrite)?;
    let mut wrong = Violations::default();
    let name = wrong.take("/name", text::optional(update.name.as_deref(), text::name));
    let issuer = wrong.take("/issuer", text::optional(update.issuer.as_deref(), text::resource_identifier));
    wrong.done()?;
    let environment = read(authority, caller, slug_or_id).await?;
    let mut context = caller.context.clone();
    context.environment = environment.into();
    let (name, issuer, target) = (&name, &issuer, &context.environment);
    let committed = authority
        .change(&context, |tx, at| async move {
            let row = crate::db::Query::one(&tx, super::sql::BY_SLUG_OR_ID, params![target.id.to_string()]).await?;
            let mut environment = super::sql::environment(&row);
            check_revision(expected, environment.revision)?;
            let changed: Vec<&str> =
                [("name", name.is_some()), ("issuer", issuer.is_some())].iter().filter(|(_, is)| *is).map(|(field, _)| *field).collect();
            environment.name = name.clone().unwrap_or(environment.name);
            environment.issuer = issuer.clone().unwrap_or(environment.issuer);
            environment.revision += 1;
            environment.updated_at = at;
            tx.execute(
                "UPDATE environments SET name = $2, issuer = $3, revision = $4, updated_at = $5 WHERE id = $1",
                params![environment.id.to_string(), &environment.name, &environment.issuer, environment.revision, at],
            )
            .await?;
            let event = Event::new("environment.updated", environment.id, json!({ "changed": changed, "issuer": environment.issuer }));
            Ok(Change::Made(environment, vec![event]))
        })
        .await?;
    authority.load_environments().await?;
    Ok(Committed { value: authority.with_issuer(committed.value), ..committed })
}
