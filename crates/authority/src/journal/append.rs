//! Writing events behind the head that the change holds locked.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Event, Head};
use crate::authority::Context;
use crate::clock::Timestamp;
use crate::db::{Error, Tx, params};
use crate::ids::ChangeId;

/// The hash of an environment's first event points at this.
pub(super) const GENESIS: [u8; 32] = [0; 32];

/// Appends the events; the leaf text is what is hashed, and it names the hash before it.
pub(crate) async fn append(
    tx: &Tx,
    context: &Context,
    change: ChangeId,
    at: Timestamp,
    head: Head,
    events: Vec<Event>,
) -> Result<Head, Error> {
    let environment = context.environment.id.to_string();
    let mut head = Head { at, ..head };
    for event in events {
        let seq = head.seq + 1;
        let leaf = json!({
            "environment": environment,
            "seq": seq,
            "at": at.micros(),
            "kind": event.kind,
            "subject": event.subject,
            "organization": event.organization.map(|id| id.to_string()),
            "actor": context.actor,
            "request_id": context.request_id,
            "change": change.to_string(),
            "data": event.data,
            "previous": hex(&head.hash),
        })
        .to_string();
        let hash = Sha256::digest(leaf.as_bytes()).to_vec();
        tx.execute(
            "INSERT INTO journal
                 (environment_id, seq, at, kind, subject_id, organization_id, actor_id, change_id, leaf, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                &environment,
                seq,
                at,
                event.kind,
                event.subject,
                event.organization.map(|id| id.to_string()),
                context.actor.id(),
                change.to_string(),
                leaf,
                hash.clone(),
            ],
        )
        .await?;
        head = Head { seq, hash, at };
    }
    tx.execute(
        "UPDATE journal_heads SET seq = $2, hash = $3, at = $4 WHERE environment_id = $1",
        params![environment, head.seq, head.hash.clone(), at],
    )
    .await?;
    Ok(head)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
