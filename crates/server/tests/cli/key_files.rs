//! `claviger key import` and `claviger key export`: whole files of keys.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::running::Server;
use crate::support::text;

/// A row for the key `old-N` of another system.
fn row((organization, owner, _): &(String, String, String), number: usize) -> Value {
    let digest: String =
        Sha256::digest(format!("old-secret-of-another-system-{number}")).iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("Old {number}");
    json!({ "sha256": digest, "organization_id": organization, "owner_id": owner, "name": name, "permissions": ["posts:read"] })
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

#[test]
fn keys_of_another_system_are_taken_over_and_bad_rows_named_by_their_line() {
    let server = Server::start();
    let tenant = server.tenant();
    let mut bad = row(&tenant, 3);
    bad["permissions"] = json!(["nix:nix"]);
    let text = lines(&[row(&tenant, 1)]) + "\n" + &lines(&[bad.clone(), row(&tenant, 2)]);
    let file = server.file("keys.ndjson", &text);
    let ran = server.run(&["key", "import", &file]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "2 imported, 0 present before, 1 refused\n"), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("line 3: ") && ran.stderr.lines().count() == 1, "the line, and no progress: {}", ran.stderr);
    assert!(ran.stderr.contains("nix:nix") || ran.stderr.contains("permissions/0"), "{}", ran.stderr);
    assert_eq!(server.code("old-secret-of-another-system-1"), "VALID");
    // Once more is no harm.
    let file = server.file("keys.ndjson", &lines(&[row(&tenant, 1), row(&tenant, 2)]));
    assert_eq!(server.run(&["key", "import", &file]).done(), "0 imported, 2 present before, 0 refused\n");
    assert_eq!(server.json(&["key", "import", &file]), json!({ "imported": 0, "present": 2, "refused": 0 }));
}

#[test]
fn more_rows_than_one_call_takes_are_all_in() {
    let server = Server::start();
    let tenant = server.tenant();
    let mut rows: Vec<Value> = (0..1_001).map(|number| row(&tenant, number)).collect();
    let file = server.file("keys.ndjson", &lines(&rows));
    assert_eq!(server.run(&["key", "import", &file]).done(), "1001 imported, 0 present before, 0 refused\n");
    assert_eq!(server.code("old-secret-of-another-system-1000"), "VALID");
    let exported = server.run(&["key", "export"]).done();
    assert_eq!(exported.lines().count(), 1_001);
    // A field that no row has: the place is told in the chunk's own count, and where that begins.
    rows[1_000]["secrt"] = json!(1);
    let file = server.file("keys.ndjson", &lines(&rows));
    server.run(&["key", "import", &file]).refused(1, &["422 INVALID_VALUE", "/keys/0/secrt", &format!("/keys/0 is {file}:1001")]);
}

#[test]
fn a_file_that_is_none_is_refused_without_repeating_it() {
    let server = Server::start();
    let tenant = server.tenant();
    for line in ["clv_live_ak_a_whole_key_by_mistake", "[1]", "\"text\"", "{\"name\": "] {
        let file = server.file("keys.ndjson", &(lines(&[row(&tenant, 1)]) + line + "\n"));
        let words = server.run(&["key", "import", &file]).refused(1, &[&format!("{file}:2: not a JSON object")]);
        assert!(!words.contains(line), "{words}");
    }
    assert_eq!(server.json(&["key", "list"])["data"], json!([]), "a file is read whole before the first call");
    server.run(&["key", "import", "/nowhere/keys.ndjson"]).refused(1, &["/nowhere/keys.ndjson", "No such file"]);
}

#[test]
fn the_inventory_is_written_in_both_forms_without_secrets() {
    let server = Server::start();
    let tenant = server.tenant();
    let (one, two) = (server.key(&tenant, "One"), server.key(&tenant, "Two, and a comma"));
    server.run(&["key", "disable", &text(&one, "id")]).done();
    let lines = server.run(&["key", "export"]).done();
    let ids: Vec<_> = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].clone()).collect();
    assert_eq!(ids, [one["id"].clone(), two["id"].clone()]);
    let table = server.run(&["key", "export", "--format", "csv", "--status", "active"]).done();
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let names: Vec<_> = reader
        .deserialize()
        .map(|row| row.expect("a row"))
        .map(|row: std::collections::HashMap<String, String>| row["name"].clone())
        .collect();
    assert_eq!(names, ["Two, and a comma"]);
    for key in [&one, &two] {
        let secret = text(key, "secret");
        assert!(![&lines, &table].iter().any(|text| text.contains(&secret[secret.len() - 49..])), "no secret is exported");
    }
    server.run(&["key", "export", "--format", "xml"]).refused(1, &["422 INVALID_VALUE", "ndjson or csv"]);
}

#[test]
fn an_export_into_a_file_is_whole_or_not_there() {
    let server = Server::start();
    let tenant = server.tenant();
    server.key(&tenant, "One");
    // A neighbour with the name that a careless export would take.
    let neighbour = server.file("keys.partial", "mine");
    let file = server.path("keys.csv").display().to_string();
    assert_eq!(server.run(&["key", "export", "--format", "csv", "--to", &file]).done(), "", "no progress where nobody watches");
    let before = std::fs::read_to_string(&file).expect("it is written");
    assert_eq!(before.lines().count(), 2);
    server.run(&["key", "export", "--format", "xml", "--to", &file]).refused(1, &["422 INVALID_VALUE"]);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), before, "a refused export leaves the old one");
    assert_eq!(std::fs::read_to_string(&neighbour).expect("it is there"), "mine");
    let left: Vec<_> =
        std::fs::read_dir(server.folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(!left.iter().any(|name| name == "keys.csv.partial"), "{left:?}");
    server.run(&["key", "export", "--to", "/nowhere/keys"]).refused(1, &["/nowhere/keys", "No such file"]);
}
