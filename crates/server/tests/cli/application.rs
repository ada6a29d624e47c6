//! `claviger application`, with its client secrets and public keys.

use serde_json::{Value, json};

use crate::running::Server;
use crate::support::text;

fn names(list: &Value) -> Vec<String> {
    list["data"].as_array().expect("a list").iter().map(|row| text(row, "name")).collect()
}

#[test]
fn an_application_is_registered_found_changed_and_ended() {
    let server = Server::start();
    let (organization, owner, _) = server.tenant();
    let identity = ["application", "create", "Billing sync", "--organization", &organization, "--owner", &owner, "--purpose", "sync"];
    let access = ["--resource", "https://api.example.com=posts:read,posts:write", "--token-lifetime-seconds", "600", "--require-dpop"];
    let made = server.json(&[&identity[..], &access, &["--tag", "erp", "--tag", "eu"]].concat());
    let id = text(&made, "id");
    let shown = server.json(&["application", "show", &id]);
    for (field, value) in [
        ("name", json!("Billing sync")),
        ("purpose", json!("sync")),
        ("organization_id", json!(organization)),
        ("owner_id", json!(owner)),
        ("resources", json!([{ "identifier": "https://api.example.com", "permissions": ["posts:read", "posts:write"] }])),
        ("token_lifetime_seconds", json!(600)),
        ("require_dpop", json!(true)),
        ("tags", json!(["erp", "eu"])),
    ] {
        assert_eq!((&made[field], &shown[field]), (&value, &value), "{field}");
    }
    server.json(&["application", "create", "Other", "--organization", &organization, "--owner", &owner]);
    let heir = server.id(&["owner", "create", "Grace", "--email", "grace@example.com"]);
    let change = ["--name", "Billing", "--purpose", "export", "--owner", &heir, "--resource", "https://api.example.com=posts:read"];
    let more = ["--token-lifetime-seconds", "120", "--require-dpop", "false", "--tag", "us"];
    let changed = server.json(&[&["application", "update", &id], &change[..], &more].concat());
    assert_eq!((&changed["name"], &changed["owner_id"], &changed["tags"]), (&json!("Billing"), &json!(heir), &json!(["us"])));
    assert_eq!((&changed["purpose"], &changed["require_dpop"]), (&json!("export"), &json!(false)));
    assert_eq!((&changed["resources"][0]["permissions"], &changed["token_lifetime_seconds"]), (&json!(["posts:read"]), &json!(120)));
    for filter in [
        &["--of-owner", &heir][..],
        &["--with-tag", "us"],
        &["--with-permission", "posts:read"],
        &["--for-resource", "https://api.example.com"],
        &["--search", "bill", "--in-organization", &organization, "--status", "active"],
    ] {
        assert_eq!(names(&server.json(&[&["application", "list"], filter].concat())), ["Billing"], "{filter:?}");
    }
    assert!(server.run(&["application", "list"]).done().contains("https://api.example.com"), "a table says what for");
    assert_eq!(server.json(&["application", "disable", &id])["status"], "disabled");
    assert_eq!(server.json(&["application", "enable", &id])["status"], "active");
    let revoked = server.json(&["application", "revoke", &id, "--reason", "superseded", "--comment", "moved"]);
    assert_eq!((&revoked["revocation"]["reason"], &revoked["revocation"]["comment"]), (&json!("superseded"), &json!("moved")));
    assert_eq!(server.json(&["application", "undo-revocation", &id])["status"], "active");
    server.run(&["application", "revoke", &id, "--reason", "key_compromise"]).done();
    server.run(&["application", "undo-revocation", &id]).refused(1, &["409 UNDO_FORBIDDEN"]);
    server.run(&["application", "create", "X", "--organization", &organization]).refused(2, &["--owner <ID>"]);
    let unknown = ["application", "create", "X", "--organization", &organization, "--owner", &owner, "--resource", "urn:no:such"];
    server.run(&unknown).refused(1, &["422 INVALID_VALUE", "/resources/0/identifier"]);
}

