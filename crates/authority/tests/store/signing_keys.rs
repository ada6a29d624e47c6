//! Signing keys in copies, in databases from before them, and in ones that somebody changed.

use claviger_authority::Authority;
use claviger_authority::credential::jose::Algorithm;
use claviger_authority::db::Location;
use claviger_authority::db::copy::{self, Format};
use claviger_authority::doctor::{self, Outcome};
use claviger_authority::ids::EnvironmentId;
use claviger_authority::tokens::signing::{self, Status};

use crate::store::{Store, caller, fresh_postgres, installation, meddle, open};

fn live(authority: &Authority) -> EnvironmentId {
    authority.gate.environment_named("live").unwrap().id
}

fn jwks(authority: &Authority) -> String {
    authority.signing_keys.jwks(live(authority)).unwrap().text.clone()
}

fn signs(authority: &Authority) -> Option<String> {
    Some(authority.signing_keys.signer(live(authority), Algorithm::Es256)?.kid().to_owned())
}

#[tokio::test]
async fn copies_of_every_kind_sign_with_the_same_keys() {
    let store = Store::sqlite().await;
    let mut places = Vec::new();
    for (form, name) in [(Format::Logical, "logical"), (Format::Sqlite, "sqlite")] {
        let backup = store.backup(name, form).await;
        let into = Location::Sqlite(store.path(&format!("{name}-restored/claviger.db")));
        copy::restore(&backup, &into, None, &store.clock, |_, _| ()).await.unwrap();
        places.push(into);
    }
    if let Some(postgres) = fresh_postgres().await {
        copy::export(&store.location, &postgres, &store.clock, |_, _| ()).await.unwrap();
        places.push(postgres);
    }
    for place in places {
        let copied = open(&place, &store.path("master.key"), &store.clock).await;
        assert_eq!((jwks(&copied), signs(&copied)), (jwks(&store.authority), signs(&store.authority)));
        let signer = copied.signing_keys.signer(live(&copied), Algorithm::Es256).unwrap();
        assert_eq!(signer.sign(store.clock.now(), b"m").await.unwrap().len(), 64);
    }
}

#[tokio::test]
async fn a_key_compromised_after_the_backup_is_so_after_the_restore_and_another_signs() {
    let store = Store::sqlite().await;
    let (before, root) = (signs(&store.authority).unwrap(), store.caller().await);
    let backup = store.backup("backup", Format::Logical).await;
    store.clock.advance_seconds(60);
    signing::compromise(&store.authority, &root, &before, Some("on a laptop that was lost")).await.unwrap();
    let standby = signs(&store.authority).unwrap();
    store.clock.advance_seconds(2 * 86_400);
    let root = store.caller().await;
    // What came after went with the database; it takes nothing away.
    signing::rotate(&store.authority, &root, "ES256").await.unwrap();
    let journal = store.journal("journal").await;
    let (restored, authority) = store.restore(&backup, Some(&journal)).await;
    assert_eq!(restored.replayed.unwrap().reapplied["signing_key.compromised"], 1);
    let live = live(&authority);
    assert!(authority.signing_keys.verifying(live, &before).is_none());
    assert!(!jwks(&authority).contains(&before));
    assert_eq!(signs(&authority), Some(standby), "the one that waited when the backup was made");
    assert!(authority.signing_keys.min_iat(live, Algorithm::Es256).is_some());
    let keys = signing::list(&authority, &caller(&authority, &store.root).await).await.unwrap();
    let statuses: Vec<Status> = keys.iter().map(|key| key.status).collect();
    assert_eq!(statuses, [Status::Active, Status::Standby, Status::Compromised]);
}

#[tokio::test]
async fn a_database_from_before_signing_keys_gets_them_at_the_start() {
    let store = Store::sqlite().await;
    store.authority.close().await.unwrap();
    meddle(&store, "DROP TABLE signing_keys").await;
    meddle(&store, "DELETE FROM schema_migrations WHERE version = 2").await;
    for check in doctor::examine(&installation(&store)).await {
        let is_well = check.outcome == Outcome::Ok || check.name == "disk";
        assert!(is_well || check.name == "schema", "the doctor can still look: {check:?}");
    }
    let authority = open(&store.location, &store.path("master.key"), &store.clock).await;
    for slug in ["live", "test"] {
        let environment = authority.gate.environment_named(slug).unwrap().id;
        let signer = authority.signing_keys.signer(environment, Algorithm::Es256).unwrap();
        signer.sign(store.clock.now(), b"m").await.expect("the first key need not wait");
        assert_eq!(authority.signing_keys.jwks(environment).unwrap().text.matches("\"kid\"").count(), 2);
    }
}

#[tokio::test]
async fn a_key_that_does_not_open_signs_nothing_and_the_rest_goes_on() {
    let store = Store::sqlite().await;
    store.authority.close().await.unwrap();
    // The private half of another key, sealed under the same master key but for that one.
    meddle(
        &store,
        "UPDATE signing_keys SET sealed = (SELECT s.sealed FROM signing_keys s WHERE s.status = 'standby' AND s.environment_id = signing_keys.environment_id)
         WHERE status = 'active'",
    )
    .await;
    let checks = doctor::examine(&installation(&store)).await;
    let found = checks.iter().find(|check| check.name == "master key").unwrap();
    assert_eq!(found.outcome, Outcome::Failure, "{found:?}");
    let authority = open(&store.location, &store.path("master.key"), &store.clock).await;
    assert_eq!(signs(&authority), None);
    let root = caller(&authority, &store.root).await;
    let keys = signing::list(&authority, &root).await.unwrap();
    assert!(authority.signing_keys.verifying(live(&authority), &keys[0].kid).is_some(), "its public half is whole");
    // The way out that the documentation names.
    signing::compromise(&authority, &root, &keys[0].kid, None).await.unwrap();
    assert_eq!(signs(&authority).as_deref(), Some(keys[1].kid.as_str()));
    // A public half that is not the one of its name verifies nothing.
    let standby = signing::list(&authority, &root).await.unwrap().into_iter().find(|key| key.status == Status::Standby).unwrap().kid;
    authority.close().await.unwrap();
    meddle(
        &store,
        "UPDATE signing_keys SET jwk = (SELECT s.jwk FROM signing_keys s WHERE s.status = 'active' LIMIT 1) WHERE status = 'standby'",
    )
    .await;
    let authority = open(&store.location, &store.path("master.key"), &store.clock).await;
    assert!(authority.signing_keys.verifying(live(&authority), &standby).is_none());
    assert!(!jwks(&authority).contains(&standby));
}
