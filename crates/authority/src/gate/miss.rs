//! What is not resident: one indexed read, however many wait for it, and a memory of what is not there at all.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use super::directory::Id;
use super::load::{self, Which};
use super::{EnvironmentState, Gate};
use crate::credential::Digest;
use crate::db::{Db, Error};

/// How a missing credential is looked for in the database.
pub enum Sought {
    Issued(String),
    Management(String),
    Imported(Digest),
}

/// Reads under way, and ids that were looked for in vain.
#[derive(Default)]
pub(super) struct Misses(Mutex<State>);

#[derive(Default)]
struct State {
    flights: HashMap<Id, Arc<tokio::sync::Mutex<()>>>,
    absent: HashSet<Id>,
}

/// Beyond this the memory starts over: whoever guesses ids must not fill ours.
const MAX_ABSENT: usize = 65_536;

impl Misses {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while holding it")
    }

    pub(super) fn is_absent(&self, id: Id) -> bool {
        self.state().absent.contains(&id)
    }

    /// A change may have made it: forget that it was not there. The writer is held.
    pub(super) fn void(&self, id: Id) {
        self.state().absent.remove(&id);
    }

    /// Reads the credential into the directory. Those who ask for the same one meanwhile wait for this read.
    pub(super) async fn fetch(&self, gate: &Gate, db: &Db, state: &EnvironmentState, id: Id, key: &Sought) -> Result<(), Error> {
        let flight = self.state().flights.entry(id).or_default().clone();
        let _landing = flight.lock().await;
        let outcome = if gate.directory.find(id).is_some() || self.is_absent(id) { Ok(()) } else { read(gate, db, state, id, key).await };
        self.state().flights.remove(&id);
        outcome
    }
}

/// A row read at one epoch may enter only while that is still the epoch; otherwise it is read again.
async fn read(gate: &Gate, db: &Db, state: &EnvironmentState, id: Id, key: &Sought) -> Result<(), Error> {
    loop {
        let epoch = state.epoch();
        let loaded = match key {
            Sought::Issued(id) => load::api_keys(gate, db, Which::Ids(std::slice::from_ref(id))).await?,
            Sought::Management(id) => load::management_keys(gate, db, Which::Ids(std::slice::from_ref(id))).await?,
            Sought::Imported(digest) => load::api_keys(gate, db, Which::ImportedDigest(digest, state)).await?,
        };
        let mut writer = gate.writer.lock().expect("the writer never panics");
        if state.epoch() != epoch {
            continue;
        }
        if loaded.is_empty() {
            let mut misses = gate.misses.state();
            if misses.absent.len() >= MAX_ABSENT {
                misses.absent.clear();
            }
            misses.absent.insert(id);
        }
        for loaded in loaded {
            gate.put(&mut writer, loaded);
        }
        return Ok(());
    }
}
