//! How an application proves who it is: client secrets, public keys, certificates, trusts. Each is a thing of its own,
//! with its own end; the events of all of them have the application as their subject.

mod addresses;
pub mod certificates;
pub mod keys;
pub mod secrets;
mod sql;
pub mod trusts;

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::{Application, find as find_application};
use crate::access::{Caller, Permission};
use crate::applications::create::active_organization;
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::db::{self, Change, Committed, Query, Select, Tx, params};
use crate::error::{Error, Refusal, Result};
use crate::gate::denials;
use crate::idempotency::{self, Idempotency};
use crate::ids::{ApplicationId, CertificateId, ClientKeyId, ClientSecretId, EnvironmentId, TrustId};
use crate::journal::Event;
use crate::keys::{Reason, Status};
use crate::page::{Page, Paging};
use crate::text;

pub(crate) use sql::{find as stored, store};

/// A credential as it is kept.
#[derive(Clone, Debug)]
pub struct Credential {
    pub id: MintingId,
    pub application_id: ApplicationId,
    pub name: String,
    /// Enough for people to recognise it.
    pub hint: String,
    /// What it is recognised by; an empty object for a client secret, whose digest stands elsewhere.
    pub material: Value,
    /// Where the application keeps it, as somebody said.
    pub stored_in: Option<String>,
    /// Active or revoked, as set; [`Credential::status_at`] also knows of expiry.
    pub status: Status,
    pub expires_at: Option<Timestamp>,
    pub revocation: Option<Revocation>,
    pub created_by: String,
    pub last_used_at: Option<Timestamp>,
    pub last_used_from: Option<String>,
    pub use_count: i64,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// How a credential ended: for good.
#[derive(Clone, Debug)]
pub struct Revocation {
    pub at: Timestamp,
    pub reason: Reason,
    pub comment: Option<String>,
}

/// The id of a credential that obtains tokens, and with it the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MintingId {
    Secret(ClientSecretId),
    Key(ClientKeyId),
    Certificate(CertificateId),
    Trust(TrustId),
}

/// What kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    ClientSecret,
    PublicKey,
    Certificate,
    Trust,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            Self::PublicKey => "public_key",
            Self::Certificate => "certificate",
            Self::Trust => "trust",
        }
    }

    /// In the words of a refusal.
    const fn noun(self) -> &'static str {
        match self {
            Self::ClientSecret => "client secret",
            Self::PublicKey => "public key",
            Self::Certificate => "certificate",
            Self::Trust => "trust",
        }
    }

    const fn created(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret.created",
            Self::PublicKey => "client_key.created",
            Self::Certificate => "certificate.created",
            Self::Trust => "trust.created",
        }
    }

    const fn revoked(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret.revoked",
            Self::PublicKey => "client_key.revoked",
            Self::Certificate => "certificate.revoked",
            Self::Trust => "trust.revoked",
        }
    }
}

impl MintingId {
    pub const fn kind(self) -> Kind {
        match self {
            Self::Secret(_) => Kind::ClientSecret,
            Self::Key(_) => Kind::PublicKey,
            Self::Certificate(_) => Kind::Certificate,
            Self::Trust(_) => Kind::Trust,
        }
    }
}

impl fmt::Display for MintingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(id) => id.fmt(f),
            Self::Key(id) => id.fmt(f),
            Self::Certificate(id) => id.fmt(f),
            Self::Trust(id) => id.fmt(f),
        }
    }
}

impl FromStr for MintingId {
    type Err = crate::ids::NotAnId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let secret = text.parse().map(Self::Secret);
        let key = || text.parse().map(Self::Key);
        let certificate = || text.parse().map(Self::Certificate);
        let trust = || text.parse().map(Self::Trust);
        secret.or_else(|_| key()).or_else(|_| certificate()).or_else(|_| trust())
    }
}

impl Credential {
    /// What a person would call its state now.
    pub fn status_at(&self, now: Timestamp) -> Status {
        match self.status {
            Status::Active if self.expires_at.is_some_and(|end| end <= now) => Status::Expired,
            stored => stored,
        }
    }
}

/// What becomes of the access tokens that a credential obtained before it was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tokens {
    /// They work until they expire.
    #[default]
    Live,
    /// They are not accepted from now on.
    Die,
}

