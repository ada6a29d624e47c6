//! What the doctor finds.

use std::os::unix::fs::PermissionsExt as _;

use claviger_authority::clock::{Clock, Timestamp};
use claviger_authority::db::Location;
use claviger_authority::db::copy::{self, Format};
use claviger_authority::doctor::{self, Installation, Outcome};
use claviger_authority::organizations;

use crate::store::{START, Store, installation, meddle};

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
