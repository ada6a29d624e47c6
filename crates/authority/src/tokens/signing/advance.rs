//! The one change of signing keys: every deed is a wish and then whatever is due. What is decided stands behind the journal's
//! lock, so any number of nodes may try the same at once, and one does it.

use serde_json::json;

use super::mint::{Minted, mint};
use super::schedule::{Schedule, Step};
use super::{Key, LOCAL, Status, sql};
use crate::authority::{Authority, Context};
use crate::clock::Timestamp;
use crate::credential::jose::Algorithm;
use crate::db::{Change, Committed, Tx};
use crate::error::{Refusal, Result};
use crate::ids::EnvironmentId;
use crate::journal::Event;

#[derive(Clone, Copy)]
pub(super) enum Wish<'a> {
    /// Only what is due.
    None,
    Rotate,
    /// Waits for no key pair to be made: those that are due then are left to the next advance.
    Compromise {
        kid: &'a str,
        comment: Option<&'a str>,
    },
}

enum Advanced {
    /// So many key pairs must be made first.
    Missing(usize),
    Done(Vec<Event>),
}

/// Fulfils the wish, and does what is due then.
pub(super) async fn advance(authority: &Authority, context: &Context, algorithm: Algorithm, wish: Wish<'_>) -> Result<Committed<()>> {
    let environment = context.environment.id;
    let mut minted = Vec::new();
    loop {
        let fresh = &minted;
        let committed = authority
            .change(context, |tx, at| async move {
                let keys = sql::of_algorithm(&tx, environment, algorithm).await?;
                let group = Group { tx: &tx, environment, algorithm, at, schedule: authority.signing_schedule };
                Ok(match group.advance(keys, wish, fresh).await? {
                    Advanced::Missing(count) => Change::Nothing(count),
                    Advanced::Done(events) if events.is_empty() => Change::Nothing(0),
                    Advanced::Done(events) => Change::Made(0, events),
                })
            })
            .await?;
        match committed.value {
            0 => return Ok(Committed { value: (), journal_seq: committed.journal_seq, at: committed.at }),
            missing => minted.extend(mint(authority, environment, algorithm, missing).await?),
        }
    }
}

/// The first two keys of a new environment, within the change that makes it.
pub(crate) async fn begin(tx: &Tx, environment: EnvironmentId, minted: &[Minted], schedule: Schedule, at: Timestamp) -> Result<Vec<Event>> {
    let algorithm = Algorithm::Es256;
    match (Group { tx, environment, algorithm, at, schedule }).advance(Vec::new(), Wish::None, minted).await? {
        Advanced::Done(events) => Ok(events),
        Advanced::Missing(count) => unreachable!("{count} more key pairs were needed than were made"),
    }
}

/// The keys of one algorithm inside a change.
struct Group<'a> {
    tx: &'a Tx,
    environment: EnvironmentId,
    algorithm: Algorithm,
    at: Timestamp,
    schedule: Schedule,
}

