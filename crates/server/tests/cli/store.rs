//! Commands beside the server, on its store: `init`, `backup`, `journal`, `restore`, `export`, `doctor`.
//! What a restore takes away again is in `tests/store.rs`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::running::{Ran, Server, claviger, place, run};
use crate::support::{self, text};

fn at(folder: &Path, database: Option<&str>, arguments: &[&str]) -> Ran {
    let mut command = claviger();
    command.args(arguments);
    place(&mut command, folder, database);
    run(command, "")
}

fn shown(path: &Path) -> &str {
    path.to_str().expect("a readable path")
}

/// It must be done; what it says on standard error.
#[track_caller]
fn told(ran: Ran) -> String {
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert!(!ran.stderr.contains(['\r', '\u{1b}']), "no progress where nobody watches: {:?}", ran.stderr);
    ran.stderr
}

#[test]
fn init_hands_out_the_first_key_once_and_further_ones_when_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = support::fresh_database();
    let data = folder.path().join("data");
    let root = folder.path().join("root.key");
    let words = told(at(&data, database.as_deref(), &["init", "--bootstrap-key-file", shown(&root)]));
    let (_, rest) = words.split_once("management key ").expect("it names the key");
    let id = rest.split(' ').next().expect("an id").to_owned();
    assert_eq!(root.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
    at(&data, database.as_deref(), &["init"]).refused(1, &["initialised already", "claviger init --another"]);

    // Without a file the key is shown where a person can take it.
    let another = at(&data, database.as_deref(), &["init", "--another"]);
    assert_eq!(another.code, 0, "{}", another.stderr);
    let secret = another.stdout.lines().map(str::trim).find(|line| line.starts_with("clv_live_mk_")).expect("the key").to_owned();
    assert!(!another.stderr.contains(&secret[secret.len() - 49..]), "not on standard error, which is often kept");

    let server = Server::start_in(folder, database);
    assert_eq!(server.holder(&server.root()), Some(id), "serve hands out nothing more");
    assert!(server.holder(&secret).is_some());
    assert_eq!(server.json(&["management-key", "list"])["data"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_first_key_that_nobody_gets_to_see_is_not_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = support::fresh_database();
    let mut command = claviger();
    command.arg("init").stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it"));
    place(&mut command, folder.path(), database.as_deref());
    let output = command.stderr(std::process::Stdio::piped()).spawn().expect("it starts").wait_with_output().expect("it ends");
    let words = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.starts_with("error: ") && words.contains("No space left on device"), "{words}");
    let again = at(folder.path(), database.as_deref(), &["init"]);
    assert!(again.code == 0 && again.stdout.contains("clv_live_mk_"), "it is still to be handed out: {}", again.stderr);
}

#[test]
fn a_store_is_copied_while_it_serves_and_comes_back() {
    let server = Server::start();
    let tenant = server.tenant();
    let (kept, revoked) = (server.key(&tenant, "Kept"), server.key(&tenant, "Revoked"));
    let (backup, journal) = (server.path("backup"), server.path("journal"));
    let words = told(server.beside(&["backup", "--format", "logical", "--output", shown(&backup)]));
    assert!(words.contains("rows are in") && words.contains("live up to event") && words.contains("master key"), "{words}");
    assert_eq!(backup.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
    server.beside(&["backup", "--output", shown(&backup)]).refused(1, &[shown(&backup), "nothing is ever overwritten"]);
    server.run(&["key", "revoke", &text(&revoked, "id"), "--reason", "key_compromise"]).done();
    let words = told(server.beside(&["journal", "--output", shown(&journal)]));
    assert!(words.contains("events are in"), "{words}");
    server.beside(&["journal", "--output", shown(&journal)]).refused(1, &[shown(&journal)]);
    let part = server.path("part");
    told(server.beside(&["journal", "--output", shown(&part), "--environment", "live", "--after-seq", "3"]));
    let first: Value =
        serde_json::from_str(std::fs::read_to_string(&part).expect("a file").lines().next().expect("an event")).expect("JSON");
    assert_eq!(first["seq"], 4);
    server.beside(&["journal", "--output", shown(&server.path("x")), "--after-seq", "3"]).refused(2, &["--environment"]);
    server.beside(&["journal", "--output", shown(&server.path("x")), "--environment", "nix"]).refused(1, &["\"nix\""]);
    server.beside(&["restore", "--from", shown(&backup)]).refused(1, &["nothing was restored", "empty"]);

    let (folder, _) = server.stop();
    // In the place of the old one: the same folder under a new name, so that the first key stays known.
    let data = folder.path().join("data");
    std::fs::rename(&data, folder.path().join("old")).expect("it can be renamed");
    std::fs::create_dir(&data).expect("a folder");
    std::fs::copy(folder.path().join("old/master.key"), data.join("master.key")).expect("the master key is copied by hand");
    let database = support::fresh_database();
    let into = database.as_deref();
    at(&data, into, &["restore", "--from", "/nowhere/backup"]).refused(1, &["nothing was restored", "/nowhere/backup"]);
    let words = at(&data, into, &["restore", "--from", shown(&backup), "--journal", shown(&journal)]).done();
    assert!(words.contains("rows are restored") && words.contains("1 revocations"), "{words}");
    let server = Server::start_in(folder, database);
    assert_eq!([server.code(&text(&kept, "secret")), server.code(&text(&revoked, "secret"))], ["VALID", "REVOKED"]);
}

#[test]
fn a_store_moves_from_sqlite_to_postgresql() {
    let sqlite = Server::start_in(tempfile::tempdir().expect("a temporary folder"), None);
    let tenant = sqlite.tenant();
    let key = text(&sqlite.key(&tenant, "CI"), "secret");
    sqlite.beside(&["export", "--to", "sqlite:other.db"]).refused(1, &["from SQLite to postgres://", "claviger backup --format logical"]);
    sqlite.beside(&["export", "--to", "mysql://x"]).refused(1, &["mysql"]);
    let Some(database) = support::fresh_database() else { return };
    let mut command = claviger();
    // From the variable, which keeps a password out of the list of processes.
    command.arg("export").env("CLAVIGER_EXPORT_TO", &database);
    place(&mut command, &sqlite.path("data"), None);
    let words = run(command, "").done();
    assert!(words.contains("rows are copied and counted") && words.contains("was not changed"), "{words}");
    sqlite.beside(&["export", "--to", &database]).refused(1, &["nothing was copied"]);
    let (folder, _) = sqlite.stop();
    let server = Server::start_in(folder, Some(database));
    assert_eq!(server.code(&key), "VALID");
    server.beside(&["export", "--to", "postgres://127.0.0.1/x"]).refused(1, &["from SQLite to postgres://"]);
}

#[test]
fn the_variable_of_export_is_in_no_other_commands_way() {
    let mut command = claviger();
    command.args(["config", "check"]).env("CLAVIGER_EXPORT_TO", "postgres://user:hunter2@127.0.0.1/x");
    assert_eq!(run(command, "").done(), "the configuration is good\n");
    let mut command = claviger();
    command.args(["export", "--help"]).env("CLAVIGER_EXPORT_TO", "postgres://user:hunter2@127.0.0.1/x");
    assert!(!run(command, "").done().contains("hunter2"));
}

#[test]
fn the_doctor_looks_beside_a_running_server() {
    let server = Server::start();
    let table = server.beside(&["doctor"]).done();
    assert!(table.lines().all(|line| line.starts_with("ok ") || line.starts_with("warning ") || line.starts_with("  ")), "{table}");
    let json: Value = serde_json::from_str(&server.beside(&["doctor", "-o", "json"]).done()).expect("JSON");
    let yaml: Value = serde_norway::from_str(&server.beside(&["doctor", "-o", "yaml"]).done()).expect("YAML");
    let names = |checks: &Value| checks["checks"].as_array().expect("checks").iter().map(|check| text(check, "name")).collect::<Vec<_>>();
    assert_eq!(names(&json), names(&yaml));
    assert!(["configuration", "database", "schema", "journal", "master key"].iter().all(|name| names(&json).contains(&(*name).to_owned())));

    std::fs::set_permissions(server.path("data/master.key"), std::fs::Permissions::from_mode(0o644)).expect("its mode can be set");
    let sick = server.beside(&["doctor"]);
    assert_eq!((sick.code, sick.stderr.as_str()), (1, ""));
    assert!(sick.stdout.contains("failure") && sick.stdout.contains("chmod 600"), "{}", sick.stdout);
    // A configuration that cannot be read is a finding too, each mistake apart from the next.
    let file = server.file("wrong.toml", "lisen = \"x\"\n[http]\nmax_in_flight = 0\n");
    let mut command = claviger();
    command.args(["doctor", "--config", &file]);
    let sick = run(command, "");
    assert_eq!(sick.code, 1);
    assert!(sick.stdout.contains("did you mean listen?; ") || sick.stdout.contains("; lisen ("), "{}", sick.stdout);
}

#[test]
fn serve_says_why_it_does_not_start() {
    let server = Server::start();
    let address = server.url.trim_start_matches("http://");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = claviger();
    command.args(["serve", "--listen", address]);
    place(&mut command, folder.path(), None);
    run(command, "").refused(1, &[address, "Address already in use"]);
    server.file("wrong.toml", "listen = \"nowhere\"\n");
    let mut command = claviger();
    command.args(["serve", "--config"]).arg(server.path("wrong.toml"));
    run(command, "").refused(1, &["listen (", "wrong.toml:1"]);
    let mut command = claviger();
    command.args(["serve", "--listen", "everywhere"]);
    run(command, "").refused(2, &["'everywhere'", "--listen"]);
}
