//! Somebody else has a client secret: it ends, the tokens it obtained end, and a new one may take its place, in one change.

use serde_json::json;

use super::Issued;
use super::create::{Candidate, New, parse};
use crate::access::{Caller, Permission};
use crate::applications::credentials::{Credential, MintingId, end_as, find};
use crate::applications::find as find_application;
use crate::authority::Authority;
use crate::db::{Change, Committed};
use crate::error::{Error, Refusal, Result};
use crate::ids::{ApplicationId, ClientSecretId};
use crate::journal::Event;
use crate::keys::{Reason, Status};
use crate::text;

/// The secret that is dead now, where it was used from, and what took its place.
pub struct Compromised {
    pub credential: Credential,
    /// Addresses that it was used from: for now the last one.
    pub used_from: Vec<String>,
    pub replacement: Option<Issued>,
}

/// Saying it again changes nothing, and a replacement is refused then: a call that is repeated must not issue a second one.
pub async fn compromise(
    authority: &Authority,
    caller: &Caller,
    application: ApplicationId,
    id: ClientSecretId,
    comment: Option<&str>,
    replace: bool,
) -> Result<Committed<Compromised>> {
    caller.require(Permission::ApplicationsRevoke)?;
    if replace {
        caller.require(Permission::ApplicationsUpdate)?;
    }
    let comment = text::optional(comment, text::sentence).map_err(|detail| Error::invalid("/comment", detail))?;
    let comment = comment.as_deref();
    let candidate = replace.then(|| Candidate::mint(authority, caller));
    let kept = candidate.as_ref();
    let committed = authority
        .change(&caller.context, |tx, at| async move {
            let application = find_application(&tx, caller, application).await?;
            let before = find(&tx, application.id, MintingId::Secret(id)).await?;
            let is_known = before.revocation.as_ref().is_some_and(|before| before.reason == Reason::KeyCompromise);
            match (is_known, replace) {
                (true, true) => return Err(Refusal::WrongStatus(Status::Revoked).into()),
                (true, false) => return Ok(Change::Nothing((before, None))),
                (false, _) => (),
            }
            let environment = caller.context.environment.id;
            let ending = (Reason::KeyCompromise, comment, true);
            let mut event = end_as("client_secret.compromised", &tx, environment, &application, &before, ending, at).await?;
            event.data["replaced_by"] = json!(null);
            let mut events = Vec::new();
            let replacement = match kept {
                Some(candidate) => {
                    // It lives where the old one lived; when it ends is decided anew.
                    let new = New { name: Some(before.name.clone()), expires_at: None, stored_in: before.stored_in.clone() };
                    let wanted = parse(&new, caller.context.now)?;
                    let credential = candidate.place(&tx, authority, caller, &application, &wanted, at).await?;
                    event.data["replaced_by"] = json!(credential.id.to_string());
                    let created = super::create::snapshot(&credential);
                    events.push(Event::new("client_secret.created", application.id, created).of(application.organization_id));
                    Some(credential)
                }
                None => None,
            };
            events.insert(0, event);
            Ok(Change::Made((find(&tx, application.id, before.id).await?, replacement), events))
        })
        .await?;
    let (credential, replacement) = committed.value;
    let replacement = replacement.zip(candidate).map(|(credential, candidate)| Issued { credential, secret: candidate.minted.secret });
    let used_from = credential.last_used_from.clone().into_iter().collect();
    Ok(Committed { value: Compromised { credential, used_from, replacement }, journal_seq: committed.journal_seq, at: committed.at })
}
