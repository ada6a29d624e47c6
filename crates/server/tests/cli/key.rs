//! `claviger key`, but for whole files of keys.

use serde_json::json;

use crate::running::Server;
use crate::support::text;

#[test]
fn a_key_is_issued_with_all_that_was_asked_for() {
    let server = Server::start();
    let (organization, owner, _) = server.tenant();
    let identity = ["key", "create", "Nightly export", "--organization", &organization, "--owner", &owner, "--purpose", "export"];
    let access = ["--resource", "https://api.example.com", "--permission", "posts:read", "--permission", "posts:write"];
    let limits =
        ["--expires-at", "2099-01-01T00:00:00Z", "--allow", "192.0.2.0/24", "--allow", "2001:db8::/32", "--tag", "ci", "--tag", "eu"];
    let made = server.json(&[&identity[..], &access, &limits].concat());
    let shown = server.json(&["key", "show", &text(&made, "id")]);
    for (field, value) in [
        ("name", json!("Nightly export")),
        ("purpose", json!("export")),
        ("organization_id", json!(organization)),
        ("owner_id", json!(owner)),
        ("resource", json!("https://api.example.com")),
        ("permissions", json!(["posts:read", "posts:write"])),
        ("expires_at", json!("2099-01-01T00:00:00Z")),
        ("allowed_cidrs", json!(["192.0.2.0/24", "2001:db8::/32"])),
        ("tags", json!(["ci", "eu"])),
    ] {
        assert_eq!((&made[field], &shown[field]), (&value, &value), "{field}");
    }
    let secret = text(&made, "secret");
    assert_eq!(server.code(&secret), "NETWORK_NOT_ALLOWED", "it is real, and not for this address");
    assert!(!shown.to_string().contains(&secret[secret.len() - 49..]), "the secret is shown once");
    server
        .run(&["key", "create", "K", "--organization", &organization, "--owner", &owner, "--permission", "nix"])
        .refused(1, &["/permissions", "nix"]);
    server.run(&["key", "create", "K", "--organization", &organization]).refused(2, &["--owner <ID>"]);
}

#[test]
fn a_key_is_rotated_switched_off_and_ended() {
    let server = Server::start();
    let tenant = server.tenant();
    let made = server.key(&tenant, "CI");
    let (id, first) = (text(&made, "id"), text(&made, "secret"));
    let second = text(&server.json(&["key", "rotate", &id, "--overlap-seconds", "600"]), "secret");
    assert_eq!([server.code(&first), server.code(&second)], ["VALID", "VALID"]);
    server.run(&["key", "drop-previous-secrets", &id]).done();
    assert_eq!([server.code(&first), server.code(&second)], ["NOT_FOUND", "VALID"]);
    let third = text(&server.json(&["key", "rotate", &id]), "secret");
    assert_eq!([server.code(&second), server.code(&third)], ["NOT_FOUND", "VALID"], "without an overlap the old secret ends at once");

    assert_eq!(server.json(&["key", "disable", &id])["status"], "disabled");
    assert_eq!(server.code(&third), "DISABLED");
    assert_eq!(server.json(&["key", "enable", &id])["status"], "active");
    assert_eq!(server.code(&third), "VALID");
    let revoked = server.json(&["key", "revoke", &id, "--reason", "superseded", "--comment", "replaced by CI 2"]);
    assert_eq!((&revoked["revocation"]["reason"], &revoked["revocation"]["comment"]), (&json!("superseded"), &json!("replaced by CI 2")));
    assert_eq!(server.code(&third), "REVOKED");
    assert_eq!(server.json(&["key", "undo-revocation", &id])["status"], "active");
    assert_eq!(server.code(&third), "VALID");
    server.run(&["key", "revoke", &id, "--reason", "key_compromise"]).done();
    server.run(&["key", "undo-revocation", &id]).refused(1, &["409 ", "request req_"]);
    server.run(&["key", "revoke", &id, "--reason", "boredom"]).refused(1, &["422 INVALID_VALUE", "/reason"]);
}

#[test]
fn the_inventory_is_searched_and_ended_by_the_same_filter() {
    let server = Server::start();
    let tenant = server.tenant();
    let (organization, owner, _) = &tenant;
    let plain = server.key(&tenant, "Plain");
    let who = ["--organization", organization, "--owner", owner];
    let more = ["--permission", "posts:write", "--tag", "ci", "--expires-at", "2099-01-01T00:00:00Z"];
    let tagged = server.json(&[&["key", "create", "Tagged"], &who[..], &more].concat());
    let names = |filter: &[&str]| {
        let list = server.json(&[&["key", "list"], filter].concat());
        list["data"].as_array().expect("a list").iter().map(|row| text(row, "name")).collect::<Vec<_>>()
    };
    for filter in [
        &["--with-tag", "ci"][..],
        &["--with-permission", "posts:write"],
        &["--expiring-before", "2100-01-01T00:00:00Z"],
        &["--search", "agge"],
        &["--in-organization", organization, "--of-owner", owner, "--with-tag", "ci"],
    ] {
        assert_eq!(names(filter), ["Tagged"], "{filter:?}");
    }
    assert_eq!(names(&["--status", "active", "--in-organization", organization, "--unused-since", "2099-01-01T00:00:00Z"]).len(), 2);
    assert_eq!(names(&["--status", "revoked"]).len(), 0);

    let end = ["key", "revoke-matching", "--with-tag", "ci", "--reason", "leak_report", "--comment", "in a public repository"];
    let told = server.json(&[&end[..], &["--dry-run"]].concat());
    assert_eq!((&told["revoked"], &told["ids"]), (&json!(1), &json!([tagged["id"]])));
    assert_eq!(server.code(&text(&tagged, "secret")), "VALID", "a dry run changes nothing");
    server.run(&end).done();
    assert_eq!([server.code(&text(&tagged, "secret")), server.code(&text(&plain, "secret"))], ["REVOKED", "VALID"]);
    server.run(&["key", "revoke-matching", "--reason", "leak_report"]).refused(1, &["422 "]);
    assert_eq!(server.code(&text(&plain, "secret")), "VALID", "an empty filter ends nothing");
}
