//! Following the journal: the same path for our own changes and for those of other processes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::clients::Which as Applications;
use super::denials::Denials;
use super::load::{self, Loaded, Which};
use super::{Gate, public_id};
use crate::db::{Db, Error};
use crate::ids::{ApplicationId, EnvironmentId, OperatorId, OrganizationId, ResourceId};
use crate::journal;
use crate::tokens::signing;

const BATCH: i64 = 1_000;
const CHUNK: usize = 500;
const LOAD: i64 = 5_000;

impl Gate {
    /// Fills the directory, up to its budget. The journal is followed from where it stood before.
    pub(crate) async fn load(&self, db: &Db) -> Result<(), Error> {
        for (environment, seq) in journal::heads(db).await? {
            if let Some(state) = self.environment(environment) {
                state.epoch.store(seq, Ordering::Release);
                self.signing_keys.load(db, environment).await?;
            }
        }
        // Until an eviction says otherwise: nobody is answered before this returns.
        self.is_complete.store(true, Ordering::Release);
        for state in self.environments.load().iter() {
            state.put_clients(self.load_clients(db, state, &Applications::All).await?);
            state.denials.store(Arc::new(Denials::load(db, &state.id.to_string(), self.clock.now()).await?));
        }
        self.put_all(load::management_keys(self, db, Which::After("", 0)).await?);
        let mut after = String::new();
        loop {
            let loaded = load::api_keys(self, db, Which::After(&after, LOAD)).await?;
            let Some(last) = last_id(&loaded) else { break };
            after = last;
            let room = self.directory.capacity() as usize - self.residents().0;
            if loaded.len() > room {
                self.is_complete.store(false, Ordering::Release);
                self.put_all(loaded.into_iter().take(room).collect());
                return Ok(());
            }
            self.put_all(loaded);
            if !self.is_complete.load(Ordering::Acquire) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn put_all(&self, loaded: Vec<Loaded>) {
        let mut writer = self.writer.lock().expect("the writer never panics");
        for loaded in loaded {
            self.misses.void(loaded.entry.id);
            self.put(&mut writer, loaded);
        }
    }

    /// Applies every change up to `seq`. When it returns, no verification that begins answers from before it.
    pub(crate) async fn catch_up(&self, db: &Db, environment: EnvironmentId, seq: i64) -> Result<(), Error> {
        let Some(state) = self.environment(environment) else { return Ok(()) };
        if state.epoch() >= seq {
            return Ok(());
        }
        let _applying = state.applying.lock().await;
        while state.epoch() < seq {
            let changes = journal::since(db, environment, state.epoch(), BATCH).await?;
            let Some(last) = changes.last().map(|change| change.seq) else { return Ok(()) };
            let subjects: BTreeSet<&str> = changes.iter().map(|change| change.subject.as_str()).collect();
            let mut loaded = Vec::new();
            let of = |prefix: &str| {
                subjects.iter().filter(|subject| subject.starts_with(prefix)).map(|subject| (*subject).to_owned()).collect::<Vec<_>>()
            };
            for ids in of("ak_").chunks(CHUNK) {
                loaded.extend(load::api_keys(self, db, Which::Ids(ids)).await?);
            }
            for ids in of("mk_").chunks(CHUNK) {
                loaded.extend(load::management_keys(self, db, Which::Ids(ids)).await?);
            }
            for operator in of(OperatorId::PREFIX) {
                loaded.extend(load::management_keys(self, db, Which::OfOperator(&operator)).await?);
            }
            if subjects.iter().any(|subject| subject.starts_with(signing::SUBJECT)) {
                self.signing_keys.load(db, environment).await?;
            }
            let organizations = load::organizations(db, &of(OrganizationId::PREFIX)).await?;
            let applications = of(ApplicationId::PREFIX);
            let mut clients = Vec::new();
            for which in [
                Applications::Ids(&applications),
                Applications::OfOrganizations(&of(OrganizationId::PREFIX)),
                Applications::OfResources(&of(ResourceId::PREFIX)),
            ] {
                if !which.is_empty() {
                    clients.extend(self.load_clients(db, &state, &which).await?);
                }
            }
            // Every revocation of tokens is an event of an application.
            let denials = match applications.is_empty() {
                true => None,
                false => Some(Denials::load(db, &environment.to_string(), self.clock.now()).await?),
            };
            let mut writer = self.writer.lock().expect("the writer never panics");
            for (organization, is_active) in organizations {
                self.set_organization(&writer, organization, is_active);
            }
            for loaded in loaded {
                self.misses.void(loaded.entry.id);
                self.put(&mut writer, loaded);
            }
            state.put_clients(clients);
            if let Some(denials) = denials {
                state.denials.store(Arc::new(denials));
            }
            // Still under the writer: a miss that read its row before cannot slip in behind.
            state.epoch.store(last, Ordering::SeqCst);
        }
        Ok(())
    }
}

fn last_id(loaded: &[Loaded]) -> Option<String> {
    loaded.iter().map(|loaded| public_id(&loaded.entry)).max()
}
