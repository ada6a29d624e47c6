//! Backup, restore and export: every row comes back, or nothing does.

use std::os::unix::fs::PermissionsExt as _;

use claviger_authority::applications::credentials::secrets;
use claviger_authority::db::copy::{self, Format};
use claviger_authority::db::{Db, Location, PoolSizes, Query as _};
use claviger_authority::keys::{self, Reason, Status};
use claviger_authority::organizations;

use crate::store::{Store, caller, fresh_postgres, meddle, open, rows, status};

#[tokio::test]
async fn a_backup_comes_back_row_for_row_in_either_form() {
    let store = Store::sqlite().await;
    let id = store.key().await;
    keys::revoke(&store.authority, &store.caller().await, id, Reason::Superseded, Some("new one")).await.unwrap();
    store.key().await;
    let expected = rows(&store.location, &store.clock).await;
    for table in [
        "environments",
        "sealed_keys",
        "signing_keys",
        "journal",
        "api_keys",
        "api_key_tags",
        "api_key_quotas",
        "secrets",
        "management_keys",
    ] {
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
    let application = store.application().await;
    let secret = store.client_secret(application).await;
    secrets::compromise(&store.authority, &store.caller().await, application, secret, None, true).await.unwrap();
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
async fn a_copy_has_every_table_of_the_database() {
    let store = Store::sqlite().await;
    let db = Db::open(&store.location, PoolSizes::default(), false).await.unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('schema_migrations', 'migration_lock')";
    let tables: Vec<String> = db.all(sql, vec![]).await.unwrap().iter().map(|row| row.text("name")).collect();
    db.close().await;
    meddle(
        &store,
        "INSERT INTO idempotency VALUES ('e', 'c', 'k', 'o', x'00ff', 'i', 1);
         INSERT INTO used_tokens SELECT id, 'app_x/jti', 1 FROM environments LIMIT 1;
         INSERT INTO operators SELECT 'opr_x', id, 'n', 'e', 'viewer', 'active', 1, 1, 1 FROM environments LIMIT 1",
    )
    .await;
    store.key().await;
    let application = store.application().await;
    let secret = store.client_secret(application).await;
    secrets::compromise(&store.authority, &store.caller().await, application, secret, None, false).await.unwrap();
    let rows = rows(&store.location, &store.clock).await;
    for table in tables {
        assert!(rows.iter().any(|row| row.contains(&format!("\"table\":\"{table}\""))), "{table} is in the copy");
    }
}
