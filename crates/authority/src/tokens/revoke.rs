//! Giving one access token up before it expires (RFC 7009): its `jti` joins the short list until then.

use std::sync::Arc;

use serde_json::json;

use super::Genuine;
use crate::access::{Caller, Permission};
use crate::authority::{Actor, Authority, Context};
use crate::clock::Timestamp;
use crate::db::{Change, Committed};
use crate::error::{Error, Result};
use crate::gate::EnvironmentState;
use crate::gate::denials::{self, SKEW_SECONDS};
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

/// Revokes a token on behalf of whoever may revoke credentials.
pub async fn revoke(authority: &Authority, caller: &Caller, token: &Arc<Genuine>) -> Result<Committed<()>> {
    caller.require(Permission::KeysRevoke)?;
    let id: ApplicationId = token.client_id.parse().map_err(|_| Error::invalid("/token", "names no application"))?;
    deny(authority, &caller.context, id, token).await
}

async fn deny(authority: &Authority, context: &Context, id: ApplicationId, token: &Genuine) -> Result<Committed<()>> {
    let environment = context.environment.id;
    authority
        .change(context, |tx, _| async move {
            let expires_at = Timestamp::from_micros(token.expires_at.saturating_mul(1_000_000));
            let until = expires_at.plus_seconds(SKEW_SECONDS);
            if !denials::deny_one(&tx, environment, &token.jti, until).await? {
                return Ok(Change::Nothing(()));
            }
            let organization =
                token.organization.parse::<OrganizationId>().map_err(|_| Error::invalid("/token", "names no organization"))?;
            let data = json!({ "jti": token.jti, "minted_by": token.minted_by, "expires_at": expires_at });
            Ok(Change::Made((), vec![Event::new("token.revoked", id, data).of(organization)]))
        })
        .await
}
