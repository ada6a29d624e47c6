//! Uses of minting credentials leave memory in batches, so that no token writes a row.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Clients, Use};
use crate::db::{Db, Error, params};

struct Used {
    id: String,
    of: Arc<Use>,
    count: u64,
    at: u64,
    from: Option<IpAddr>,
}

const PER_TRANSACTION: usize = 500;

/// Writes what was used since the last flush. What cannot be written is counted again, for the next time.
pub async fn flush(db: &Db, clients: &Clients) -> Result<(), Error> {
    let used: Vec<Used> = {
        let clients = clients.pin();
        clients.values().flat_map(|client| client.credentials()).filter_map(|credential| take(&credential.text, &credential.used)).collect()
    };
    for (place, batch) in used.chunks(PER_TRANSACTION).enumerate() {
        let batch: Arc<Vec<_>> = Arc::new(batch.iter().map(|used| (used.id.clone(), used.count, used.at, used.from)).collect());
        let written = db
            .note(|tx| {
                let batch = batch.clone();
                async move {
                    for (id, count, at, from) in batch.iter() {
                        tx.execute(
                            "UPDATE application_credentials
                             SET last_used_at = $2, last_used_from = COALESCE($3, last_used_from), use_count = use_count + $4
                             WHERE id = $1",
                            params![id, *at as i64, from.map(|from| from.to_string()), *count as i64],
                        )
                        .await?;
                    }
                    Ok(())
                }
            })
            .await;
        if let Err(error) = written {
            for used in &used[place * PER_TRANSACTION..] {
                used.of.count.fetch_add(used.count, Ordering::Relaxed);
            }
            return Err(error);
        }
    }
    Ok(())
}

fn take(id: &str, of: &Arc<Use>) -> Option<Used> {
    let count = of.count.swap(0, Ordering::Relaxed);
    let from = of.from.lock().ok().and_then(|from| *from);
    (count > 0).then(|| Used { id: id.to_owned(), of: of.clone(), count, at: of.at.load(Ordering::Relaxed), from })
}
