//! Backup, restore, export and doctor, on real databases. PostgreSQL takes part when `CLAVIGER_TEST_POSTGRES` names a server.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use claviger_authority::access::caller::Request;
use claviger_authority::access::{self, Caller, authenticate, operators};
use claviger_authority::clock::{Clock, Timestamp};
use claviger_authority::db::copy::{self, Format, Replayed, Restored};
use claviger_authority::db::{Db, Location, PoolSizes, Query as _};
use claviger_authority::doctor::{self, Installation, Outcome};
use claviger_authority::ids::{ApiKeyId, OrganizationId, OwnerId};
use claviger_authority::keys::{self, Reason, Status};
use claviger_authority::limits::{NewQuota, RateLimit};
use claviger_authority::{Authority, Settings, environments, journal, organizations, owners, resources};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

/// 2026-11-24T08:00:00Z
const START: i64 = 1_795_507_200_000_000;

struct Store {
    folder: TempDir,
    location: Location,
    clock: Clock,
    authority: Arc<Authority>,
    root: String,
    organization: OrganizationId,
    owner: OwnerId,
}

impl Store {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("claviger.db"));
        Self::new(folder, location).await
    }

    async fn new(folder: TempDir, location: Location) -> Self {
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

    async fn caller(&self) -> Caller {
        caller(&self.authority, &self.root).await
    }

    async fn key(&self) -> ApiKeyId {
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

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn backup(&self, name: &str, format: Format) -> PathBuf {
        let path = self.path(name);
        copy::backup(&self.location, &path, format, &self.clock, |_, _| ()).await.unwrap();
        path
    }

    async fn journal(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        copy::write_journal(&self.location, &path, None, 0).await.unwrap();
        path
    }

    /// Restores beside the store and opens what came of it with the store's own master key.
    async fn restore(&self, backup: &Path, journal: Option<&Path>) -> (Restored, Arc<Authority>) {
        let into = Location::Sqlite(self.path("restored/claviger.db"));
        let restored = copy::restore(backup, &into, journal, &self.clock, |_, _| ()).await.unwrap();
        (restored, open(&into, &self.path("master.key"), &self.clock).await)
    }

    async fn refused_restore(&self, backup: &Path, journal: Option<&Path>) -> String {
        let into = self.path("refused/claviger.db");
        let error = copy::restore(backup, &Location::Sqlite(into.clone()), journal, &self.clock, |_, _| ()).await.unwrap_err();
        let left = into.parent().unwrap().read_dir().map_or(0, Iterator::count);
        assert_eq!(left, 0, "a refused restore leaves nothing behind");
        error.to_string()
    }
}

async fn open(location: &Location, master_key_file: &Path, clock: &Clock) -> Arc<Authority> {
    let settings = Settings {
        location: location.clone(),
        pools: PoolSizes::default(),
        master_key_file: master_key_file.to_owned(),
        key_prefix: "clv".to_owned(),
        public_url: "https://auth.example.com".to_owned(),
        gate_memory_bytes: 1 << 20,
        clock: clock.clone(),
    };
    Authority::open(settings).await.unwrap()
}

async fn caller(authority: &Authority, root: &str) -> Caller {
    let request = Request { bearer: Some(root), request_id: "req_test".to_owned(), environment: None, client: None };
    authenticate(authority, request).await.unwrap()
}

/// A new PostgreSQL database, when there is a server for it.
#[allow(clippy::disallowed_methods, reason = "tests are told by the environment where PostgreSQL is")]
async fn fresh_postgres() -> Option<Location> {
    let admin = std::env::var("CLAVIGER_TEST_POSTGRES").ok()?;
    let name = format!("claviger_{:032x}", u128::from_le_bytes(claviger_authority::rng::Rng.bytes()));
    let mut connection = sqlx::PgConnection::connect(&admin).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (server, _) = admin.rsplit_once('/').unwrap();
    Some(Location::Postgres(format!("{server}/{name}")))
}

/// Every row of a database as the lines of a logical backup, header and trailer aside.
async fn rows(location: &Location, clock: &Clock) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup");
    copy::backup(location, &path, Format::Logical, clock, |_, _| ()).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut rows: Vec<String> = text.lines().filter(|line| line.starts_with("{\"table\"")).map(str::to_owned).collect();
    // Each engine sorts texts by its own collation.
    rows.sort();
    rows
}

