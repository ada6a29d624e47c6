//! Taking over keys that another system made, by their SHA-256 digests: the plaintext never comes here.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::create::{New, parse, place, snapshot};
use super::{ApiKey, Origin, sql};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::Digest;
use crate::db::{Change, Committed, Query, Tx, params};
use crate::error::{Error, Violation};
use crate::ids::{ApiKeyId, SecretId};
use crate::journal::Event;
use crate::secrets::{self, Scheme};
use crate::text;

/// A key made elsewhere.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// SHA-256 of the whole key as its holder sends it: 64 hexadecimal digits, or base64 in any of its dresses.
    pub sha256: String,
    /// For people to recognise it; never enough to guess it.
    pub hint: Option<String>,
    pub new: New,
}

/// What became of one row.
#[derive(Debug)]
pub enum Imported {
    Done(Box<ApiKey>),
    /// The same digest is there already, under this id.
    Present(String),
    Refused(Error),
}

pub const MAX_ROWS: usize = 1_000;

/// Rows that are good are imported in one change, and each row is answered for itself.
pub async fn import(authority: &Authority, caller: &Caller, rows: &[Foreign]) -> crate::Result<Committed<Vec<Imported>>> {
    caller.require(Permission::KeysImport)?;
    if rows.is_empty() || rows.len() > MAX_ROWS {
        return Err(Error::invalid("/keys", format!("has {} rows; 1 to {MAX_ROWS} are allowed", rows.len())));
    }
    authority
        .change(&caller.context, |tx, at| async move {
            let mut outcomes = Vec::with_capacity(rows.len());
            let mut events = Vec::new();
            for row in rows {
                match import_row(authority, &tx, caller, row, at).await {
                    Ok(Imported::Done(key)) => {
                        events.push(Event::new("api_key.imported", key.id, snapshot(&key)).of(key.organization_id));
                        outcomes.push(Imported::Done(key));
                    }
                    Ok(outcome) => outcomes.push(outcome),
                    // A broken database is nobody's row; everything else is this row's own fault.
                    Err(error @ (Error::Store(_) | Error::Sealed(_))) => return Err(error),
                    Err(error) => outcomes.push(Imported::Refused(error)),
                }
            }
            if events.is_empty() {
                return Ok(Change::Nothing(outcomes));
            }
            Ok(Change::Made(outcomes, events))
        })
        .await
}

/// Checks everything before the first write, so that a refused row leaves nothing behind in the transaction.
async fn import_row(authority: &Authority, tx: &Tx, caller: &Caller, row: &Foreign, at: Timestamp) -> crate::Result<Imported> {
    let sha256 = parse_digest(&row.sha256).map_err(|detail| Error::invalid("/sha256", detail))?;
    let hint = text::optional(row.hint.as_deref(), short_hint).map_err(|detail| Error::invalid("/hint", detail))?;
    let wanted = parse(&row.new, caller.context.now)?;
    caller.may_grant(&wanted.permissions)?;
    let environment = &caller.context.environment;
    let (digest, pepper_version) = authority.imported_digest(environment, &sha256);
    let present = tx
        .optional(
            "SELECT credential_id FROM secrets WHERE environment_id = $1 AND digest = $2",
            params![environment.id.to_string(), &digest.as_bytes()[..]],
        )
        .await?;
    if let Some(present) = present {
        return Ok(Imported::Present(present.text("credential_id")));
    }
    let id = ApiKeyId::new(authority.rng);
    let mut key = wanted.key(id, hint.unwrap_or_else(|| "…".to_owned()), Origin::Imported, caller, at);
    place(tx, caller, row.new.resource.as_deref(), &mut key).await?;
    sql::insert(tx, environment.id, &key).await?;
    let secret = (SecretId::new(at, authority.rng), Scheme::Foreign, pepper_version);
    secrets::insert_digest(tx, environment, &id.to_string(), secret, &digest, &key.hint, at).await?;
    Ok(Imported::Done(Box::new(key)))
}

fn parse_digest(text: &str) -> Result<Digest, String> {
    let bytes = if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        (0..32).map(|place| u8::from_str_radix(&text[2 * place..2 * place + 2], 16)).collect::<Result<Vec<u8>, _>>().ok()
    } else {
        [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].iter().find_map(|form| form.decode(text).ok())
    };
    let digest: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
    digest.map(Digest::from_bytes).ok_or_else(|| "is not a SHA-256 digest: want 64 hexadecimal digits, or 32 bytes in base64".to_owned())
}

/// A hint that could be a whole key is refused, lest somebody sends one.
fn short_hint(text: &str) -> Result<String, String> {
    if text.chars().count() > 24 {
        return Err("is longer than 24 characters: it must not be the key itself".to_owned());
    }
    text::name(text)
}

impl Imported {
    /// What is wrong with a refused row, if it was.
    pub fn violations(&self) -> &[Violation] {
        match self {
            Self::Refused(Error::Invalid(violations)) => violations,
            _ => &[],
        }
    }
}
