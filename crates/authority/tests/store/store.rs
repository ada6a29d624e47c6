//! A store with a tenant in it, and what the tests do with one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use claviger_authority::access::caller::Request;
use claviger_authority::access::{self, Caller, authenticate};
use claviger_authority::applications::credentials::secrets;
use claviger_authority::applications::{self, NewGrant};
use claviger_authority::clock::{Clock, Timestamp};
use claviger_authority::db::copy::{self, Format, Restored};
use claviger_authority::db::{Location, PoolSizes};
use claviger_authority::doctor::Installation;
use claviger_authority::ids::{ApiKeyId, ApplicationId, ClientSecretId, OrganizationId, OwnerId};
use claviger_authority::keys::{self, Status};
use claviger_authority::limits::NewQuota;
use claviger_authority::{Authority, Settings, organizations, owners, resources};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

/// 2026-11-24T08:00:00Z
pub const START: i64 = 1_795_507_200_000_000;

pub struct Store {
    pub folder: TempDir,
    pub location: Location,
    pub clock: Clock,
    pub authority: Arc<Authority>,
    pub root: String,
    pub organization: OrganizationId,
    pub owner: OwnerId,
}

impl Store {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("claviger.db"));
        Self::new(folder, location).await
    }

    pub async fn new(folder: TempDir, location: Location) -> Self {
        let clock = Clock::manual(Timestamp::from_micros(START));
        let authority = open(&location, &folder.path().join("master.key"), &clock).await;
        let root = Mutex::new(String::new());
        access::keys::bootstrap(&authority, "live", true, |secret: &claviger_authority::credential::Secret| {
            secret.expose().clone_into(&mut root.lock().unwrap());
            Ok(())
        })
        .await
        .unwrap();
        let root = root.into_inner().unwrap();
        let organization = OrganizationId::from_u128(0);
        let mut store = Self { folder, location, clock, authority, root, organization, owner: OwnerId::from_u128(0) };
        let caller = store.caller().await;
        let new = organizations::New { name: "Globex \u{1f512} \"quoted\"".to_owned(), ..Default::default() };
        store.organization = organizations::create(&store.authority, &caller, &new, None).await.unwrap().value.id;
        let new = owners::New {
            name: "Ada".to_owned(),
            email: "ada@example.com".to_owned(),
            kind: owners::Kind::Person,
            organization_id: None,
            external_id: None,
        };
        store.owner = owners::create(&store.authority, &caller, &new, None).await.unwrap().value.id;
        let permission = |name: &str| resources::Permission { name: name.to_owned(), description: None, risk: resources::Risk::Low };
        let new = resources::New {
            identifier: "https://api.example.com".to_owned(),
            name: "Posts".to_owned(),
            permissions: vec![permission("posts:read"), permission("posts:write"), permission("posts:delete")],
            token: None,
        };
        resources::create(&store.authority, &caller, &new, None).await.unwrap();
        store
    }

    pub async fn caller(&self) -> Caller {
        caller(&self.authority, &self.root).await
    }

    pub async fn key(&self) -> ApiKeyId {
        let new = keys::New {
            organization_id: Some(self.organization),
            owner_id: Some(self.owner),
            name: "CI".to_owned(),
            permissions: ["posts:read", "posts:write", "posts:delete"].map(str::to_owned).to_vec(),
            quota: Some(NewQuota { remaining: 1_000, refill: None }),
            tags: vec!["ci".to_owned(), "eu".to_owned()],
            ..Default::default()
        };
        match keys::create(&self.authority, &self.caller().await, &new, None).await.unwrap().value {
            keys::Created::Now(issued) => issued.key.id,
            keys::Created::Before(_) => unreachable!("no Idempotency-Key was given"),
        }
    }

    /// An application with all three permissions, a tag and no credential.
    pub async fn application(&self) -> ApplicationId {
        let permissions = ["posts:read", "posts:write", "posts:delete"].map(str::to_owned).to_vec();
        let new = applications::New {
            organization_id: Some(self.organization),
            owner_id: Some(self.owner),
            name: "Billing sync".to_owned(),
            resources: vec![NewGrant { identifier: "https://api.example.com".to_owned(), permissions }],
            tags: vec!["erp".to_owned()],
            ..Default::default()
        };
        applications::create(&self.authority, &self.caller().await, &new, None).await.unwrap().value.0.id
    }

    pub async fn client_secret(&self, application: ApplicationId) -> ClientSecretId {
        let made = secrets::create(&self.authority, &self.caller().await, application, &secrets::New::default(), None).await;
        match made.unwrap().value {
            secrets::Created::Now(issued) => issued.credential.id.to_string().parse().unwrap(),
            secrets::Created::Before(_) => unreachable!("no Idempotency-Key was given"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub async fn backup(&self, name: &str, format: Format) -> PathBuf {
        let path = self.path(name);
        copy::backup(&self.location, &path, format, &self.clock, |_, _| ()).await.unwrap();
        path
    }

    pub async fn journal(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        copy::write_journal(&self.location, &path, None, 0).await.unwrap();
        path
    }

    /// Restores beside the store and opens what came of it with the store's own master key.
    pub async fn restore(&self, backup: &Path, journal: Option<&Path>) -> (Restored, Arc<Authority>) {
        let into = Location::Sqlite(self.path("restored/claviger.db"));
        let restored = copy::restore(backup, &into, journal, &self.clock, |_, _| ()).await.unwrap();
        (restored, open(&into, &self.path("master.key"), &self.clock).await)
    }

    pub async fn refused_restore(&self, backup: &Path, journal: Option<&Path>) -> String {
        let into = self.path("refused/claviger.db");
        let error = copy::restore(backup, &Location::Sqlite(into.clone()), journal, &self.clock, |_, _| ()).await.unwrap_err();
        let left = into.parent().unwrap().read_dir().map_or(0, Iterator::count);
        assert_eq!(left, 0, "a refused restore leaves nothing behind");
        error.to_string()
    }
}

pub async fn open(location: &Location, master_key_file: &Path, clock: &Clock) -> Arc<Authority> {
    let settings = Settings {
        location: location.clone(),
        pools: PoolSizes::default(),
        master_key_file: master_key_file.to_owned(),
        key_prefix: "clv".to_owned(),
        public_url: "https://auth.example.com".to_owned(),
        gate_memory_bytes: 1 << 20,
        signing: Default::default(),
        clock: clock.clone(),
    };
    Authority::open(settings).await.unwrap()
}

pub async fn caller(authority: &Authority, root: &str) -> Caller {
    let request = Request { bearer: Some(root), request_id: "req_test".to_owned(), environment: None, client: None };
    authenticate(authority, request).await.unwrap()
}

/// A new PostgreSQL database, when there is a server for it.
#[allow(clippy::disallowed_methods, reason = "tests are told by the environment where PostgreSQL is")]
pub async fn fresh_postgres() -> Option<Location> {
    let admin = std::env::var("CLAVIGER_TEST_POSTGRES").ok()?;
    let name = format!("claviger_{:032x}", u128::from_le_bytes(claviger_authority::rng::Rng.bytes()));
    let mut connection = sqlx::PgConnection::connect(&admin).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (server, _) = admin.rsplit_once('/').unwrap();
    Some(Location::Postgres(format!("{server}/{name}")))
}

/// Every row of a database as the lines of a logical backup, header and trailer aside.
pub async fn rows(location: &Location, clock: &Clock) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup");
    copy::backup(location, &path, Format::Logical, clock, |_, _| ()).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut rows: Vec<String> = text.lines().filter(|line| line.starts_with("{\"table\"")).map(str::to_owned).collect();
    // Each engine sorts texts by its own collation.
    rows.sort();
    rows
}

pub async fn status(authority: &Authority, root: &str, id: ApiKeyId) -> Status {
    keys::read(authority, &caller(authority, root).await, id).await.unwrap().key.status
}

pub async fn meddle(store: &Store, sql: &'static str) {
    let Location::Sqlite(path) = &store.location else { panic!("these tests meddle with SQLite") };
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
}

pub fn installation(store: &Store) -> Installation {
    Installation {
        location: store.location.clone(),
        master_key_file: store.path("master.key"),
        data_dir: store.folder.path().to_owned(),
        public_url: "https://auth.example.com".to_owned(),
        clock: store.clock.clone(),
    }
}
