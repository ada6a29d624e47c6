//! Any text is parsed, hinted at and redacted without a panic; what is parsed is what was
//! written; what is redacted holds no credential any more.

use claviger_credential::{Class, CredentialId, Prefix, hint, mint, parse, redact};

/// The input is read as text, and, when long enough, also as the parts of a valid credential
/// (entropy 32, id 12, class 1) and what surrounds it: mutation alone never finds a checksum.
pub fn credential_parse(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    any_text(&text);
    if let Some((parts, around)) = data.split_first_chunk::<45>() {
        a_credential_within(parts, &String::from_utf8_lossy(around));
    }
}

fn any_text(text: &str) {
    let shown = hint(text);
    assert!(shown.contains('…') && shown.len() < 50);
    let clean = redact(text);
    assert_no_credential(&clean);
    assert_eq!(redact(&clean), clean, "redacting twice changes nothing");

    let Ok(parsed) = parse(text) else { return };
    let body = format!("{}_{}_{}_{}", parsed.prefix, parsed.class, parsed.id, parsed.secret());
    assert_eq!(text.get(..text.len() - 6), Some(body.as_str()), "the pieces are the text");
    assert_eq!(text[text.len() - 6..], base62_6(crc32fast::hash(body.as_bytes())));
    assert_eq!(parsed.id_text().parse(), Ok(parsed.id));
    assert_eq!(parsed.class.as_str().parse(), Ok(parsed.class));
    assert!(!clean.contains(parsed.secret()));
    assert!(!shown.contains(parsed.secret()) && !format!("{parsed:?}").contains(parsed.secret()));
}

fn a_credential_within(parts: &[u8; 45], around: &str) {
    let entropy = parts[..32].try_into().expect("32 bytes");
    let id = CredentialId::from_bytes(parts[32..44].try_into().expect("12 bytes"));
    let class = Class::ALL[usize::from(parts[44] % 4)];
    let prefix = Prefix::parse("acme_live").expect("a valid prefix");

    let minted = mint(&prefix, class, id, entropy);
    let key = minted.expose();
    let parsed = parse(key).expect("what is minted can be parsed");
    assert_eq!((parsed.prefix, parsed.class, parsed.id), ("acme_live", class, id));
    any_text(key);

    let half = (0..=around.len() / 2).rev().find(|&at| around.is_char_boundary(at)).unwrap_or(0);
    let (before, after) = around.split_at(half);
    let line = format!("{before}{key}{after}");
    let clean = redact(&line);
    // A fuzzer likes entropy of all zeros, and zeros alone, outside any credential, may stay.
    if !around.contains(parsed.secret()) {
        assert!(!clean.contains(parsed.secret()), "{clean}");
    }
    assert_no_credential(&clean);
    any_text(&line);
}

/// No window of the text is a credential.
fn assert_no_credential(text: &str) {
    for (at, _) in text.match_indices('_') {
        // The end is fixed by the class marker; the prefix may be of any length.
        let Some(tail) = text.get(at..at + 71) else { continue };
        for prefix in 2..=32usize.min(at) {
            let Some(prefix) = text.get(at - prefix..at) else { continue };
            assert!(parse(&format!("{prefix}{tail}")).is_err(), "{text}");
        }
    }
}

/// A second, naive writing of the checksum.
fn base62_6(mut value: u32) -> String {
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [0; 6];
    for place in text.iter_mut().rev() {
        *place = digits[value as usize % 62];
        value /= 62;
    }
    String::from_utf8(text.to_vec()).expect("ASCII")
}