impl FromStr for Tokens {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "live" => Ok(Self::Live),
            "die" => Ok(Self::Die),
            _ => Err(format!("{text:?} is neither live nor die")),
        }
    }
}

/// Credentials of one kind, oldest first.
pub async fn list(
    authority: &Authority,
    caller: &Caller,
    application: ApplicationId,
    kind: Kind,
    paging: &Paging,
) -> Result<Page<Credential>> {
    caller.require(Permission::ApplicationsRead)?;
    find_application(&authority.db, caller, application).await?;
    let limit = paging.limit()?;
    let scope = format!("application-credentials/{application}/{}", kind.as_str());
    let after = paging.position(&authority.cursors, &scope)?;
    let mut select = Select::new(sql::SELECT);
    select.and("c.application_id = ?", params![application.to_string()]).and("c.kind = ?", params![kind.as_str()]);
    sql::oldest_first(&mut select, after.as_deref(), limit);
    let found = select.all(&authority.db).await?.iter().map(sql::credential).collect();
    Ok(authority.cursors.page(&scope, found, limit, sql::position))
}

pub async fn read(authority: &Authority, caller: &Caller, application: ApplicationId, id: MintingId) -> Result<Credential> {
    caller.require(Permission::ApplicationsRead)?;
    find_application(&authority.db, caller, application).await?;
    find(&authority.db, application, id).await
}

/// The credential, if it is this application's. Whether the caller may know of the application is asked before.
pub(crate) async fn find(on: &impl Query, application: ApplicationId, id: MintingId) -> Result<Credential> {
    let found = sql::find(on, application, id).await?;
    found.ok_or_else(|| Refusal::not_found(id.kind().noun(), id).into())
}

/// The credentials that an application still has.
pub(crate) async fn unrevoked(on: &impl Query, application: ApplicationId) -> Result<Vec<Credential>, db::Error> {
    let mut select = Select::new(sql::SELECT);
    select.and("c.application_id = ?", params![application.to_string()]).and("c.status <> 'revoked'", vec![]);
    select.push("\nORDER BY c.created_at, c.id", vec![]);
    Ok(select.all(on).await?.iter().map(sql::credential).collect())
}

/// How many of a kind live now.
async fn live(on: &impl Query, application: ApplicationId, kind: Kind, now: Timestamp) -> Result<Vec<Credential>, db::Error> {
    let all = unrevoked(on, application).await?;
    Ok(all.into_iter().filter(|credential| credential.id.kind() == kind && credential.status_at(now) == Status::Active).collect())
}

/// Whoever gives an application a credential gives its holder what the application may do.
async fn refuse_addition(on: &impl Query, caller: &Caller, application: &Application) -> Result<()> {
    if application.status == Status::Revoked {
        return Err(Refusal::WrongStatus(Status::Revoked).into());
    }
    caller.may_grant(application.permissions())?;
    active_organization(on, caller, application.organization_id).await
}

/// A credential without a secret, on its way in.
struct Addition {
    id: MintingId,
    name: String,
    hint: String,
    material: Value,
    expires_at: Option<Timestamp>,
    /// What the journal is told besides id and hint.
    told: Value,
    /// The most of its kind that an application may have at once.
    most: usize,
}

impl Addition {
    fn credential(&self, application: ApplicationId, caller: &Caller, at: Timestamp) -> Credential {
        Credential {
            id: self.id,
            application_id: application,
            name: self.name.clone(),
            hint: self.hint.clone(),
            material: self.material.clone(),
            stored_in: None,
            status: Status::Active,
            expires_at: self.expires_at,
            revocation: None,
            created_by: caller.context.actor.id(),
            last_used_at: None,
            last_used_from: None,
            use_count: 0,
            revision: 1,
            created_at: at,
            updated_at: at,
        }
    }
}