async fn status(authority: &Authority, root: &str, id: ApiKeyId) -> Status {
    keys::read(authority, &caller(authority, root).await, id).await.unwrap().key.status
}

#[tokio::test]
async fn a_backup_comes_back_row_for_row_in_either_form() {
    let store = Store::sqlite().await;
    let id = store.key().await;
    keys::revoke(&store.authority, &store.caller().await, id, Reason::Superseded, Some("new one")).await.unwrap();
    store.key().await;
    let expected = rows(&store.location, &store.clock).await;
    for table in ["environments", "sealed_keys", "journal", "api_keys", "api_key_tags", "api_key_quotas", "secrets", "management_keys"] {
        assert!(expected.iter().any(|row| row.starts_with(&format!("{{\"table\":\"{table}\""))), "{table} is in the copy");
    }
    for (form, name) in [(Format::Logical, "logical"), (Format::Sqlite, "sqlite")] {
        let backup = store.backup(name, form).await;
        assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let into = Location::Sqlite(store.path(&format!("{name}-restored/claviger.db")));
        let restored = copy::restore(&backup, &into, None, &store.clock, |_, _| ()).await.unwrap();
        assert_eq!(restored.rows as usize, expected.len());
        assert_eq!(rows(&into, &store.clock).await, expected, "{name}");
        let authority = open(&into, &store.path("master.key"), &store.clock).await;
        assert_eq!(status(&authority, &store.root, id).await, Status::Revoked);
    }
}

#[tokio::test]
async fn more_rows_than_one_statement_takes_come_back_in_order() {
    let store = Store::sqlite().await;
    let caller = store.caller().await;
    for place in 0..450 {
        let new = organizations::New { name: format!("Customer {place}"), ..Default::default() };
        organizations::create(&store.authority, &caller, &new, None).await.unwrap();
    }
    let backup = store.backup("backup", Format::Logical).await;
    let into = Location::Sqlite(store.path("restored.db"));
    let mut heard = Vec::new();
    let restored = copy::restore(&backup, &into, None, &store.clock, |done, total| heard.push((done, total))).await.unwrap();
    assert_eq!(heard.last(), Some(&(restored.rows as u64, restored.rows as u64)));
    assert!(heard.is_sorted(), "progress only grows");
    assert_eq!(rows(&into, &store.clock).await, rows(&store.location, &store.clock).await);
}

#[tokio::test]
async fn every_row_survives_the_way_to_postgresql_and_back() {
    let Some(postgres) = fresh_postgres().await else { return };
    let store = Store::sqlite().await;
    store.key().await;
    let expected = rows(&store.location, &store.clock).await;
    let exported = copy::export(&store.location, &postgres, &store.clock, |_, _| ()).await.unwrap();
    assert_eq!(exported.rows as usize, expected.len());
    assert_eq!(rows(&postgres, &store.clock).await, expected, "exported");
    assert_eq!(rows(&store.location, &store.clock).await, expected, "the source is not changed");
    let authority = open(&postgres, &store.path("master.key"), &store.clock).await;
    let seq = organizations::suspend(&authority, &caller(&authority, &store.root).await, store.organization).await.unwrap().journal_seq;
    assert_eq!(seq, exported.heads[0].seq + 1, "the journal goes on where it was");

    let expected = rows(&postgres, &store.clock).await;
    let backup = store.path("postgres.backup");
    copy::backup(&postgres, &backup, Format::Logical, &store.clock, |_, _| ()).await.unwrap();
    let sqlite = Location::Sqlite(store.path("back.db"));
    copy::restore(&backup, &sqlite, None, &store.clock, |_, _| ()).await.unwrap();
    assert_eq!(rows(&sqlite, &store.clock).await, expected, "PostgreSQL to SQLite");
    let other = fresh_postgres().await.unwrap();
    copy::restore(&backup, &other, None, &store.clock, |_, _| ()).await.unwrap();
    assert_eq!(rows(&other, &store.clock).await, expected, "PostgreSQL to PostgreSQL");
    let again = copy::restore(&backup, &other, None, &store.clock, |_, _| ()).await.unwrap_err().to_string();
    assert!(again.contains("not empty"), "{again}");
    assert!(copy::backup(&other, &store.path("no"), Format::Sqlite, &store.clock, |_, _| ()).await.is_err());
}

