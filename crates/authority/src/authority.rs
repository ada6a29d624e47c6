//! The platform as a whole: its database, clock, randomness, peppers and gate, opened once per process.
//! It decides nothing itself; the domain modules do.

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;

use crate::clock::{Clock, Timestamp};
use crate::credential::{Digest, Parsed, Pepper};
use crate::db::{self, Change, Committed, Db, Location, PoolSizes, Query, Tx, params};
use crate::environments::{self, Environment};
use crate::error::{Error, Refusal, Result};
use crate::gate::Gate;
use crate::idempotency::InFlight;
use crate::ids::{ApiKeyId, ApplicationId, EnvironmentId, ManagementKeyId, OwnerId};
use crate::page::Cursors;
use crate::rng::Rng;
use crate::seal::MasterKey;
use crate::tokens::signing::{self, Schedule, SigningKeys};

/// Where and as what a change happens.
#[derive(Clone)]
pub struct Context {
    pub environment: Arc<Environment>,
    pub actor: Actor,
    pub request_id: String,
    pub now: Timestamp,
}

/// Who did a thing.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Actor {
    /// The server itself: at its first start, and in what it does on time.
    System,
    ManagementKey {
        #[serde(serialize_with = "as_text")]
        id: ManagementKeyId,
        #[serde(serialize_with = "as_text")]
        owner: OwnerId,
    },
    /// The holder of an API key, over that key.
    ApiKey {
        #[serde(serialize_with = "as_text")]
        id: ApiKeyId,
    },
    /// An application, over its own tokens.
    Application {
        #[serde(serialize_with = "as_text")]
        id: ApplicationId,
    },
}