/// Adds a key, certificate or trust; answers also whether it is new.
async fn add(
    authority: &Authority,
    caller: &Caller,
    application: ApplicationId,
    addition: &Addition,
    idempotency: Option<&Idempotency>,
) -> Result<Committed<(Credential, bool)>> {
    let kind = addition.id.kind();
    let _flight = authority.in_flight.enter(caller, idempotency)?;
    authority
        .change(&caller.context, |tx, at| async move {
            let application = find_application(&tx, caller, application).await?;
            if let Some(before) = idempotency::recall(&tx, caller, idempotency, at).await? {
                let before = before.parse().expect("a remembered id is one");
                return Ok(Change::Nothing((find(&tx, application.id, before).await?, false)));
            }
            refuse_addition(&tx, caller, &application).await?;
            let environment = caller.context.environment.id;
            if live(&tx, application.id, kind, caller.context.now).await?.len() >= addition.most {
                return Err(Refusal::TooManyCredentials { kind: kind.as_str(), most: addition.most }.into());
            }
            keys::refuse_taken(&tx, caller, environment, addition).await?;
            let credential = addition.credential(application.id, caller, at);
            sql::insert(&tx, environment, &credential).await?;
            idempotency::remember(&tx, caller, idempotency, &credential.id.to_string(), at).await?;
            let mut data = addition.told.clone();
            data["id"] = json!(credential.id.to_string());
            data["hint"] = json!(credential.hint);
            data["expires_at"] = json!(credential.expires_at);
            let event = Event::new(kind.created(), application.id, data).of(application.organization_id);
            Ok(Change::Made((credential, true), vec![event]))
        })
        .await
}

/// From its answer on the credential obtains no token, and never will again. A compromise ends the tokens it obtained as
/// well, whatever `tokens` says. Revoking again changes nothing, except that tokens which lived may die.
pub async fn revoke(
    authority: &Authority,
    caller: &Caller,
    application: ApplicationId,
    id: MintingId,
    (reason, comment, tokens): (Reason, Option<&str>, Tokens),
) -> Result<Committed<Credential>> {
    caller.require(Permission::ApplicationsRevoke)?;
    let comment = text::optional(comment, text::sentence).map_err(|detail| Error::invalid("/comment", detail))?;
    let comment = comment.as_deref();
    let is_compromise = !reason.can_be_undone();
    let tokens_die = is_compromise || tokens == Tokens::Die;
    authority
        .change(&caller.context, |tx, at| async move {
            let application = find_application(&tx, caller, application).await?;
            let before = find(&tx, application.id, id).await?;
            let environment = caller.context.environment.id;
            if let Some(revocation) = &before.revocation {
                let is_worse = is_compromise && revocation.reason.can_be_undone();
                let kills_more = tokens_die && !tokens_died(&tx, environment, &before).await?;
                if !is_worse && !kills_more {
                    return Ok(Change::Nothing(before));
                }
            }
            let event = end(&tx, environment, &application, &before, (reason, comment, tokens_die), at).await?;
            Ok(Change::Made(find(&tx, application.id, id).await?, vec![event]))
        })
        .await
}

/// Whether the tokens of a revoked credential were to end with it.
pub(super) async fn tokens_died(on: &impl Query, environment: EnvironmentId, credential: &Credential) -> Result<bool, db::Error> {
    match &credential.revocation {
        Some(revocation) => sql::tokens_died(on, environment, credential.id, revocation.at).await,
        None => Ok(false),
    }
}

/// Revokes a credential inside a larger change.
pub(super) async fn end(
    tx: &Tx,
    environment: EnvironmentId,
    application: &Application,
    before: &Credential,
    (reason, comment, tokens_die): (Reason, Option<&str>, bool),
    at: Timestamp,
) -> Result<Event, db::Error> {
    end_as(before.id.kind().revoked(), tx, environment, application, before, (reason, comment, tokens_die), at).await
}

/// As [`end`], told as an event of this kind.
pub(super) async fn end_as(
    event: &'static str,
    tx: &Tx,
    environment: EnvironmentId,
    application: &Application,
    before: &Credential,
    (reason, comment, tokens_die): (Reason, Option<&str>, bool),
    at: Timestamp,
) -> Result<Event, db::Error> {
    let mut credential = before.clone();
    credential.status = Status::Revoked;
    credential.revocation = Some(Revocation { at, reason, comment: comment.map(str::to_owned) });
    credential.revision += 1;
    credential.updated_at = at;
    sql::store(tx, &credential).await?;
    if tokens_die {
        denials::deny(tx, environment, &credential.id.to_string(), at).await?;
    }
    let tokens = if tokens_die { "die" } else { "live" };
    let data = json!({ "id": credential.id.to_string(), "reason": reason.as_str(), "comment": comment, "tokens": tokens });
    Ok(Event::new(event, application.id, data).of(application.organization_id))
}
