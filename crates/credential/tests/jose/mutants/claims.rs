//! Changes of what the payload says.

use serde_json::{Value, json};

use super::{Mutant, Token, World};

pub fn mutants(world: &World, token: &Token) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut add = |kind, text: String| mutants.push((kind, text));
    let claims: serde_json::Map<String, Value> = serde_json::from_str(&token.payload).unwrap();
    let names = claims.keys().map(String::as_str).chain(["nbf", "client_id", "admin", "cnf", "act", "azp", "roles", "", "__proto__"]);
    for name in names {
        for value in values().into_iter().filter(|value| claims.get(name) != Some(value)) {
            let mut changed = claims.clone();
            changed.insert(name.to_owned(), value);
            let changed = Value::from(changed).to_string();
            add("claim of another type or value, old signature", token.with(None, Some(changed.as_bytes()), None));
        }
        let mut without = claims.clone();
        if without.remove(name).is_some() {
            add("claim of another type or value, old signature", token.with(None, Some(Value::from(without).to_string().as_bytes()), None));
        }
    }
    for (name, value) in &claims {
        for other in [json!("admin"), value.clone(), json!(null), json!(9_999_999_999u64)] {
            for doubled in doubled(&token.payload, name, &other) {
                add("payload duplicated, old signature", token.with(None, Some(doubled.as_bytes()), None));
                add("header or payload rightly signed, but refused", world.signer(token).token(&token.header, doubled));
            }
        }
    }

    let inner = &token.payload[1..token.payload.len() - 1];
    let mut refused: Vec<Vec<u8>> = [
        "null",
        "true",
        "1",
        "\"\"",
        "[]",
        "foo",
        "{",
        "}",
        "{\"sub\"}",
        "{\"sub\":}",
        "{'sub':'x'}",
        "{sub:1}",
        "\u{feff}{}",
        "{\"x\":{\"a\":1,\"a\":1}}",
        "{\"x\":\"\\ud800\"}",
        "{\"x\":\"\\x41\"}",
        "{\"x\":\"\n\"}",
        "{\"exp\":1e309}",
        "{\"exp\":-1e309}",
        "{\"exp\":NaN}",
        "{\"exp\":Infinity}",
        "{\"exp\":0x7fffffff}",
        "{\"exp\":+1}",
        "{\"exp\":01}",
        "{\"exp\":1.}",
        "{\"exp\":.5}",
        "{\"exp\":1e}",
    ]
    .map(Vec::from)
    .to_vec();
    refused.extend(
        [
            format!("[{}]", token.payload),
            format!("{}{}", token.payload, token.payload),
            format!("{},", token.payload),
            format!("{}\0", token.payload),
            format!("\u{feff}{}", token.payload),
            format!("{{{inner},}}"),
            format!("{{{inner} // comment\n}}"),
            format!("{{{inner},\"cnf\":{{\"jkt\":\"a\",\"jkt\":\"b\"}}}}"),
            format!("{{{inner},\"x\":{}}}", "9".repeat(400)),
        ]
        .map(String::into_bytes),
    );
    refused.extend([130, 1_000, 5_000].map(|depth| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes()));
    refused.extend([130, 1_000, 2_000].map(|depth| format!("{}1{}", "{\"x\":".repeat(depth), "}".repeat(depth)).into_bytes()));
    let quote = token.payload.find("client").unwrap();
    for not_utf8 in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"] {
        let (before, after) = token.payload.as_bytes().split_at(quote);
        refused.push([before, not_utf8, after].concat());
    }
    refused.push(token.payload.encode_utf16().flat_map(u16::to_le_bytes).collect());
    refused.push(token.payload.encode_utf16().flat_map(u16::to_be_bytes).collect());
    for payload in refused {
        add("claim of another type or value, old signature", token.with(None, Some(&payload), None));
        add("header or payload rightly signed, but refused", world.signer(token).token(&token.header, payload));
    }

    // The same claims written otherwise are other bytes.
    for spaced in [token.payload.replace(',', ", "), format!("{}\n", token.payload), token.payload.replace('/', "\\/")] {
        add("claim of another type or value, old signature", token.with(None, Some(spaced.as_bytes()), None));
    }
    for (at, letter) in token.payload.char_indices().filter(|(_, letter)| letter.is_ascii_alphanumeric()) {
        let (before, after) = (&token.payload[..at], &token.payload[at + 1..]);
        let wide = char::from_u32(u32::from(letter) + 0xfee0).unwrap();
        for other in [wide.to_string(), format!("\\u{:04x}", u32::from(letter)), format!("{letter}\u{301}")] {
            let changed = format!("{before}{other}{after}");
            add("claim of another type or value, old signature", token.with(None, Some(changed.as_bytes()), None));
        }
    }
    mutants
}

/// The object with a member twice: in front, behind, and behind under an escaped name.
fn doubled(object: &str, name: &str, value: &Value) -> [String; 3] {
    let inner = &object[1..object.len() - 1];
    let escaped = format!("\\u{:04x}{}", u32::from(name.as_bytes()[0]), &name[1..]);
    [format!("{{\"{name}\":{value},{inner}}}"), format!("{{{inner},\"{name}\":{value}}}"), format!("{{{inner},\"{escaped}\":{value}}}")]
}

fn values() -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1),
        json!(0.5),
        json!(1e300),
        json!(-1e300),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(253_402_300_800u64),
        json!(4_102_444_801u64),
        json!("4102444800"),
        json!(""),
        json!(" "),
        json!("admin"),
        json!("*"),
        json!("client-0"),
        json!("сlient-0"),
        json!("client-0\0"),
        json!("https://as.example/"),
        json!("https://evil.example"),
        json!([]),
        json!([[]]),
        json!([null]),
        json!(["https://api.example", "https://evil.example"]),
        json!("https://api.example"),
        json!({}),
        json!({ "jkt": "attacker" }),
        json!("a".repeat(4_000)),
    ];
    let nested = (0..100).fold(json!(1), |inner, _| json!([inner]));
    values.push(nested);
    values
}
