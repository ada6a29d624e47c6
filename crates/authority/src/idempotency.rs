//! `Idempotency-Key` on creates: the same key and body answer with the same object, never with its secret again.
//! What is remembered commits with the object, so a crash between the two cannot be.

use std::collections::HashSet;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};

use crate::access::Caller;
use crate::clock::Timestamp;
use crate::db::{Query, Tx, params};
use crate::error::{Refusal, Result};

/// The caller's key and what it is bound to.
#[derive(Clone)]
pub struct Idempotency {
    key: String,
    operation: &'static str,
    request: [u8; 32],
}

/// Answers older than this are forgotten.
pub const REMEMBERED_SECONDS: i64 = 24 * 60 * 60;

impl Idempotency {
    /// `body` is the request's body as it came.
    pub fn new(key: &str, operation: &'static str, body: &[u8]) -> Result<Self, String> {
        if key.is_empty() || key.len() > 255 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("must be 1 to 255 visible ASCII characters".to_owned());
        }
        Ok(Self { key: key.to_owned(), operation, request: Sha256::digest(body).into() })
    }
}

/// Requests under way in this process.
#[derive(Default)]
pub struct InFlight(Mutex<HashSet<(String, String)>>);

/// Holds a place among the requests under way until dropped.
pub struct Flight<'a> {
    among: &'a InFlight,
    place: (String, String),
}

impl InFlight {
    /// Refuses when the same caller's request with the same key has not been answered yet.
    pub fn enter(&self, caller: &Caller, idempotency: Option<&Idempotency>) -> Result<Option<Flight<'_>>> {
        let Some(idempotency) = idempotency else { return Ok(None) };
        let place = (caller.key.to_string(), idempotency.key.clone());
        let mut places = self.0.lock().expect("nothing panics while holding it");
        if !places.insert(place.clone()) {
            return Err(Refusal::IdempotencyInFlight.into());
        }
        Ok(Some(Flight { among: self, place }))
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.among.0.lock().expect("nothing panics while holding it").remove(&self.place);
    }
}

/// The id of the object that this key made before, if it did.
pub(crate) async fn recall(tx: &Tx, caller: &Caller, idempotency: Option<&Idempotency>, now: Timestamp) -> Result<Option<String>> {
    let Some(idempotency) = idempotency else { return Ok(None) };
    let row = tx
        .optional(
            "SELECT operation, request_digest, object_id
             FROM idempotency
             WHERE environment_id = $1
               AND caller_id = $2
               AND key = $3
               AND created_at > $4",
            params![
                caller.context.environment.id.to_string(),
                caller.key.to_string(),
                &idempotency.key,
                now.plus_seconds(-REMEMBERED_SECONDS),
            ],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    if row.text("operation") != idempotency.operation || row.bytes("request_digest") != idempotency.request {
        return Err(Refusal::IdempotencyMismatch.into());
    }
    Ok(Some(row.text("object_id")))
}

/// Remembers what this key made, in the transaction that makes it.
pub(crate) async fn remember(tx: &Tx, caller: &Caller, idempotency: Option<&Idempotency>, object: &str, now: Timestamp) -> Result<()> {
    let Some(idempotency) = idempotency else { return Ok(()) };
    let old = now.plus_seconds(-REMEMBERED_SECONDS);
    tx.execute("DELETE FROM idempotency WHERE created_at <= $1", params![old]).await?;
    tx.execute(
        "INSERT INTO idempotency (environment_id, caller_id, key, operation, request_digest, object_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            caller.context.environment.id.to_string(),
            caller.key.to_string(),
            &idempotency.key,
            idempotency.operation,
            &idempotency.request[..],
            object,
            now,
        ],
    )
    .await?;
    Ok(())
}
