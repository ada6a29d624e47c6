//! Backups, restores and moves through the command line, with a real server before and after.

#[path = "support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Command, Output};

use claviger_server::host::config::Config;
use http::Method;
use serde_json::json;

use support::{Claviger, text};

/// Runs the binary on the place that the configuration names.
fn run(config: &Config, command: &str, arguments: &[&str]) -> Output {
    let mut binary = Command::new(env!("CARGO_BIN_EXE_claviger"));
    binary.arg(command).arg("--data-dir").arg(&config.data_dir).args(arguments).env_clear();
    if !config.database.expose().is_empty() {
        binary.args(["--database", config.database.expose()]);
    }
    binary.output().expect("it runs")
}

#[track_caller]
fn words(output: &Output, is_success: bool) -> String {
    let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.success(), is_success, "{words}");
    words
}

/// An empty place on the same engine, with the master key of the old one.
fn elsewhere(old: &Config, folder: &Path) -> Config {
    let mut config = old.clone();
    config.data_dir = folder.to_owned();
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::copy(old.master_key_path(), folder.join("master.key")).expect("the master key is copied by hand");
    match support::fresh_database() {
        Some(address) => support::with_database(config, &address),
        None => config,
    }
}

fn path(file: &Path) -> &str {
    file.to_str().expect("a readable path")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_after_the_backup_is_revoked_after_the_restore() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let permissions = json!({ "permissions": ["posts:read", "posts:write"] });
    let mut keys = Vec::new();
    for _ in 0..6 {
        keys.push(claviger.key(&tenant, permissions.clone()).await);
    }
    let [kept, revoked, narrowed, disabled, undone, rotated] = &keys[..] else { unreachable!("six were made") };
    let manager = claviger.management_key(&["keys:read"]).await;
    let (backup, journal) = (claviger.folder.path().join("backup.ndjson"), claviger.folder.path().join("journal.ndjson"));
    let written = run(&claviger.config, "backup", &["--format", "logical", "--output", path(&backup)]);
    assert!(words(&written, true).to_lowercase().contains("master key"));
    words(&run(&claviger.config, "backup", &["--format", "logical", "--output", path(&backup)]), false);
    // Life goes on after the backup.
    let address = |key: &serde_json::Value| format!("/v1/api-keys/{}", text(key, "id"));
    claviger.post(&format!("{}/revoke", address(revoked)), json!({ "reason": "leak_report" })).await.expect(200);
    claviger.patch(&address(narrowed), json!({ "permissions": ["posts:read"] })).await.expect(200);
    claviger.post(&format!("{}/disable", address(disabled)), json!({})).await.expect(200);
    claviger.post(&format!("{}/revoke", address(undone)), json!({ "reason": "superseded" })).await.expect(200);
    claviger.post(&format!("{}/undo-revocation", address(undone)), json!({})).await.expect(200);
    claviger.post(&format!("{}/rotate", address(rotated)), json!({ "overlap_seconds": 0 })).await.expect(200);
    let me = claviger.ask(&manager, Method::GET, "/v1/whoami", None).await.expect(200);
    claviger.post(&format!("/v1/management-keys/{}/revoke", text(&me, "id")), json!({ "reason": "superseded" })).await.expect(200);
    let late = claviger.key(&tenant, permissions).await;
    words(&run(&claviger.config, "journal", &["--output", path(&journal)]), true);
    let (folder, config, clock) = claviger.stop().await;

    let target = elsewhere(&config, &folder.path().join("restored"));
    let restored = words(&run(&target, "restore", &["--from", path(&backup), "--journal", path(&journal)]), true);
    for id in [text(rotated, "id"), text(&late, "id")] {
        assert!(restored.contains(&id), "{id} is named: {restored}");
    }
    words(&run(&target, "restore", &["--from", path(&backup)]), false);

    let claviger = Claviger::start_in(folder, target, clock).await;
    for (key, code) in [
        (kept, "VALID"),
        (revoked, "REVOKED"),
        (narrowed, "VALID"),
        (disabled, "DISABLED"),
        (undone, "VALID"),
        (rotated, "NOT_FOUND"),
        (&late, "NOT_FOUND"),
    ] {
        assert_eq!(claviger.code(&text(key, "secret")).await, code, "{}", key["id"]);
    }
    let wide = json!({ "credential": narrowed["secret"], "permissions": ["posts:write"] });
    assert_eq!(claviger.verify(wide).await["code"], "INSUFFICIENT_PERMISSIONS");
    claviger.ask(&manager, Method::GET, "/v1/whoami", None).await.refused(401, "BAD_CREDENTIAL");
    let events = claviger.get(&format!("/v1/journal?subject={}&kind=api_key.revoked", text(revoked, "id"))).await.expect(200);
    assert!(events["data"][0]["data"]["replayed"]["seq"].is_i64(), "the new event names the old one: {events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_or_changed_file_is_refused_and_leaves_the_place_empty() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({})).await;
    let (backup, journal) = (claviger.folder.path().join("backup.ndjson"), claviger.folder.path().join("journal.ndjson"));
    words(&run(&claviger.config, "backup", &["--format", "logical", "--output", path(&backup)]), true);
    claviger.post(&format!("/v1/api-keys/{}/revoke", text(&key, "id")), json!({ "reason": "superseded" })).await.expect(200);
    claviger.post("/v1/organizations", json!({ "name": "B" })).await.expect(201);
    words(&run(&claviger.config, "journal", &["--output", path(&journal)]), true);
    let (folder, config, _) = claviger.stop().await;
    let whole = std::fs::read_to_string(&backup).expect("a backup");
    let target = elsewhere(&config, &folder.path().join("restored"));
    let bad = folder.path().join("bad");
    let cut = &whole[..whole.len() * 2 / 3];
    let without_a_line: String = whole.lines().enumerate().filter(|(line, _)| *line != 3).map(|(_, text)| format!("{text}\n")).collect();
    for text in [cut, &without_a_line, &whole.replacen("active", "Active", 1), "", "{}\n"] {
        std::fs::write(&bad, text).expect("a file");
        words(&run(&target, "restore", &["--from", path(&bad)]), false);
    }
    // The place is as empty as before: the good file fits. A journal that does not is refused before it acts.
    let leaves = std::fs::read_to_string(&journal).expect("a journal");
    let forged = leaves.replacen("superseded", "key_compromise", 1);
    std::fs::write(&bad, forged).expect("a file");
    words(&run(&target, "restore", &["--from", path(&backup), "--journal", path(&bad)]), false);
    let cut: String = leaves.lines().take(leaves.lines().count() / 2).map(|line| format!("{line}\n")).collect();
    std::fs::write(&bad, cut).expect("a file");
    words(&run(&target, "restore", &["--from", path(&backup), "--journal", path(&bad)]), false);
    // Nothing of it stayed: the good pair still finds an empty place.
    words(&run(&target, "restore", &["--from", path(&backup), "--journal", path(&journal)]), true);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_moves_to_another_place_with_everything_in_it() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = text(&claviger.key(&tenant, json!({ "tags": ["x"], "quota": { "remaining": 9 } })).await, "secret");
    let file = claviger.folder.path().join("copy.db");
    let is_sqlite = claviger.config.database.expose().is_empty();
    let output = run(&claviger.config, "backup", &["--format", "sqlite", "--output", path(&file)]);
    words(&output, is_sqlite);
    let (folder, config, clock) = claviger.stop().await;
    let target = elsewhere(&config, &folder.path().join("restored"));
    if !is_sqlite {
        words(&run(&config, "backup", &["--format", "logical", "--output", path(&file)]), true);
    }
    words(&run(&target, "restore", &["--from", path(&file)]), true);
    let claviger = Claviger::start_in(folder, target, clock).await;
    assert_eq!(claviger.code(&key).await, "VALID");
    assert_eq!(claviger.get("/v1/api-keys?tag=x").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    use std::os::unix::fs::PermissionsExt as _;
    let claviger = Claviger::start().await;
    claviger.tenant("A").await;
    let (_folder, config, _) = claviger.stop().await;
    let doctor = |arguments: &[&str]| run(&config, "doctor", arguments);
    let well = words(&doctor(&["-o", "json"]), true);
    assert!(!well.contains("failure"), "{well}");
    std::fs::set_permissions(config.master_key_path(), std::fs::Permissions::from_mode(0o644)).expect("its mode can be set");
    assert!(words(&doctor(&[]), false).contains("chmod 600"));
    std::fs::write(config.master_key_path(), "00".repeat(32)).expect("it can be written");
    assert!(words(&doctor(&[]), false).contains("does not open with this master key"));
}