#[tokio::test]
async fn a_backup_taken_while_changes_go_on_is_whole() {
    let store = Store::sqlite().await;
    let caller = store.caller().await;
    let writing = async {
        for place in 0..120 {
            let new = organizations::New { name: format!("Customer {place}"), ..Default::default() };
            organizations::create(&store.authority, &caller, &new, None).await.unwrap();
        }
    };
    let backing_up = async {
        for place in 0..6 {
            store.backup(&format!("logical{place}"), Format::Logical).await;
            store.backup(&format!("sqlite{place}"), Format::Sqlite).await;
        }
    };
    tokio::join!(writing, backing_up);
    for place in 0..6 {
        for form in ["logical", "sqlite"] {
            let into = Location::Sqlite(store.path(&format!("{form}{place}.db")));
            copy::restore(&store.path(&format!("{form}{place}")), &into, None, &store.clock, |_, _| ()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_backup_cut_off_or_changed_is_refused() {
    let store = Store::sqlite().await;
    store.key().await;
    let whole = std::fs::read(store.backup("whole", Format::Logical).await).unwrap();
    let damaged = store.path("damaged");
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for kept in [0, 1, lines.len() / 2, lines.len() - 1] {
        std::fs::write(&damaged, lines[..kept].concat()).unwrap();
        let words = store.refused_restore(&damaged, None).await;
        assert!(words.contains("cut off"), "{kept} lines: {words}");
    }
    std::fs::write(&damaged, &whole[..whole.len() - 10]).unwrap();
    assert!(store.refused_restore(&damaged, None).await.contains("cut off"));
    let changed = String::from_utf8(whole.clone()).unwrap().replacen("\"status\":\"active\"", "\"status\":\"xctive\"", 1);
    assert_ne!(changed.as_bytes(), &whole[..]);
    std::fs::write(&damaged, changed).unwrap();
    assert!(store.refused_restore(&damaged, None).await.contains("was changed"));
    let missing = [lines[..3].concat(), lines[4..].concat()].concat();
    std::fs::write(&damaged, missing).unwrap();
    assert!(store.refused_restore(&damaged, None).await.contains("was changed"));

    let sqlite = std::fs::read(store.backup("sqlite", Format::Sqlite).await).unwrap();
    std::fs::write(&damaged, &sqlite[..sqlite.len() / 2]).unwrap();
    assert!(store.refused_restore(&damaged, None).await.contains("damaged"));
}

#[tokio::test]
async fn nothing_is_restored_or_written_over_what_is_there() {
    let store = Store::sqlite().await;
    let backup = store.backup("backup", Format::Logical).await;
    let before = rows(&store.location, &store.clock).await;
    let words = copy::restore(&backup, &store.location, None, &store.clock, |_, _| ()).await.unwrap_err().to_string();
    assert!(words.contains("is there already"), "{words}");
    assert_eq!(rows(&store.location, &store.clock).await, before);
    let words = copy::backup(&store.location, &backup, Format::Logical, &store.clock, |_, _| ()).await.unwrap_err().to_string();
    assert!(words.contains("is there already"), "{words}");
    // SQLite would play the log of a lost database into the new one.
    std::fs::write(store.path("lost.db-wal"), b"left").unwrap();
    let lost = Location::Sqlite(store.path("lost.db"));
    let words = copy::restore(&backup, &lost, None, &store.clock, |_, _| ()).await.unwrap_err().to_string();
    assert!(words.contains("left by another database"), "{words}");
}

#[tokio::test]
async fn what_was_taken_away_after_the_backup_is_taken_away_after_the_restore() {
    let store = Store::sqlite().await;
    let [revoked, undone, narrowed, widened, disabled, enabled, rotated, limited, compromised] = [
        store.key().await,
        store.key().await,
        store.key().await,
        store.key().await,
        store.key().await,
        store.key().await,
        store.key().await,
        store.key().await,
        store.key().await,
    ];
    let (authority, root) = (&store.authority, store.caller().await);
    keys::revoke(authority, &root, compromised, Reason::Superseded, None).await.unwrap();
    let new = access::keys::New {
        name: "Backend".to_owned(),
        permissions: vec!["keys:read".to_owned()],
        role: None,
        owner_id: Some(store.owner),
        operator_id: None,
        organization_id: None,
        grantable: None,
        expires_at: None,
    };
    let management = access::keys::create(authority, &root, &new, None).await.unwrap().value.key.id;
    let new = operators::New { name: "Bob".to_owned(), email: "bob@example.com".to_owned(), role: "administrator".to_owned() };
    let operator = operators::create(authority, &root, &new, None).await.unwrap().value.id;
    let new = organizations::New { name: "Initech".to_owned(), ..Default::default() };
    let suspended = organizations::create(authority, &root, &new, None).await.unwrap().value.id;
    let new = organizations::New { name: "Resumed".to_owned(), ..Default::default() };
    let resumed = organizations::create(authority, &root, &new, None).await.unwrap().value.id;
    let backup = store.backup("backup", Format::Logical).await;

    store.clock.advance_seconds(60);
    let root = store.caller().await;
    keys::revoke(authority, &root, revoked, Reason::KeyCompromise, Some("on a forum")).await.unwrap();
    keys::revoke(authority, &root, undone, Reason::Superseded, None).await.unwrap();
    keys::undo(authority, &root, undone).await.unwrap();
    let permissions =
        |names: &[&str]| keys::Update { permissions: Some(names.iter().map(|name| (*name).to_owned()).collect()), ..Default::default() };
    keys::update(authority, &root, narrowed, None, &permissions(&["posts:read"])).await.unwrap();
    keys::update(authority, &root, narrowed, None, &permissions(&["posts:delete", "posts:read"])).await.unwrap();
    keys::update(authority, &root, widened, None, &permissions(&["posts:read"])).await.unwrap();
    keys::update(authority, &root, widened, None, &permissions(&["posts:delete", "posts:read", "posts:write"])).await.unwrap();
    keys::disable(authority, &root, disabled).await.unwrap();
    keys::disable(authority, &root, enabled).await.unwrap();
    keys::enable(authority, &root, enabled).await.unwrap();
    keys::rotate(authority, &root, rotated, 0, None).await.unwrap();
    let limits = keys::Update {
        expires_at: Some(Some("2026-12-01T00:00:00Z".to_owned())),
        allowed_cidrs: Some(vec!["10.0.0.0/8".to_owned()]),
        ratelimit: Some(Some(RateLimit { limit: 5, window_seconds: 60 })),
        quota: Some(Some(NewQuota { remaining: 10, refill: None })),
        ..Default::default()
    };
    keys::update(authority, &root, limited, None, &limits).await.unwrap();
    keys::revoke(authority, &root, compromised, Reason::KeyCompromise, None).await.unwrap();
    access::keys::revoke(authority, &root, management, Reason::Unspecified).await.unwrap();
    let lowered = operators::Update { role: Some("viewer".to_owned()), ..Default::default() };
    operators::update(authority, &root, operator, None, &lowered).await.unwrap();
    organizations::suspend(authority, &root, suspended).await.unwrap();
    organizations::suspend(authority, &root, resumed).await.unwrap();
    organizations::resume(authority, &root, resumed).await.unwrap();
    let later = store.key().await;
    keys::revoke(authority, &root, later, Reason::Superseded, None).await.unwrap();
    let journal = store.journal("journal").await;

    let (restored, restored_authority) = store.restore(&backup, Some(&journal)).await;
    let (authority, root) = (&*restored_authority, caller(&restored_authority, &store.root).await);
    let read = async |id| keys::read(authority, &root, id).await.unwrap().key;
    let key = read(revoked).await;
    let revocation = key.revocation.expect("it is revoked");
    assert_eq!((revocation.reason, revocation.comment.as_deref()), (Reason::KeyCompromise, Some("on a forum")));
    assert_eq!(read(undone).await.status, Status::Active);
    assert_eq!(read(narrowed).await.permissions, ["posts:delete", "posts:read"]);
    assert_eq!(read(widened).await.permissions, ["posts:delete", "posts:read", "posts:write"]);
    assert_eq!(read(disabled).await.status, Status::Disabled);
    assert_eq!(read(enabled).await.status, Status::Active);
    assert!(keys::read(authority, &root, rotated).await.unwrap().secrets.iter().all(|secret| secret.retires_at.is_some()));
    let key = read(limited).await;
    assert_eq!(key.expires_at.map(|at| at.to_string()).as_deref(), Some("2026-12-01T00:00:00Z"));
    assert_eq!((key.allowed_cidrs.len(), key.ratelimit.unwrap().limit, key.quota.unwrap().remaining), (1, 5, 10));
    assert_eq!(read(compromised).await.revocation.unwrap().undo_until, None, "the way back is taken");
    assert_eq!(access::keys::read(authority, &root, management).await.unwrap().status, Status::Revoked);
    assert_eq!(operators::read(authority, &root, operator).await.unwrap().role.as_str(), "viewer");
    assert_eq!(organizations::read(authority, &root, suspended).await.unwrap().status, organizations::Status::Suspended);
    assert_eq!(organizations::read(authority, &root, resumed).await.unwrap().status, organizations::Status::Active);

    let Replayed { events, newer_events, reapplied, unknown, rotated: rekeyed, .. } = restored.replayed.unwrap();
    assert_eq!(unknown.iter().collect::<Vec<_>>(), [&later.to_string()]);
    assert_eq!(rekeyed.iter().collect::<Vec<_>>(), [&rotated.to_string()]);
    assert_eq!(events - newer_events, restored.events);
    let expected: BTreeMap<String, usize> = [
        ("api_key.revoked", 2),
        ("api_key.narrowed", 1),
        ("api_key.disabled", 1),
        ("api_key.updated", 1),
        ("api_key.secrets_retired", 1),
        ("management_key.revoked", 1),
        ("operator.updated", 1),
        ("organization.suspended", 1),
    ]
    .map(|(kind, count)| (kind.to_owned(), count))
    .into();
    assert_eq!(reapplied, expected);

    let filter = journal::Filter { subject: Some(revoked.to_string()), kind: Some("api_key.revoked".to_owned()), after_seq: None };
    let told = journal::list(authority, &root, filter, Default::default()).await.unwrap();
    let replayed = &told.data[0].data["replayed"];
    let line = original(&journal, &revoked.to_string());
    assert_eq!(replayed["seq"], line["seq"]);
    assert_eq!(journal::verify(authority.db()).await.unwrap().map(|_| ()), Ok(()), "the journal stays whole");
    let next = keys::disable(authority, &root, undone).await;
    assert!(next.is_ok(), "and goes on");
}

fn original(journal: &Path, subject: &str) -> Value {
    let text = std::fs::read_to_string(journal).unwrap();
    let mut events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.find(|event| event["subject"] == subject && event["kind"] == "api_key.revoked").unwrap()
}

#[tokio::test]
async fn an_offboarded_organization_stays_offboarded_with_all_its_keys() {
    let store = Store::sqlite().await;
    let (first, second) = (store.key().await, store.key().await);
    let backup = store.backup("backup", Format::Sqlite).await;
    organizations::offboard(&store.authority, &store.caller().await, store.organization, false).await.unwrap();
    let journal = store.journal("journal").await;
    let (restored, authority) = store.restore(&backup, Some(&journal)).await;
    for id in [first, second] {
        assert_eq!(status(&authority, &store.root, id).await, Status::Revoked);
    }
    let root = caller(&authority, &store.root).await;
    assert_eq!(organizations::read(&authority, &root, store.organization).await.unwrap().status, organizations::Status::Offboarded);
    assert_eq!(restored.replayed.unwrap().total(), 3);
}

#[tokio::test]
async fn a_journal_that_begins_right_behind_the_backup_is_enough() {
    let store = Store::sqlite().await;
    let id = store.key().await;
    let path = store.path("backup");
    let backup = copy::backup(&store.location, &path, Format::Logical, &store.clock, |_, _| ()).await.unwrap();
    keys::revoke(&store.authority, &store.caller().await, id, Reason::Superseded, None).await.unwrap();
    let live = backup.heads.iter().find(|head| head.slug == "live").unwrap();
    let journal = store.path("journal");
    let written = copy::write_journal(&store.location, &journal, Some("live"), live.seq).await.unwrap();
    assert_eq!(written.events, 1);
    let (restored, authority) = store.restore(&path, Some(&journal)).await;
    assert_eq!(status(&authority, &store.root, id).await, Status::Revoked);
    assert_eq!(restored.replayed.unwrap().newer_events, 1);
}

#[tokio::test]
async fn a_tampered_or_foreign_journal_is_refused_before_anything_is_changed() {
    let store = Store::sqlite().await;
    let id = store.key().await;
    let backup = store.backup("backup", Format::Logical).await;
    let root = store.caller().await;
    keys::disable(&store.authority, &root, id).await.unwrap();
    keys::revoke(&store.authority, &root, id, Reason::Superseded, None).await.unwrap();
    keys::undo(&store.authority, &root, id).await.unwrap();
    let text = std::fs::read_to_string(store.journal("journal").await).unwrap();
    let lines: Vec<String> = text.lines().filter(|line| !line.contains("journal_ends")).map(str::to_owned).collect();
    let live = lines.iter().rposition(|line| line.contains("api_key.disabled")).unwrap();
    let end = lines.iter().rposition(|line| line.contains("api_key.revocation_undone")).unwrap();
    let bad = store.path("bad");
    let closing = text.lines().last().unwrap().to_owned();
    let with = |lines: Vec<String>, closing: &str| std::fs::write(&bad, lines.join("\n") + "\n" + closing + "\n").unwrap();
    with(lines.clone(), &closing);
    let fine = Location::Sqlite(store.path("fine.db"));
    copy::restore(&backup, &fine, Some(&bad), &store.clock, |_, _| ()).await.expect("as it was written, it is good");

    for place in [live, end] {
        let mut changed = lines.clone();
        changed[place] = changed[place].replacen("api_key.", "api_key.x", 1);
        with(changed, &closing);
        assert!(store.refused_restore(&backup, Some(&bad)).await.contains("was changed"), "event {place}");
        let mut gap = lines.clone();
        gap.remove(place);
        with(gap, &closing);
        assert!(store.refused_restore(&backup, Some(&bad)).await.contains("missing"), "event {place}");
    }
    for kept in [0, lines.len() - 1, lines.len()] {
        std::fs::write(&bad, lines[..kept].iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        assert!(store.refused_restore(&backup, Some(&bad)).await.contains("cut off"), "{kept} events");
    }
    std::fs::write(&bad, &text[..text.len() - 20]).unwrap();
    assert!(store.refused_restore(&backup, Some(&bad)).await.contains("not an event"));
    with(lines[live + 1..=end].to_vec(), &closing);
    assert!(store.refused_restore(&backup, Some(&bad)).await.contains("between are missing"));
    with(vec!["{}".to_owned()], &closing);
    assert!(store.refused_restore(&backup, Some(&bad)).await.contains("not an event"));

    // A chain that is whole and closed, but branches off before the backup.
    let mut other = lines.clone();
    let environment = root.context.environment.id.to_string();
    let (mut previous, mut seq) = (String::new(), 0);
    for line in other.iter_mut().filter(|line| line.contains(&format!("\"environment\":\"{environment}\""))) {
        let mut event: Value = serde_json::from_str(line).unwrap();
        event["request_id"] = json!("forged");
        if !previous.is_empty() {
            event["previous"] = json!(previous);
        }
        seq = event["seq"].as_i64().unwrap();
        *line = event.to_string();
        previous = sha256(line);
    }
    let mut closing: Value = serde_json::from_str(&closing).unwrap();
    let ends = closing["journal_ends"].as_array_mut().unwrap();
    let head = ends.iter_mut().find(|head| head["environment"] == environment.as_str()).unwrap();
    (head["seq"], head["hash"]) = (json!(seq), json!(previous));
    with(other, &closing.to_string());
    assert!(store.refused_restore(&backup, Some(&bad)).await.contains("does not continue this backup"));
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn revocations_are_brought_back_on_postgresql_too() {
    let Some(postgres) = fresh_postgres().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder, postgres).await;
    let id = store.key().await;
    let backup = store.backup("backup", Format::Logical).await;
    keys::revoke(&store.authority, &store.caller().await, id, Reason::Superseded, None).await.unwrap();
    let journal = store.journal("journal").await;
    let into = fresh_postgres().await.unwrap();
    let restored = copy::restore(&backup, &into, Some(&journal), &store.clock, |_, _| ()).await.unwrap();
    assert_eq!(restored.replayed.unwrap().total(), 1);
    let authority = open(&into, &store.path("master.key"), &store.clock).await;
    assert_eq!(status(&authority, &store.root, id).await, Status::Revoked);

    // The last event, which no other vouches for.
    let text = std::fs::read_to_string(&journal).unwrap().replace("api_key.revoked", "api_key.enabled");
    std::fs::write(store.path("bad"), text).unwrap();
    let untouched = fresh_postgres().await.unwrap();
    assert!(copy::restore(&backup, &untouched, Some(&store.path("bad")), &store.clock, |_, _| ()).await.is_err());
    copy::restore(&backup, &untouched, None, &store.clock, |_, _| ()).await.expect("the place is still empty");
    let checks = doctor::examine(&installation(&store)).await;
    assert!(checks.iter().any(|check| check.name == "database" && check.words.contains("PostgreSQL at 127.0.0.1")), "{checks:?}");
    assert!(checks.iter().any(|check| check.name == "database clock"), "{checks:?}");
}

fn installation(store: &Store) -> Installation {
    Installation {
        location: store.location.clone(),
        master_key_file: store.path("master.key"),
        data_dir: store.folder.path().to_owned(),
        public_url: "https://auth.example.com".to_owned(),
        clock: store.clock.clone(),
    }
}

async fn outcome(installation: &Installation, name: &str) -> (Outcome, String) {
    let checks = doctor::examine(installation).await;
    let check = checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no check {name}: {checks:?}"));
    (check.outcome, check.words.clone())
}

#[tokio::test]
async fn a_sound_installation_has_nothing_to_complain_of() {
    let store = Store::sqlite().await;
    for check in doctor::examine(&installation(&store)).await {
        // The disk is the machine's.
        assert!(check.outcome == Outcome::Ok || check.name == "disk", "{check:?}");
    }
}

#[tokio::test]
async fn the_doctor_names_what_is_wrong() {
    let store = Store::sqlite().await;
    let mut sick = installation(&store);
    std::fs::set_permissions(store.path("master.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let (found, words) = outcome(&sick, "master key file").await;
    assert_eq!(found, Outcome::Failure);
    assert!(words.contains("0644"), "{words}");
    std::fs::set_permissions(store.path("master.key"), std::fs::Permissions::from_mode(0o600)).unwrap();

    sick.public_url = "http://auth.example.com".to_owned();
    assert_eq!(outcome(&sick, "issuer").await.0, Outcome::Warning);

    std::fs::write(store.path("other.key"), "0".repeat(64)).unwrap();
    sick.master_key_file = store.path("other.key");
    assert_eq!(outcome(&sick, "master key").await.0, Outcome::Failure);

    sick.clock = Clock::manual(Timestamp::from_micros(START - 3_600_000_000));
    assert_eq!(outcome(&sick, "clock").await.0, Outcome::Failure);

    sick.location = Location::Sqlite(store.path("nowhere.db"));
    assert_eq!(outcome(&sick, "database").await.0, Outcome::Failure);
}

async fn meddle(store: &Store, sql: &'static str) {
    let Location::Sqlite(path) = &store.location else { panic!("these tests meddle with SQLite") };
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_named_and_not_copied() {
    let store = Store::sqlite().await;
    meddle(&store, "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (999, 'future', 'x', 0)").await;
    let (found, words) = outcome(&installation(&store), "schema").await;
    assert_eq!(found, Outcome::Failure);
    assert!(words.contains("newer release"), "{words}");
    let backup = copy::backup(&store.location, &store.path("backup"), Format::Logical, &store.clock, |_, _| ()).await;
    assert!(backup.unwrap_err().to_string().contains("newer release"));
}

#[tokio::test]
async fn a_journal_changed_beside_the_server_is_found_and_its_backup_refused() {
    for meddling in [
        "UPDATE journal SET leaf = replace(leaf, 'owner.created', 'owner.updated')",
        "UPDATE journal SET leaf = 'no JSON' WHERE seq = 2",
        "DELETE FROM journal WHERE seq = 2",
        "UPDATE journal_heads SET seq = seq + 1",
    ] {
        let store = Store::sqlite().await;
        meddle(&store, meddling).await;
        assert_eq!(outcome(&installation(&store), "journal").await.0, Outcome::Failure, "{meddling}");
        let backup = store.backup("backup", Format::Logical).await;
        assert!(store.refused_restore(&backup, None).await.contains("the journal of"), "{meddling}");
    }
}

#[tokio::test]
async fn a_copy_has_every_table_of_the_database() {
    let store = Store::sqlite().await;
    let db = Db::open(&store.location, PoolSizes::default(), false).await.unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('schema_migrations', 'migration_lock')";
    let tables: Vec<String> = db.all(sql, vec![]).await.unwrap().iter().map(|row| row.text("name")).collect();
    db.close().await;
    meddle(
        &store,
        "INSERT INTO idempotency VALUES ('e', 'c', 'k', 'o', x'00ff', 'i', 1);
         INSERT INTO operators SELECT 'opr_x', id, 'n', 'e', 'viewer', 'active', 1, 1, 1 FROM environments LIMIT 1",
    )
    .await;
    store.key().await;
    let rows = rows(&store.location, &store.clock).await;
    for table in tables {
        assert!(rows.iter().any(|row| row.contains(&format!("\"table\":\"{table}\""))), "{table} is in the copy");
    }
}

#[tokio::test]
async fn an_environment_made_after_the_backup_does_not_keep_revocations_from_coming_back() {
    let store = Store::sqlite().await;
    let id = store.key().await;
    let backup = store.backup("backup", Format::Logical).await;
    let root = store.caller().await;
    let new =
        environments::New { slug: "staging".to_owned(), name: "Staging".to_owned(), key_prefix: "clv_staging".to_owned(), issuer: None };
    environments::create(&store.authority, &root, &new).await.unwrap();
    keys::revoke(&store.authority, &root, id, Reason::KeyCompromise, None).await.unwrap();
    let journal = store.journal("journal").await;
    let (_, authority) = store.restore(&backup, Some(&journal)).await;
    assert_eq!(status(&authority, &store.root, id).await, Status::Revoked);
}

#[tokio::test]
async fn journal_files_that_follow_one_another_may_be_joined() {
    let store = Store::sqlite().await;
    let id = store.key().await;
    let backup = store.backup("backup", Format::Logical).await;
    let first = store.journal("first").await;
    let seq = keys::revoke(&store.authority, &store.caller().await, id, Reason::Superseded, None).await.unwrap().journal_seq;
    let second = store.path("second");
    copy::write_journal(&store.location, &second, Some("live"), seq - 1).await.unwrap();
    let joined = store.path("joined");
    std::fs::write(&joined, [std::fs::read(first).unwrap(), std::fs::read(second).unwrap()].concat()).unwrap();
    let (_, authority) = store.restore(&backup, Some(&joined)).await;
    assert_eq!(status(&authority, &store.root, id).await, Status::Revoked);
}

#[tokio::test]
async fn the_doctor_is_calm_beside_a_busy_server_and_a_backup_stays_as_it_was() {
    let store = Store::sqlite().await;
    let root = store.caller().await;
    let make = async |count: usize| {
        for place in 0..count {
            let new = organizations::New { name: format!("Customer {place}"), ..Default::default() };
            organizations::create(&store.authority, &root, &new, None).await.unwrap();
        }
    };
    make(1_500).await;
    let looking = async {
        for _ in 0..5 {
            assert_eq!(outcome(&installation(&store), "journal").await.0, Outcome::Ok);
        }
    };
    tokio::join!(make(300), looking);
    let backup = store.backup("backup", Format::Sqlite).await;
    let before = std::fs::read(&backup).unwrap();
    store.restore(&backup, None).await;
    assert!(before == std::fs::read(&backup).unwrap(), "a restore only reads the backup");
}