impl Group<'_> {
    async fn advance(&self, mut keys: Vec<Key>, wish: Wish<'_>, minted: &[Minted]) -> Result<Advanced> {
        let mut events = Vec::new();
        match wish {
            Wish::None => {}
            Wish::Rotate => self.refuse_too_early(&keys)?,
            Wish::Compromise { kid, comment } => {
                let key = keys.iter_mut().find(|key| key.kid == kid).ok_or_else(|| Refusal::not_found("signing key", "of that kid"))?;
                if key.status == Status::Compromised {
                    return Ok(Advanced::Done(events));
                }
                events.push(self.compromise(key, comment).await?);
            }
        }
        let mut steps = self.schedule.due(&keys, self.at, matches!(wish, Wish::Rotate));
        if matches!(wish, Wish::Compromise { .. }) {
            steps.retain(|step| !step.makes_a_key());
        }
        let wanted = steps.iter().filter(|step| step.makes_a_key()).count();
        if wanted > minted.len() {
            return Ok(Advanced::Missing(wanted - minted.len()));
        }
        let mut minted = minted.iter();
        for step in steps {
            match step {
                Step::MakeActive => events.extend(self.make(Status::Active, minted.next()).await?),
                Step::MakeStandby => events.extend(self.make(Status::Standby, minted.next()).await?),
                Step::Retire(kid) => events.push(self.turn(&mut keys, &kid, Status::Retired).await?),
                Step::Activate(kid) => events.push(self.turn(&mut keys, &kid, Status::Active).await?),
                Step::End(kid) => events.push(self.turn(&mut keys, &kid, Status::Gone).await?),
            }
        }
        Ok(Advanced::Done(events))
    }

    fn refuse_too_early(&self, keys: &[Key]) -> Result<()> {
        let oldest = |status| keys.iter().find(|key| key.status == status);
        if keys.is_empty() {
            return Err(Refusal::not_found("signing key of algorithm", self.algorithm).into());
        }
        let usable_from = match (oldest(Status::Active), oldest(Status::Standby)) {
            (None, _) => return Ok(()),
            (Some(_), Some(standby)) => standby.usable_from,
            (Some(_), None) => Some(self.at.plus_seconds(self.schedule.publish_before_use_seconds)),
        };
        match usable_from {
            Some(usable_from) if usable_from > self.at => Err(Refusal::StandbyTooNew { usable_from }.into()),
            _ => Ok(()),
        }
    }

    async fn compromise(&self, key: &mut Key, comment: Option<&str>) -> Result<Event> {
        let before = key.compromise(self.at);
        sql::store(self.tx, self.environment, key, self.at).await?;
        let data =
            json!({ "algorithm": key.algorithm().as_str(), "before": before.as_str(), "min_iat": key.min_iat(), "comment": comment });
        Ok(Event::new("signing_key.compromised", key.subject(), data))
    }

    async fn turn(&self, keys: &mut [Key], kid: &str, status: Status) -> Result<Event> {
        let key = keys.iter_mut().find(|key| key.kid == kid).expect("steps name keys that are there");
        key.status = status;
        let is_early = !key.is_usable(self.at);
        if status == Status::Active && is_early {
            // Only where nothing else is left to sign with.
            key.usable_from = None;
        }
        sql::store(self.tx, self.environment, key, self.at).await?;
        let algorithm = key.algorithm().as_str();
        Ok(match status {
            Status::Active => activated(key, is_early),
            Status::Retired => Event::new("signing_key.retired", key.subject(), json!({ "algorithm": algorithm })),
            _ => Event::new("signing_key.gone", key.subject(), json!({ "algorithm": algorithm })),
        })
    }

    async fn make(&self, status: Status, minted: Option<&Minted>) -> Result<Vec<Event>> {
        let minted = minted.expect("counted before");
        let is_active = status == Status::Active;
        let key = Key {
            kid: minted.jwk.thumbprint(),
            status,
            provider: LOCAL.to_owned(),
            jwk: minted.jwk.clone(),
            usable_from: (!is_active).then(|| self.at.plus_seconds(self.schedule.publish_before_use_seconds)),
            created_at: self.at,
            published_at: self.at,
            activated_at: is_active.then_some(self.at),
            retired_at: None,
            gone_at: None,
            compromised_at: None,
            revision: 1,
        };
        sql::insert(self.tx, self.environment, &key, Some(minted.sealed.clone())).await?;
        let data = json!({ "algorithm": key.algorithm().as_str(), "provider": key.provider, "usable_from": key.usable_from });
        let created = Event::new("signing_key.created", key.subject(), data);
        Ok(if is_active { vec![created, activated(&key, false)] } else { vec![created] })
    }
}

fn activated(key: &Key, is_early: bool) -> Event {
    Event::new("signing_key.activated", key.subject(), json!({ "algorithm": key.algorithm().as_str(), "before_usable": is_early }))
}
