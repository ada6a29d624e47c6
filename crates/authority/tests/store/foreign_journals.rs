//! A journal that was changed, cut off or written for another backup.

use claviger_authority::db::Location;
use claviger_authority::db::copy::{self, Format};
use claviger_authority::keys::{self, Reason};
use serde_json::{Value, json};

use crate::store::Store;

#[tokio::test]
async fn a_tampered_or_foreign_journal_is_refused_before_anything_is_changed() {
    let store = Store::sqlite().await;
    let id = store.key().await;
    let backup = store.backup("backup", Format::Logical).await;
    let root = store.caller().await;
    keys::disable(&store.authority, &root, id).await.unwrap();
    keys::revoke(&store.authority, &root, id, Reason::Superseded, None).await.unwrap();
    keys::undo(&store.authority, &root, id).await.unwrap();
    let text = std::fs::read_to_string(store.journal("journal").await).unwrap();
    let lines: Vec<String> = text.lines().filter(|line| !line.contains("journal_ends")).map(str::to_owned).collect();
    let live = lines.iter().rposition(|line| line.contains("api_key.disabled")).unwrap();
    let end = lines.iter().rposition(|line| line.contains("api_key.revocation_undone")).unwrap();
    let bad = store.path("bad");
    let closing = text.lines().last().unwrap().to_owned();
    let with = |lines: Vec<String>, closing: &str| std::fs::write(&bad, lines.join("\n") + "\n" + closing + "\n").unwrap();
    with(lines.clone(), &closing);
    let fine = Location::Sqlite(store.path("fine.db"));
    copy::restore(&backup, &fine, Some(&bad), &store.clock, |_, _| ()).await.expect("as it was written, it is good");

    for place in [live, end] {
        let mut changed = lines.clone();
        changed[place] = changed[place].replacen("api_key.", "api_key.x", 1);
        with(changed, &closing);
        assert!(store.refused_restore(&backup, Some(&bad)).await.contains("was changed"), "event {place}");
        let mut gap = lines.clone();
        gap.remove(place);
        with(gap, &closing);
        assert!(store.refused_restore(&backup, Some(&bad)).await.contains("missing"), "event {place}");
    }
    for kept in [0, lines.len() - 1, lines.len()] {
        std::fs::write(&bad, lines[..kept].iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        assert!(store.refused_restore(&backup, Some(&bad)).await.contains("cut off"), "{kept} events");
    }
    std::fs::write(&bad, &text[..text.len() - 20]).unwrap();
    assert!(store.refused_restore(&backup, Some(&bad)).await.contains("not an event"));
    with(lines[live + 1..=end].to_vec(), &closing);
    assert!(store.refused_restore(&backup, Some(&bad)).await.contains("between are missing"));
    with(vec!["{}".to_owned()], &closing);
    assert!(store.refused_restore(&backup, Some(&bad)).await.contains("not an event"));

    // A chain that is whole and closed, but branches off before the backup.
    let mut other = lines.clone();
    let environment = root.context.environment.id.to_string();
    let (mut previous, mut seq) = (String::new(), 0);
    for line in other.iter_mut().filter(|line| line.contains(&format!("\"environment\":\"{environment}\""))) {
        let mut event: Value = serde_json::from_str(line).unwrap();
        event["request_id"] = json!("forged");
        if !previous.is_empty() {
            event["previous"] = json!(previous);
        }
        seq = event["seq"].as_i64().unwrap();
        *line = event.to_string();
        previous = sha256(line);
    }
    let mut closing: Value = serde_json::from_str(&closing).unwrap();
    let ends = closing["journal_ends"].as_array_mut().unwrap();
    let head = ends.iter_mut().find(|head| head["environment"] == environment.as_str()).unwrap();
    (head["seq"], head["hash"]) = (json!(seq), json!(previous));
    with(other, &closing.to_string());
    assert!(store.refused_restore(&backup, Some(&bad)).await.contains("does not continue this backup"));
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
