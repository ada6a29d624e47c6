//! A journal after the backup: what was taken away since is taken away again.

use std::collections::BTreeMap;
use std::path::Path;

use claviger_authority::access::{self, operators};
use claviger_authority::db::copy::{self, Format, Replayed};
use claviger_authority::doctor;
use claviger_authority::keys::{self, Reason, Status};
use claviger_authority::limits::{NewQuota, RateLimit};
use claviger_authority::{environments, journal, organizations};
use serde_json::Value;

use crate::store::{Store, caller, fresh_postgres, installation, open, status};

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
