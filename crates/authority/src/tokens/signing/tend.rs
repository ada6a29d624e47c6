//! What happens by itself: the first keys of an algorithm, replacing a key in time, and letting old ones go.

use super::advance::{Wish, advance};
use crate::authority::{Actor, Authority, Context};
use crate::clock::Timestamp;
use crate::credential::jose::Algorithm;
use crate::error::Result;

/// Does what is due in every environment. Call it every minute or so, on as many nodes as there are; what one has done, the
/// others find done. Where nothing is due it asks nothing of the database.
pub async fn tick(authority: &Authority, now: Timestamp) -> Result<()> {
    let mut outcome = Ok(());
    for environment in authority.environments() {
        for algorithm in authority.signing_keys.due(environment.id, authority.signing_schedule, now) {
            let request_id = "signing-keys".to_owned();
            let context = Context { environment: environment.clone(), actor: Actor::System, request_id, now };
            // One environment in trouble does not keep the others from their keys.
            if let Err(error) = advance(authority, &context, algorithm, Wish::None).await {
                outcome = Err(error);
            }
        }
    }
    outcome
}

/// Sees to it that something signs for the algorithm: call it when a resource asks for its tokens so.
pub async fn ensure(authority: &Authority, context: &Context, algorithm: Algorithm) -> Result<()> {
    if authority.signing_keys.signer(context.environment.id, algorithm).is_none() {
        advance(authority, context, algorithm, Wish::None).await?;
    }
    Ok(())
}
