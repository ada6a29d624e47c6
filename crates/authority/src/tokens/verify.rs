//! Is an access token good, and for what: signature first, then what has become of everything it rests on.

use std::sync::Arc;

use super::claims::MINTED_BY;
use super::seconds;
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::jose::{Audience, Claims, Compact, typ_is};
use crate::error::Result;
use crate::gate::{Ask, Client, ClientStatus, Code, EnvironmentRef, EnvironmentState};

/// An access token of ours: signed by a key of this environment, of its issuer and of the right type (RFC 9068 section 4).
/// Whether it is good now is another question, asked anew each time.
pub struct Genuine {
    pub jti: String,
    pub client_id: String,
    pub organization: String,
    /// Id of the credential that minted it.
    pub minted_by: String,
    pub audiences: Vec<String>,
    /// As granted when it was minted, sorted.
    pub permissions: Vec<String>,
    /// Seconds since the Unix epoch.
    pub issued_at: i64,
    pub expires_at: i64,
    /// Thumbprint of the key that its holder must prove to have (RFC 9449 section 6).
    pub bound_to: Option<String>,
    kid: String,
}

/// The answer. What the token is, is told once it was found genuine.
pub struct Verdict {
    pub code: Code,
    pub token: Option<Told>,
    pub decision: u64,
    /// The journal sequence number that the answer knows of.
    pub journal_seq: i64,
}

/// A genuine token, whose it is, and what it may do now: never more than its application still may.
pub struct Told {
    pub token: Arc<Genuine>,
    pub client: Arc<Client>,
    pub permissions: Vec<String>,
}

/// Whether a credential has the form of a signed token. An imported key might too; then it is looked up as one afterwards.
pub fn looks_like_token(text: &str) -> bool {
    text.starts_with("ey") && text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// The environment whose issuer a token names, unverified: for callers who have nothing but the token.
pub fn environment_of(authority: &Authority, text: &str) -> Option<EnvironmentRef> {
    let issuer = looks_like_token(text).then(|| Compact::parse(text).ok()?.unverified_iss()).flatten()?;
    authority.gate.environment_of_issuer(&issuer)
}

/// Verifies an access token within an environment.
pub async fn verify(authority: &Authority, environment: &EnvironmentState, text: &str, ask: &Ask<'_>) -> Result<Verdict> {
    if let Some(wanted) = ask.min_seq
        && environment.epoch() < wanted
    {
        authority.gate.catch_up(&authority.db, environment.id, wanted).await?;
    }
    let answer = |code, token, journal_seq| Verdict { code, token, decision: authority.gate.next_decision(), journal_seq };
    if !authority.gate.is_current(environment, ask.min_seq) {
        return Ok(answer(Code::Stale, None, environment.epoch()));
    }
    let token = match genuine(authority, environment, text) {
        Ok(token) => token,
        Err(code) => return Ok(answer(code, None, environment.epoch())),
    };
    let now = authority.clock.now();
    loop {
        let epoch = environment.epoch();
        let (code, told) = standing(authority, environment, &token, ask, now);
        if environment.epoch() == epoch {
            return Ok(answer(code, told, epoch));
        }
    }
}

/// Reads the token strictly and checks signature, issuer and type.
fn genuine(authority: &Authority, environment: &EnvironmentState, text: &str) -> Result<Arc<Genuine>, Code> {
    let compact = Compact::parse(text).map_err(|_| Code::Malformed)?;
    let kid = compact.kid().ok_or(Code::NotFound)?;
    let key = authority.signing_keys.verifying(environment.id, kid).ok_or(Code::NotFound)?;
    let claims = compact.verified(&key.prepared).map_err(|_| Code::NotFound)?;
    let is_access_token = compact.typ().is_some_and(|typ| typ_is(typ, "at+jwt") || typ_is(typ, "JWT"));
    if !is_access_token || claims.iss().ok() != Some(environment.environment.load().issuer.as_str()) {
        return Err(Code::NotFound);
    }
    read(&claims, kid).map(Arc::new).ok_or(Code::NotFound)
}

/// Only what has every claim of an access token is one: other things may come to be signed with the same keys.
fn read(claims: &Claims, kid: &str) -> Option<Genuine> {
    let text = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
    let client_id = claims.client_id().ok()?.to_owned();
    if claims.sub().ok()? != client_id {
        return None;
    }
    let mut permissions: Vec<String> = text("scope")?.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    permissions.sort_unstable();
    Some(Genuine {
        jti: claims.jti().ok()?.to_owned(),
        client_id,
        organization: text("org_id")?,
        minted_by: text(MINTED_BY)?,
        audiences: match claims.aud().ok()? {
            Audience::One(one) => vec![one.to_owned()],
            Audience::Many(many) => many.into_iter().map(str::to_owned).collect(),
        },
        permissions,
        issued_at: claims.iat().ok()?,
        expires_at: claims.exp().ok()?,
        bound_to: claims.get("cnf").and_then(|cnf| cnf.get("jkt")?.as_str()).map(str::to_owned),
        kid: kid.to_owned(),
    })
}

/// What a genuine token is worth now, in the order of the checks of every verification.
fn standing(
    authority: &Authority,
    environment: &EnvironmentState,
    token: &Arc<Genuine>,
    ask: &Ask<'_>,
    now: Timestamp,
) -> (Code, Option<Told>) {
    let Some(client) = environment.client(&token.client_id).filter(|client| client.organization_text == token.organization) else {
        return (Code::NotFound, None);
    };
    if ask.only.is_some_and(|only| only != client.organization) {
        return (Code::NotFound, None);
    }
    let still_held =
        |name: &String| token.audiences.iter().filter_map(|resource| client.grant(resource)).any(|grant| grant.permissions.contains(name));
    let permissions: Vec<String> = token.permissions.iter().filter(|name| still_held(name)).cloned().collect();
    let code = if is_denied(authority, environment, token, &client) {
        Code::Revoked
    } else if token.expires_at <= seconds(now) {
        Code::Expired
    } else if client.status == ClientStatus::Disabled {
        Code::Disabled
    } else if !client.organization_is_active {
        Code::OrganizationSuspended
    } else if !holds(token, &permissions, ask) {
        Code::InsufficientPermissions
    } else {
        Code::Valid
    };
    (code, Some(Told { token: token.clone(), client, permissions }))
}

/// Whether the token itself, what minted it, whom it was minted for, or the key that signed it has been given up.
fn is_denied(authority: &Authority, environment: &EnvironmentState, token: &Genuine, client: &Client) -> bool {
    let issued_at = Timestamp::from_micros(token.issued_at.saturating_mul(1_000_000));
    let denials = environment.denials();
    let subjects = [token.jti.as_str(), &token.minted_by, &token.client_id];
    client.status == ClientStatus::Revoked
        || subjects.into_iter().any(|subject| denials.deny(subject, issued_at))
        || authority
            .signing_keys
            .verifying(environment.id, &token.kid)
            .is_none_or(|key| key.min_iat.is_some_and(|min_iat| issued_at < min_iat))
}

fn holds(token: &Genuine, permissions: &[String], ask: &Ask<'_>) -> bool {
    let is_for_resource = ask.resource.as_deref().is_none_or(|asked| token.audiences.iter().any(|audience| audience == asked));
    is_for_resource && ask.permissions.iter().all(|name| permissions.iter().any(|held| held == name))
}
