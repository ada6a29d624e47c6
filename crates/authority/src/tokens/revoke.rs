//! Giving one access token up before it expires (RFC 7009): its `jti` joins the short list until then.

use serde_json::json;

use super::{Genuine, verify};
use crate::access::{Caller, Permission};
use crate::authority::{Actor, Authority, Context};
use crate::clock::Timestamp;
use crate::db::{Change, Committed};
use crate::error::{Error, Refusal, Result};
use crate::gate::denials::{self, SKEW_SECONDS};
use crate::gate::{Ask, EnvironmentState};
use crate::ids::{ApplicationId, OrganizationId};
use crate::journal::Event;

/// Revokes a token on behalf of the application that it was issued to. No verification that begins after the answer accepts it.
pub async fn revoke_own(authority: &Authority, environment: &EnvironmentState, token: &Genuine, request_id: &str) -> Result<Committed<()>> {
    let id: ApplicationId = token.client_id.parse().map_err(|_| Error::invalid("/token", "names no application"))?;
    let context = Context {
        environment: environment.environment.load_full(),
        actor: Actor::Application { id },
        request_id: request_id.to_owned(),
        now: authority.clock.now(),
    };
    deny(authority, &context, id, token).await
}

/// A token as whoever gives it up knows it.
pub enum Named<'a> {
    Token(&'a str),
    /// From a log, say: its application and its `jti`.
    Jti(ApplicationId, &'a str),
}

/// Revokes a token on behalf of whoever may revoke what applications have. One that is not good any more is left as it is.
pub async fn revoke(authority: &Authority, caller: &Caller, named: Named<'_>) -> Result<Committed<()>> {
    caller.require(Permission::ApplicationsRevoke)?;
    let environment = authority.gate.environment_named(&caller.context.environment.id.to_string());
    let environment = environment.ok_or_else(|| Refusal::not_found("environment", caller.context.environment.id))?;
    match named {
        Named::Token(text) => {
            let ask = Ask { only: caller.organization, ..Ask::default() };
            let verdict = verify(authority, &environment, text, &ask).await?;
            let told = verdict.token.ok_or_else(|| Error::invalid("/token", "is not an access token of this environment"))?;
            deny(authority, &caller.context, told.client.id, &told.token).await
        }
        Named::Jti(id, jti) => {
            let client = environment.client(&id.to_string()).filter(|client| caller.sees(client.organization));
            let client = client.ok_or_else(|| Refusal::not_found("application", id))?;
            let ends = caller.context.now.plus_seconds(denials::LONGEST_LIFETIME_SECONDS);
            deny_jti(authority, &caller.context, (id, client.organization), jti, None, ends).await
        }
    }
}

async fn deny(authority: &Authority, context: &Context, id: ApplicationId, token: &Genuine) -> Result<Committed<()>> {
    let organization = token.organization.parse().map_err(|_| Error::invalid("/token", "names no organization"))?;
    let ends = Timestamp::from_micros(token.expires_at.saturating_mul(1_000_000));
    deny_jti(authority, context, (id, organization), &token.jti, Some(&token.minted_by), ends).await
}

async fn deny_jti(
    authority: &Authority,
    context: &Context,
    (id, organization): (ApplicationId, OrganizationId),
    jti: &str,
    minted_by: Option<&str>,
    expires_at: Timestamp,
) -> Result<Committed<()>> {
    if jti.is_empty() || jti.len() > 128 {
        return Err(Error::invalid("/jti", "is not a jti: 1 to 128 characters"));
    }
    let environment = context.environment.id;
    authority
        .change(context, |tx, _| async move {
            if !denials::deny_one(&tx, environment, jti, expires_at.plus_seconds(SKEW_SECONDS)).await? {
                return Ok(Change::Nothing(()));
            }
            let data = json!({ "jti": jti, "minted_by": minted_by, "expires_at": expires_at });
            Ok(Change::Made((), vec![Event::new("token.revoked", id, data).of(organization)]))
        })
        .await
}
