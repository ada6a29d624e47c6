//! `claviger org`

use serde_json::json;

use crate::running::Server;
use crate::support::text;

#[test]
fn an_organization_lives_from_create_to_offboard() {
    let server = Server::start();
    let tenant = server.tenant();
    let key = server.key(&tenant, "CI");
    let secret = text(&key, "secret");
    let id = server.id(&["org", "create", "Initech", "--external-id", "crm-7"]);
    let shown = server.json(&["org", "show", &id]);
    assert_eq!((&shown["name"], &shown["external_id"], &shown["status"]), (&json!("Initech"), &json!("crm-7"), &json!("active")));
    let changed = server.json(&["org", "update", &id, "--name", "Initech Ltd", "--external-id", "crm-8"]);
    assert_eq!((&changed["name"], &changed["external_id"]), (&json!("Initech Ltd"), &json!("crm-8")));

    let id = &tenant.0;
    assert_eq!(server.json(&["org", "suspend", id])["status"], "suspended");
    assert_eq!(server.code(&secret), "ORGANIZATION_SUSPENDED");
    assert_eq!(server.json(&["org", "resume", id])["status"], "active");
    assert_eq!(server.code(&secret), "VALID");
    assert_eq!(server.json(&["org", "offboard", id, "--dry-run"])["revoked_api_keys"], 1);
    assert_eq!(server.code(&secret), "VALID", "a dry run changes nothing");
    let done = server.json(&["org", "offboard", id]);
    assert_eq!((&done["revoked_api_keys"], &done["organization"]["status"]), (&json!(1), &json!("offboarded")));
    assert_eq!(server.code(&secret), "REVOKED");
    server.run(&["org", "resume", id]).refused(1, &["409 ORGANIZATION_OFFBOARDED", "request req_"]);
}

#[test]
fn a_list_is_filtered_and_goes_on_where_it_says() {
    let server = Server::start();
    let made: Vec<String> = ["Acme", "Globex", "Initech"].map(|name| server.id(&["org", "create", name])).to_vec();
    server.run(&["org", "suspend", &made[1]]).done();
    let names = |arguments: &[&str]| {
        let list = server.json(&[&["org", "list"], arguments].concat());
        list["data"].as_array().expect("a list").iter().map(|row| text(row, "name")).collect::<Vec<_>>()
    };
    assert_eq!(names(&["--status", "suspended"]), ["Globex"]);
    assert_eq!(names(&["--search", "TECH"]), ["Initech"]);
    let first = server.run(&["org", "list", "--limit", "2"]).done();
    let (_, cursor) = first.trim_end().rsplit_once("more: --cursor ").expect("it says how to go on");
    assert!(first.contains("Globex") && !first.contains("Initech"), "{first}");
    assert_eq!(names(&["--limit", "2", "--cursor", cursor]), ["Initech"]);
    // A cursor is any text of its alphabet, and may look like an option.
    for cursor in ["-forged", "--forged"] {
        server.run(&["org", "list", "--cursor", cursor]).refused(1, &["400 BAD_CURSOR"]);
    }
    server.run(&["org", "list", "--limit", "0"]).refused(1, &["422 INVALID_VALUE", "limit"]);
    server.run(&["org", "list", "--limit", "many"]).refused(2, &["--limit"]);
}
