//! After redaction nothing is left to use, and little is lost.

mod support;

use std::borrow::Cow;

use claviger_credential::{parse, redact};
use proptest::prelude::*;
use support::parts;

const KEY: &str = "acme_live_ak_00P9MVMcaXWHEX8yi_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf2ibcpO";
const CLEAN: &str = "acme_live_ak_00P9MVMcaXWHEX8yi_[redacted]";
const SECRET: &str = "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf2ibcpO";

/// The most characters of `secret` in a row that `text` still shows.
fn longest_leak(text: &str, secret: &str) -> usize {
    let shows = |len: usize| (0..=secret.len() - len).any(|at| text.contains(&secret[at..at + len]));
    (1..=secret.len()).take_while(|&len| shows(len)).last().unwrap_or(0)
}

#[test]
fn a_key_is_blacked_out_wherever_it_stands() {
    for (text, clean) in [
        (KEY.to_owned(), CLEAN.to_owned()),
        (format!("Authorization: Bearer {KEY}\r\n"), format!("Authorization: Bearer {CLEAN}\r\n")),
        (format!(r#"{{"credential":"{KEY}","n":1}}"#), format!(r#"{{"credential":"{CLEAN}","n":1}}"#)),
        (format!("/?key={KEY}&page=2"), format!("/?key={CLEAN}&page=2")),
        (format!("{KEY} {KEY}"), format!("{CLEAN} {CLEAN}")),
        (format!("ключ={KEY}…"), format!("ключ={CLEAN}…")),
        // Words that touch a key go with it rather than be guessed at.
        (format!("KEY_{KEY}_old"), format!("KEY_{CLEAN}")),
        (format!("{KEY}{KEY}"), format!("{CLEAN}_ak_00P9MVMcaXWHEX8yi_[redacted]")),
        // A class letter pair as a word of the prefix is not the class.
        (format!("ak_{KEY}"), format!("ak_{CLEAN}")),
        (format!("x_cs_{KEY}"), format!("x_cs_{CLEAN}")),
        (format!("x_ak{}", &KEY[9..]), "x_ak_ak_00P9MVMcaXWHEX8yi_[redacted]".to_owned()),
        // One cut short behind another marker is not mistaken for the rest of it.
        (format!("x_ak_ab{}", &KEY[9..KEY.len() - 6]), "x_ak_ab_ak_00P9MVMcaXWHEX8yi_[redacted]".to_owned()),
    ] {
        assert_eq!(redact(&text), clean);
    }
}

#[test]
fn a_key_cut_short_is_blacked_out() {
    for len in 32..KEY.len() {
        assert_eq!(redact(&KEY[..len]), CLEAN, "{len}");
    }
}

#[test]
fn what_holds_no_secret_is_borrowed_unchanged() {
    for text in [
        "",
        "_",
        "_ak_",
        "GET /v1/api-keys/ak_00P9MVMcaXWHEX8yi 200 4ms",
        "acme_live_ak_00P9MVMcaXWHEX8yi revoked by ada@example.com",
        "acme_live_ak_00P9MVMcaXWHEX8yi_",
        "acme_live_ak_00P9…bcpO",
        "task_cs_collect_statistics_for_the_last_thirty_days_and_more",
        "acme_live_ak_00P9MVMcaXWHEX8yi e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        CLEAN,
    ] {
        assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{text}");
    }
}

#[test]
fn a_key_damaged_twice_is_blacked_out_while_half_its_secret_is_in_one_piece() {
    let without_id = KEY.replace("00P9MVMcaXWHEX8yi_", "");
    for text in [
        without_id.as_str(),
        &without_id[..without_id.len() - 25],
        &KEY.replace("MVM", ""),
        &KEY.replace("MVM", "")[..KEY.len() - 25],
        &KEY.replace("MVM", "").replace("uNU", "_NU"),
    ] {
        assert!(longest_leak(&redact(text), SECRET) < 5, "{text} as {}", redact(text));
    }
}

/// One character changed, dropped or inserted anywhere behind the class, of any kind.
#[test]
fn a_mistyped_key_shows_nothing_of_its_secret() {
    let class_ends = "acme_live_ak_".len();
    for at in class_ends..=KEY.len() {
        let (head, tail) = KEY.split_at(at);
        for typed in ["0", "Q", "_", "-", " ", ".", "é", "…", "\u{1F511}", "\u{0}"] {
            let mut texts = vec![format!("{head}{typed}{tail}")];
            if let Some(tail) = tail.get(1..) {
                texts.push(format!("{head}{typed}{tail}"));
                texts.push(format!("{head}{tail}"));
            }
            for text in texts {
                let line = format!("\"{text}\"");
                let leak = longest_leak(&redact(&line), SECRET);
                assert!(leak < 5, "{leak} characters of {line} in {}", redact(&line));
            }
        }
    }
}

proptest! {
    #[test]
    fn a_secret_never_survives(parts in parts(), before in ".{0,80}", after in ".{0,80}") {
        let secret = parts.mint();
        let key = secret.expose();
        let line = format!("{before}{key}{after}");
        let clean = redact(&line);
        prop_assert!(!clean.contains(parse(key).unwrap().secret()));
        prop_assert_eq!(redact(&clean), clean.as_ref());
    }

    /// Surroundings made of what the search looks for, where mistakes would hide.
    #[test]
    fn a_secret_never_survives_among_markers(
        parts in parts(),
        before in "(_|ak|_ak_|_cs_|_wt_mk_|[0-9A-Za-z]{17}|[0-9a-f]{43}|é| ){0,8}",
        after in "(_|ak|_ak_|_cs_|_wt_mk_|[0-9A-Za-z]{17}|[0-9a-f]{43}|é| ){0,8}",
    ) {
        let secret = parts.mint();
        let key = secret.expose();
        let line = format!("{before}{key}{after}");
        let clean = redact(&line);
        let leak = longest_leak(&clean, parse(key).unwrap().secret());
        prop_assert!(leak < 12, "{} characters in {}", leak, clean);
        prop_assert_eq!(redact(&clean), clean.as_ref());
    }

    #[test]
    fn a_line_between_delimiters_keeps_all_but_the_secret(
        parts in parts(), before in "[a-z :/?=]{0,40}[ =\"]", after in "([ &\"][a-z ]{0,20})?",
    ) {
        let secret = parts.mint();
        let key = secret.expose();
        let public = &key[..key.len() - 49];
        let line = format!("{before}{key}{after}");
        prop_assert_eq!(redact(&line), format!("{before}{public}[redacted]{after}"));
    }
}
