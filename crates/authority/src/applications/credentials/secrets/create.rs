//! Issuing a client secret. The plaintext is in the answer and nowhere else.

use serde_json::json;

use super::{Issued, MOST_THAT_LIVE};
use crate::access::{Caller, Permission};
use crate::applications::credentials::{Credential, Kind, MintingId, find, live, refuse_addition, sql};
use crate::applications::{Application, find as find_application};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::Class;
use crate::db::{Change, Committed, Tx};
use crate::error::{Refusal, Result};
use crate::idempotency::{self, Idempotency};
use crate::ids::{ApplicationId, ClientSecretId};
use crate::journal::Event;
use crate::keys::Status;
use crate::secrets::{self, Minted};
use crate::text::{self, Violations};

#[derive(Clone, Debug, Default)]
pub struct New {
    pub name: Option<String>,
    pub expires_at: Option<String>,
    /// Where the application keeps it, such as `vault kv/prod/billing`.
    pub stored_in: Option<String>,
}

/// A new secret with its text, or the one that the same Idempotency-Key made before, without.
pub enum Created {
    Now(Box<Issued>),
    Before(Box<Credential>),
}

pub async fn create(
    authority: &Authority,
    caller: &Caller,
    application: ApplicationId,
    new: &New,
    idempotency: Option<&Idempotency>,
) -> Result<Committed<Created>> {
    caller.require(Permission::ApplicationsUpdate)?;
    let wanted = &parse(new, caller.context.now)?;
    let candidate = Candidate::mint(authority, caller);
    let kept = &candidate;
    let _flight = authority.in_flight.enter(caller, idempotency)?;
    let committed = authority
        .change(&caller.context, |tx, at| async move {
            let application = find_application(&tx, caller, application).await?;
            if let Some(before) = idempotency::recall(&tx, caller, idempotency, at).await? {
                let before = MintingId::Secret(ClientSecretId::stored(&before));
                return Ok(Change::Nothing((find(&tx, application.id, before).await?, false)));
            }
            let credential = kept.place(&tx, authority, caller, &application, wanted, at).await?;
            idempotency::remember(&tx, caller, idempotency, &credential.id.to_string(), at).await?;
            let event = Event::new("client_secret.created", application.id, snapshot(&credential)).of(application.organization_id);
            Ok(Change::Made((credential, true), vec![event]))
        })
        .await?;
    let (credential, is_new) = committed.value;
    let value = match is_new {
        true => Created::Now(Box::new(Issued { credential, secret: candidate.minted.secret })),
        false => Created::Before(Box::new(credential)),
    };
    Ok(Committed { value, journal_seq: committed.journal_seq, at: committed.at })
}

/// What a request for a secret says, parsed.
pub(super) struct Wanted {
    pub name: String,
    pub expires_at: Option<Timestamp>,
    pub stored_in: Option<String>,
}

pub(super) fn parse(new: &New, now: Timestamp) -> Result<Wanted> {
    let mut wrong = Violations::default();
    let name = wrong.take("/name", text::name(new.name.as_deref().unwrap_or("Client secret")));
    let expires_at = wrong.take("/expires_at", text::optional(new.expires_at.as_deref(), |text| text::future(text, now)));
    let stored_in = wrong.take("/stored_in", text::optional(new.stored_in.as_deref(), text::name));
    wrong.done()?;
    Ok(Wanted { name, expires_at, stored_in })
}

/// A secret made before the change, so that one run again after a lost race writes the same.
pub(super) struct Candidate {
    id: ClientSecretId,
    pub minted: Minted,
}

impl Candidate {
    pub fn mint(authority: &Authority, caller: &Caller) -> Self {
        let id = ClientSecretId::new(authority.rng);
        Self { id, minted: secrets::mint(authority, &caller.context.environment, Class::ClientSecret, id.0) }
    }

    /// Gives it to the application, if there is room.
    pub async fn place(
        &self,
        tx: &Tx,
        authority: &Authority,
        caller: &Caller,
        application: &Application,
        wanted: &Wanted,
        at: Timestamp,
    ) -> Result<Credential> {
        refuse_addition(tx, caller, application).await?;
        let now = caller.context.now;
        let live = live(tx, application.id, Kind::ClientSecret, now).await?;
        if live.len() >= MOST_THAT_LIVE {
            return Err(Refusal::TooManySecrets { most: MOST_THAT_LIVE, live: live.iter().map(retirable).collect() }.into());
        }
        let environment = &caller.context.environment;
        let credential = Credential {
            id: MintingId::Secret(self.id),
            application_id: application.id,
            name: wanted.name.clone(),
            hint: self.minted.hint.clone(),
            material: json!({}),
            stored_in: wanted.stored_in.clone(),
            status: Status::Active,
            expires_at: wanted.expires_at,
            revocation: None,
            created_by: caller.context.actor.id(),
            last_used_at: None,
            last_used_from: None,
            use_count: 0,
            revision: 1,
            created_at: at,
            updated_at: at,
        };
        sql::insert(tx, environment.id, &credential).await?;
        secrets::insert(tx, environment, &self.id.to_string(), &self.minted, at, authority).await?;
        Ok(credential)
    }
}

/// What tells somebody which secret to retire.
fn retirable(credential: &Credential) -> String {
    let used = credential.last_used_at.map_or("never used".to_owned(), |at| format!("last used {at}"));
    format!("{} ({used}, made {})", credential.id, credential.created_at)
}

/// What the journal keeps of a secret: neither text nor digest, and no words of people.
pub(super) fn snapshot(credential: &Credential) -> serde_json::Value {
    json!({ "id": credential.id.to_string(), "hint": credential.hint, "expires_at": credential.expires_at })
}