fn as_text<S: serde::Serializer>(id: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

impl Actor {
    pub fn id(&self) -> String {
        match self {
            Self::System => "system".to_owned(),
            Self::ManagementKey { id, .. } => id.to_string(),
            Self::ApiKey { id } => id.to_string(),
            Self::Application { id } => id.to_string(),
        }
    }
}

/// What it takes to open the platform.
pub struct Settings {
    pub location: Location,
    pub pools: PoolSizes,
    pub master_key_file: PathBuf,
    /// Prefix of credentials in environments that nobody named one for.
    pub key_prefix: String,
    /// The base of issuer addresses, such as `https://auth.example.com`.
    pub public_url: String,
    /// How much memory resident keys may take.
    pub gate_memory_bytes: usize,
    /// When signing keys are replaced.
    pub signing: Schedule,
    pub clock: Clock,
}

/// The platform.
pub struct Authority {
    pub(crate) db: Db,
    pub clock: Clock,
    pub(crate) rng: Rng,
    pub(crate) master_key: Arc<MasterKey>,
    pub(crate) cursors: Cursors,
    pub(crate) in_flight: InFlight,
    pub gate: Gate,
    pub signing_keys: Arc<SigningKeys>,
    pub(crate) signing_schedule: Schedule,
    environments: ArcSwap<HashMap<EnvironmentId, Loaded>>,
    public_url: String,
}

/// An environment with its peppers opened, the newest last.
struct Loaded {
    environment: Arc<Environment>,
    peppers: Arc<Vec<(i64, Pepper)>>,
}

impl Authority {
    /// Opens the database, brings its schema up to date, makes the default environments and fills the gate.
    pub async fn open(settings: Settings) -> Result<Arc<Self>> {
        let rng = Rng;
        if let Location::Sqlite(path) = &settings.location
            && let Some(folder) = path.parent()
        {
            std::fs::create_dir_all(folder).map_err(|error| db::Error::Copy(format!("cannot make {}: {error}", folder.display())))?;
        }
        let db = Db::open(&settings.location, settings.pools, true).await?;
        let load_master_key = async {
            let is_new = db.optional("SELECT id FROM sealed_keys LIMIT 1", vec![]).await?.is_none();
            Ok::<_, Error>(MasterKey::load(&settings.master_key_file, is_new, rng)?)
        };
        let master_key = Arc::new(db.alone(&settings.clock, load_master_key).await?);
        let signing_keys = Arc::new(SigningKeys::new(master_key.clone()));
        let mut authority = Self {
            db,
            clock: settings.clock.clone(),
            rng,
            master_key,
            cursors: Cursors::ephemeral(rng),
            in_flight: InFlight::default(),
            gate: Gate::new(settings.clock, settings.gate_memory_bytes, signing_keys.clone(), rng),
            signing_keys,
            signing_schedule: settings.signing,
            environments: ArcSwap::from_pointee(HashMap::new()),
            public_url: settings.public_url,
        };
        let defaults = environments::create_defaults(&authority, &settings.key_prefix);
        authority.db.alone(&authority.clock, defaults).await?;
        authority.load_environments().await?;
        authority.cursors = Cursors::new(&authority.cursor_key());
        authority.gate.load(&authority.db).await?;
        // A database from before signing keys has none, a restored one may have lost the one that signs.
        signing::tick(&authority, authority.clock.now()).await?;
        Ok(Arc::new(authority))
    }

    /// The one way to change anything. By the time it returns, this node's gate answers accordingly.
    pub(crate) async fn change<T, F, Fut>(&self, context: &Context, body: F) -> Result<Committed<T>>
    where
        F: Fn(Tx, Timestamp) -> Fut,
        Fut: Future<Output = Result<Change<T>>> + Send,
    {
        let committed = self.db.change(context, body).await?;
        self.gate.catch_up(&self.db, context.environment.id, committed.journal_seq).await?;
        Ok(committed)
    }

    /// Reads environments and opens their peppers anew, and tells the gate.
    pub(crate) async fn load_environments(&self) -> Result<()> {
        let mut loaded = HashMap::new();
        for environment in environments::all(&self.db).await? {
            let rows = self
                .db
                .all(
                    "SELECT version, sealed FROM sealed_keys WHERE environment_id = $1 AND type = 'pepper' ORDER BY version",
                    params![environment.id.to_string()],
                )
                .await?;
            let mut peppers = Vec::new();
            for row in rows {
                let version = row.int("version");
                let opened = self.master_key.open(&row.bytes("sealed"), &environments::pepper_label(environment.id, version))?;
                peppers.push((version, Pepper::new(opened[..].try_into().expect("a pepper has 32 bytes"))));
            }
            let (environment, peppers) = (Arc::new(self.with_issuer(environment)), Arc::new(peppers));
            // Followed from the beginning of its journal if it is new: what is read here is not too early.
            if !self.signing_keys.knows(environment.id) {
                self.signing_keys.load(&self.db, environment.id).await?;
            }
            self.gate.add_environment(environment.clone(), peppers.clone());
            loaded.insert(environment.id, Loaded { environment, peppers });
        }
        self.environments.store(Arc::new(loaded));
        Ok(())
    }

    pub(crate) async fn environment(&self, id: EnvironmentId) -> Result<Arc<Environment>> {
        if let Some(loaded) = self.environments.load().get(&id) {
            return Ok(loaded.environment.clone());
        }
        // Made by another node since.
        self.load_environments().await?;
        let environments = self.environments.load();
        let loaded = environments.get(&id).ok_or_else(|| Refusal::not_found("environment", id))?;
        Ok(loaded.environment.clone())
    }

    pub(crate) fn environments(&self) -> Vec<Arc<Environment>> {
        self.environments.load().values().map(|loaded| loaded.environment.clone()).collect()
    }

    /// The version that new secrets are keyed with.
    pub(crate) fn current_pepper(&self, environment: EnvironmentId) -> i64 {
        let environments = self.environments.load();
        environments.get(&environment).and_then(|loaded| loaded.peppers.last()).map_or(0, |(version, _)| *version)
    }

    /// The keyed digest of a presented secret; `None` when that pepper is gone.
    pub(crate) fn digest(&self, environment: &Environment, parsed: &Parsed<'_>, pepper_version: i64) -> Option<Digest> {
        let environments = self.environments.load();
        let (_, pepper) = environments.get(&environment.id)?.peppers.iter().find(|(version, _)| *version == pepper_version)?;
        Some(pepper.digest(parsed.class, &environment.id.as_u128().to_be_bytes(), parsed.id_text(), parsed.secret()))
    }

    /// What is kept of a foreign secret, and under which pepper.
    pub(crate) fn imported_digest(&self, environment: &Environment, sha256: &Digest) -> (Digest, i64) {
        let environments = self.environments.load();
        let loaded = environments.get(&environment.id).expect("a caller's environment is loaded");
        let (version, pepper) = loaded.peppers.last().expect("every environment has a pepper");
        (crate::secrets::imported_digest(pepper, &environment.id.as_u128().to_be_bytes(), sha256), *version)
    }

    /// An environment whose issuer nobody set goes by the address that the server has now: the default environment by the
    /// address itself, as clients expect who are given nothing else, and any other by a path of it.
    pub(crate) fn with_issuer(&self, mut environment: Environment) -> Environment {
        if environment.issuer.is_empty() {
            let base = self.public_url.trim_end_matches('/');
            environment.issuer = match environment.slug.as_str() {
                environments::DEFAULT => base.to_owned(),
                slug => format!("{base}/{slug}"),
            };
        }
        environment
    }

    /// Cursors outlive a restart: their key follows from a sealed one.
    fn cursor_key(&self) -> Vec<u8> {
        let environments = self.environments.load();
        let oldest = environments.values().min_by_key(|loaded| loaded.environment.id).expect("the defaults exist");
        let (_, pepper) = oldest.peppers.first().expect("every environment has a pepper");
        pepper.digest(crate::credential::Class::ManagementKey, &[0; 16], CURSOR_KEY, "").as_bytes().to_vec()
    }

    /// Writes usage behind: call every flush interval and once before the end.
    pub async fn flush_usage(&self) -> Result<(), Error> {
        Ok(self.gate.flush(&self.db, self.clock.now()).await?)
    }

    /// Follows the journal of every environment: changes of other processes, and our own whose caller went away.
    pub async fn follow_journal(&self) -> Result<(), Error> {
        for (environment, seq) in crate::journal::heads(&self.db).await? {
            if !self.gate.knows(environment) {
                self.load_environments().await?;
            }
            self.gate.catch_up(&self.db, environment, seq).await?;
        }
        Ok(())
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        self.db.one("SELECT 1 AS one", vec![]).await?;
        Ok(())
    }

    /// Flushes and closes. Nothing may be asked of it afterwards.
    pub async fn close(&self) -> Result<(), Error> {
        let flushed = self.flush_usage().await;
        self.db.close().await;
        flushed
    }

    pub fn db(&self) -> &Db {
        &self.db
    }
}

/// Stands where a credential's id stands in other digests: 17 characters, and no id, for it holds a hyphen.
const CURSOR_KEY: &str = "list-cursors---v1";