#[test]
fn a_client_secret_is_issued_rotated_compromised_and_listed_without_its_text() {
    let server = Server::start();
    let (organization, owner, _) = server.tenant();
    let application = server.id(&["application", "create", "Sync", "--organization", &organization, "--owner", &owner]);
    let create = ["application", "secret", "create", &application, "--name", "Production", "--stored-in", "vault kv/billing"];
    let first = server.json(&[&create[..], &["--expires-at", "2099-01-01T00:00:00Z"]].concat());
    assert!(text(&first, "secret").starts_with("clv_live_cs_"));
    assert_eq!((&first["stored_in"], &first["expires_at"]), (&json!("vault kv/billing"), &json!("2099-01-01T00:00:00Z")));
    let rotate = ["application", "secret", "rotate", &application, &text(&first, "id"), "--overlap-seconds", "600"];
    let second = server.json(&[&rotate[..], &["--name", "Next", "--stored-in", "kms", "--expires-at", "2098-01-01T00:00:00Z"]].concat());
    assert_eq!((&second["previous"]["id"], &second["previous"]["status"]), (&first["id"], &json!("active")));
    assert_eq!((&second["name"], &second["stored_in"]), (&json!("Next"), &json!("kms")));
    let third = server.json(&["application", "secret", "rotate", &application, &text(&second, "id")]);
    assert_eq!(third["previous"]["status"], "expired", "without an overlap the old secret ends at once");
    let compromise = ["application", "secret", "compromise", &application, &text(&third, "id"), "--comment", "in a log", "--replace"];
    let done = server.json(&compromise);
    assert_eq!((&done["revocation"]["reason"], &done["revocation"]["comment"]), (&json!("key_compromise"), &json!("in a log")));
    let replacement = &done["replacement"];
    assert!(text(replacement, "secret").starts_with("clv_live_cs_"));
    server.run(&compromise).refused(1, &["409 WRONG_STATUS"]);
    let revoke = ["application", "secret", "revoke", &application, &text(&first, "id"), "--reason", "policy", "--comment", "old"];
    let revoked = server.json(&[&revoke[..], &["--tokens", "die"]].concat());
    assert_eq!((&revoked["revocation"]["reason"], &revoked["revocation"]["comment"]), (&json!("policy"), &json!("old")));
    server.run(&[&revoke[..], &["--tokens", "maybe"]].concat()).refused(1, &["422 INVALID_VALUE", "/tokens"]);

    let list = server.json(&["application", "secret", "list", &application]);
    assert_eq!(list["data"].as_array().map(Vec::len), Some(4));
    let inventory = server.json(&["application", "secret", "list", "--all", "--status", "active", "--older-than-days", "0"]);
    assert_eq!(inventory["data"][0]["id"], replacement["id"]);
    assert_eq!(inventory["data"][0]["application_name"], "Sync");
    assert_eq!(names(&server.json(&["application", "secret", "list", "--all", "--stored-in", "kms"])), ["Next"]);
    assert_eq!(names(&server.json(&["application", "secret", "list", "--all", "--id", &text(&second, "id")])), ["Next"]);
    let unused = ["application", "secret", "list", "--all", "--unused-since", "2001-01-01T00:00:00Z"];
    assert_eq!(names(&server.json(&unused)), Vec::<String>::new());
    for secret in [&first, &second, &third, replacement] {
        let secret = text(secret, "secret");
        for list in [&list, &inventory] {
            assert!(!list.to_string().contains(&secret[secret.len() - 49..]), "a list shows no secret");
        }
    }
    server.run(&["application", "secret", "list"]).refused(2, &["APPLICATION"]);
    server.run(&["application", "secret", "list", &application, "--stored-in", "kms"]).refused(2, &["cannot be used with", "APPLICATION"]);
}

#[test]
fn a_public_key_is_added_from_a_file_and_a_private_one_stays_here() {
    let server = Server::start();
    let (organization, owner, _) = server.tenant();
    let application = server.id(&["application", "create", "Sync", "--organization", &organization, "--owner", &owner]);
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let public = server.file("public.jwk", &json!({ "kty": "OKP", "crv": "Ed25519", "x": x }).to_string());
    let add = ["application", "key", "add", &application, "--jwk", &public, "--name", "Prod", "--expires-at", "2099-01-01T00:00:00Z"];
    let made = server.json(&add);
    assert_eq!((&made["name"], &made["hint"], &made["expires_at"]), (&json!("Prod"), &json!("kPrK_qmx"), &json!("2099-01-01T00:00:00Z")));
    server.run(&add).refused(1, &["409 TAKEN"]);
    let address = server.json(&["application", "key", "add", &application, "--jwks-uri", "https://keys.example.com/jwks"]);
    assert_eq!(address["jwks_uri"], "https://keys.example.com/jwks");
    let private = server.file("private.jwk", &json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "d": x }).to_string());
    // No server answers at that address: it is not even asked.
    let mut command = server.command(&["application", "key", "add", &application, "--jwk", &private]);
    command.env("CLAVIGER_URL", "http://127.0.0.1:1");
    crate::running::run(command, "").refused(1, &["private.jwk", "it was not sent"]);
    let broken = server.file("broken.jwk", "{");
    server.run(&["application", "key", "add", &application, "--jwk", &broken]).refused(1, &["broken.jwk: not a JSON Web Key"]);
    server.run(&["application", "key", "add", &application]).refused(2, &["--jwk"]);
    let list = server.json(&["application", "key", "list", &application]);
    assert_eq!(names(&list), ["Prod", "Public key"]);
    let revoke = ["application", "key", "revoke", &application, &text(&made, "id"), "--reason", "superseded", "--tokens", "die"];
    assert_eq!(server.json(&revoke)["status"], "revoked");
}
