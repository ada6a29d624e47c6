//! Applications and their credentials: what was taken away after the backup is taken away again.

use std::collections::BTreeMap;

use claviger_authority::applications::credentials::{self, MintingId, Tokens, keys as client_keys, secrets};
use claviger_authority::applications::{self, NewGrant, Update};
use claviger_authority::db::copy::Format;
use claviger_authority::db::{Db, PoolSizes, Query as _};
use claviger_authority::ids::{ApplicationId, ClientSecretId};
use claviger_authority::keys::{Reason, Status};
use claviger_authority::{journal, organizations};
use serde_json::json;

use crate::store::{Store, caller};

fn resources(permissions: &[&str]) -> Option<Vec<NewGrant>> {
    let permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
    Some(vec![NewGrant { identifier: "https://api.example.com".to_owned(), permissions }])
}

/// Subjects whose tokens are refused.
async fn dead_tokens(store: &Store) -> Vec<String> {
    let location = claviger_authority::db::Location::Sqlite(store.path("restored/claviger.db"));
    let db = Db::open(&location, PoolSizes::default(), false).await.unwrap();
    let rows = db.all("SELECT subject FROM token_revocations ORDER BY subject", vec![]).await.unwrap();
    db.close().await;
    rows.iter().map(|row| row.text("subject")).collect()
}

