//! Moving to another database, usually from SQLite to PostgreSQL. The source is not changed.

use super::source::Source;
use super::target::Target;
use super::{Error, Head, heads};
use crate::clock::Clock;
use crate::db::Location;

/// What was copied.
#[derive(Debug)]
pub struct Exported {
    pub rows: i64,
    pub events: i64,
    pub heads: Vec<Head>,
}

/// Copies everything into an empty database, in one transaction, and checks counts and journal before it commits.
/// A server may run on the source; what it changes after the copy began is not copied.
pub async fn export(from: &Location, into: &Location, clock: &Clock, mut progress: impl FnMut(u64, u64)) -> Result<Exported, Error> {
    let source = Source::open(from).await?;
    let target = Target::open(into).await?;
    let copied = copy(&source, &target, clock, &mut progress).await;
    source.close().await;
    target.settle(copied).await
}

async fn copy(source: &Source, target: &Target, clock: &Clock, progress: &mut impl FnMut(u64, u64)) -> Result<Exported, Error> {
    let counts = source.counts().await?;
    let rows = counts.iter().sum();
    target.found(source.schema, clock.now()).await?;
    source.pour(&target.tx, rows, progress).await?;
    let events = target.check(&source.tables, &counts, source.schema, clock.now()).await?;
    Ok(Exported { rows, events, heads: heads(&source.tx).await? })
}
