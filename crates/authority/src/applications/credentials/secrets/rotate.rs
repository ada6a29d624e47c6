//! A new secret beside an old one, which ends when the overlap is over.

use serde_json::json;

use super::Issued;
use super::create::{Candidate, New, parse, snapshot};
use crate::access::{Caller, Permission};
use crate::applications::credentials::{Credential, MintingId, find, sql};
use crate::applications::find as find_application;
use crate::authority::Authority;
use crate::db::{Change, Committed};
use crate::error::{Error, Refusal, Result};
use crate::ids::{ApplicationId, ClientSecretId};
use crate::journal::Event;
use crate::keys::{MAX_OVERLAP_SECONDS, Status};

/// The new secret, and the old one with the end it has now.
pub struct Rotated {
    pub issued: Issued,
    pub previous: Credential,
}

/// With an overlap of zero the old secret obtains no token from the answer on. Its end never moves later.
pub async fn rotate(
    authority: &Authority,
    caller: &Caller,
    application: ApplicationId,
    id: ClientSecretId,
    overlap_seconds: i64,
    new: &New,
) -> Result<Committed<Rotated>> {
    caller.require(Permission::ApplicationsUpdate)?;
    if !(0..=MAX_OVERLAP_SECONDS).contains(&overlap_seconds) {
        return Err(Error::invalid("/overlap_seconds", format!("must be between 0 and {MAX_OVERLAP_SECONDS}")));
    }
    let now = caller.context.now;
    let wanted = &parse(new, now)?;
    let candidate = Candidate::mint(authority, caller);
    let kept = &candidate;
    let committed = authority
        .change(&caller.context, |tx, at| async move {
            let application = find_application(&tx, caller, application).await?;
            let mut previous = find(&tx, application.id, MintingId::Secret(id)).await?;
            match previous.status_at(now) {
                Status::Active => (),
                other => return Err(Refusal::WrongStatus(other).into()),
            }
            // On the clock that requests for tokens are judged by: the journal's may be ahead of it.
            let ends = now.plus_seconds(overlap_seconds);
            previous.expires_at = Some(previous.expires_at.map_or(ends, |end| end.min(ends)));
            previous.revision += 1;
            previous.updated_at = at;
            sql::store(&tx, &previous).await?;
            let credential = kept.place(&tx, authority, caller, &application, wanted, at).await?;
            let mut data = snapshot(&credential);
            data["previous"] = json!({ "id": previous.id.to_string(), "expires_at": previous.expires_at });
            let event = Event::new("client_secret.rotated", application.id, data).of(application.organization_id);
            Ok(Change::Made((credential, previous), vec![event]))
        })
        .await?;
    let (credential, previous) = committed.value;
    let value = Rotated { issued: Issued { credential, secret: candidate.minted.secret }, previous };
    Ok(Committed { value, journal_seq: committed.journal_seq, at: committed.at })
}