#[tokio::test]
async fn what_was_taken_from_applications_after_the_backup_is_taken_again() {
    let store = Store::sqlite().await;
    let authority = &store.authority;
    let root = store.caller().await;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(store.application().await);
    }
    let [revoked, undone, disabled, enabled, narrowed, tightened, holder]: [ApplicationId; 7] = made.try_into().unwrap();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(store.client_secret(holder).await);
    }
    let [leaked, compromised, rotated, ended, spared]: [ClientSecretId; 5] = made.try_into().unwrap();
    // Revoked in the backup already, with tokens that were to live.
    credentials::revoke(authority, &root, holder, MintingId::Secret(leaked), (Reason::Superseded, None, Tokens::Live)).await.unwrap();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let new = client_keys::New { jwk: Some(jwk), ..Default::default() };
    let key = client_keys::create(authority, &root, holder, &new, None).await.unwrap().value.0.id;
    let backup = store.backup("backup", Format::Logical).await;

    store.clock.advance_seconds(60);
    let root = store.caller().await;
    applications::revoke(authority, &root, revoked, Reason::KeyCompromise, Some("on a forum")).await.unwrap();
    applications::revoke(authority, &root, undone, Reason::Superseded, None).await.unwrap();
    applications::undo(authority, &root, undone).await.unwrap();
    applications::disable(authority, &root, disabled).await.unwrap();
    applications::disable(authority, &root, enabled).await.unwrap();
    applications::enable(authority, &root, enabled).await.unwrap();
    let update = async |id, update| applications::update(authority, &root, id, None, &update).await.unwrap();
    update(narrowed, Update { resources: resources(&["posts:read"]), ..Default::default() }).await;
    update(narrowed, Update { resources: resources(&["posts:delete", "posts:read"]), ..Default::default() }).await;
    let tighter = Update { token_lifetime_seconds: Some(Some(120)), require_dpop: Some(true), ..Default::default() };
    update(tightened, tighter).await;
    let revoke = async |id, reason, tokens| {
        credentials::revoke(authority, &root, holder, id, (reason, None, tokens)).await.unwrap();
    };
    revoke(MintingId::Secret(leaked), Reason::LeakReport, Tokens::Live).await;
    secrets::compromise(authority, &root, holder, compromised, Some("in a log"), false).await.unwrap();
    let later = secrets::rotate(authority, &root, holder, rotated, 600, &secrets::New::default()).await.unwrap().value.issued.credential.id;
    revoke(MintingId::Secret(ended), Reason::NoLongerNeeded, Tokens::Live).await;
    revoke(key, Reason::Policy, Tokens::Die).await;
    let unknown = store.application().await;
    let journal = store.journal("journal").await;

    let (restored, reopened) = store.restore(&backup, Some(&journal)).await;
    let (authority, root) = (&*reopened, caller(&reopened, &store.root).await);
    let read = async |id| applications::read(authority, &root, id).await.unwrap();
    let revocation = read(revoked).await.revocation.expect("it is revoked");
    assert_eq!((revocation.reason, revocation.comment.as_deref()), (Reason::KeyCompromise, Some("on a forum")));
    assert_eq!(read(undone).await.status, Status::Active);
    assert_eq!(read(disabled).await.status, Status::Disabled);
    assert_eq!(read(enabled).await.status, Status::Active);
    assert_eq!(read(narrowed).await.grants[0].permissions, ["posts:delete", "posts:read"]);
    let tight = read(tightened).await;
    assert_eq!((tight.token_lifetime_seconds, tight.require_dpop), (Some(120), true));
    let credential = async |id| credentials::read(authority, &root, holder, id).await.unwrap();
    let reason = async |id| credential(id).await.revocation.map(|revocation| revocation.reason);
    assert_eq!(reason(MintingId::Secret(leaked)).await, Some(Reason::LeakReport), "a worse reason than the backup's");
    assert_eq!(reason(MintingId::Secret(compromised)).await, Some(Reason::KeyCompromise));
    assert_eq!(reason(MintingId::Secret(ended)).await, Some(Reason::NoLongerNeeded));
    assert_eq!(reason(key).await, Some(Reason::Policy));
    assert_eq!(credential(MintingId::Secret(spared)).await.status, Status::Active);
    let ends = credential(MintingId::Secret(rotated)).await.expires_at.map(|at| at.to_string());
    assert_eq!(ends.as_deref(), Some("2026-11-24T08:11:00Z"), "when the rotation said");
    let mut dead = [revoked.to_string(), leaked.to_string(), compromised.to_string(), key.to_string()];
    dead.sort();
    assert_eq!(dead_tokens(&store).await, dead);

    let replayed = restored.replayed.unwrap();
    let mut gone = [unknown.to_string(), later.to_string()];
    gone.sort();
    assert_eq!(replayed.unknown.iter().cloned().collect::<Vec<_>>(), gone);
    assert_eq!(replayed.rotated.iter().cloned().collect::<Vec<_>>(), [rotated.to_string()]);
    let expected: BTreeMap<String, usize> = [
        ("application.revoked", 1),
        ("application.disabled", 1),
        ("application.narrowed", 1),
        ("application.updated", 1),
        ("client_secret.revoked", 2),
        ("client_secret.compromised", 1),
        ("client_secret.updated", 1),
        ("client_key.revoked", 1),
    ]
    .map(|(kind, count)| (kind.to_owned(), count))
    .into();
    assert_eq!(replayed.reapplied, expected);
    assert_eq!(journal::verify(authority.db()).await.unwrap().map(|_| ()), Ok(()), "the journal stays whole");
}

#[tokio::test]
async fn an_offboarded_organization_stays_offboarded_with_its_applications() {
    let store = Store::sqlite().await;
    let application = store.application().await;
    let secret = store.client_secret(application).await;
    let backup = store.backup("backup", Format::Sqlite).await;
    organizations::offboard(&store.authority, &store.caller().await, store.organization, false).await.unwrap();
    let journal = store.journal("journal").await;
    let (_, authority) = store.restore(&backup, Some(&journal)).await;
    let root = caller(&authority, &store.root).await;
    let read = applications::read(&authority, &root, application).await.unwrap();
    assert_eq!((read.status, read.revocation.unwrap().reason), (Status::Revoked, Reason::OrganizationOffboarded));
    let credential = credentials::read(&authority, &root, application, MintingId::Secret(secret)).await.unwrap();
    assert_eq!(credential.status, Status::Revoked);
    let mut dead = [application.to_string(), secret.to_string()];
    dead.sort();
    assert_eq!(dead_tokens(&store).await, dead);
}
