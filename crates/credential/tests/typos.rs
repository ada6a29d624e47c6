//! A credential that was mistyped, cut or moved is refused by its text alone.
//!
//! CRC-32 misses none of these by theory, where the damage is before the checksum: a change of up
//! to 32 adjacent bits is always seen, and so is an exchange of two characters, because the
//! polynomial divides neither the difference nor x^n + 1 for n below 2^32 - 1.

mod support;

use claviger_credential::{Class, parse};
use proptest::prelude::*;
use support::parts;

const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

const KEYS: &[&str] = &[
    "acme_live_ak_00000000000000000_000000000000000000000000000000000000000000044H6Ze",
    "acme_live_ak_00P9MVMcaXWHEX8yi_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf2ibcpO",
    "a1_cs_1f2SI9UJPXvb7vdJ1_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp11V9wA5",
    "globex_corporation_staging_eu_01_wt_001fYBll7kmsuQQ1b_mbteWDv0GmKYwtqy7TBjU5MYkNqMB9WAtl5S1Abj1iR1W6OUf",
    "acme_test_mk_14Z2a6KAkibidWGyQ_SIgrDLwNCemqipC5IokK0AzL18ZG5DQAD5KdIPGAg5y0LPSMM",
];

/// Every text that differs from `key` in one character, over the whole of printable ASCII.
fn substitutions(key: &str) -> impl Iterator<Item = String> {
    (0..key.len()).flat_map(move |at| {
        (' '..='~').filter(move |&typed| !key[at..].starts_with(typed)).map(move |typed| format!("{}{typed}{}", &key[..at], &key[at + 1..]))
    })
}

fn exchanged(key: &str, one: usize, two: usize) -> String {
    let mut bytes = key.as_bytes().to_vec();
    bytes.swap(one, two);
    String::from_utf8(bytes).expect("ASCII")
}

fn assert_refused(text: &str) {
    assert!(parse(text).is_err(), "accepted {text}");
}

#[test]
fn every_substitution_of_one_character_is_refused() {
    for key in KEYS {
        parse(key).expect(key);
        substitutions(key).for_each(|text| assert_refused(&text));
    }
}

#[test]
fn every_exchange_of_two_characters_is_refused() {
    for key in KEYS {
        for one in 0..key.len() {
            for two in one + 1..key.len() {
                if key.as_bytes()[one] != key.as_bytes()[two] {
                    assert_refused(&exchanged(key, one, two));
                }
            }
        }
    }
}

#[test]
fn every_piece_of_a_key_is_refused() {
    for key in KEYS {
        for start in 0..key.len() {
            for end in start..key.len() {
                assert_refused(&key[start..end]);
            }
            if start > 0 {
                assert_refused(&key[start..]);
            }
        }
    }
}

#[test]
fn every_character_dropped_or_inserted_is_refused() {
    for key in KEYS {
        for at in 0..=key.len() {
            let (head, tail) = key.split_at(at);
            if !tail.is_empty() {
                assert_refused(&format!("{head}{}", &tail[1..]));
            }
            for typed in ALPHABET.chars() {
                assert_refused(&format!("{head}{typed}{tail}"));
            }
        }
    }
}

proptest! {
    #[test]
    fn a_generated_key_survives_no_substitution(parts in parts(), at: prop::sample::Index, typed in "[0-9A-Za-z_]") {
        let secret = parts.mint();
        let key = secret.expose();
        let at = at.index(key.len());
        prop_assume!(key[at..=at] != typed);
        let text = format!("{}{typed}{}", &key[..at], &key[at + 1..]);
        prop_assert!(parse(&text).is_err());
    }

    #[test]
    fn a_generated_key_survives_no_exchange_of_neighbours(parts in parts()) {
        let secret = parts.mint();
        let key = secret.expose();
        for at in 1..key.len() {
            let text = exchanged(key, at - 1, at);
            prop_assert!(text == key || parse(&text).is_err(), "at {}", at);
        }
    }

    #[test]
    fn a_generated_key_survives_no_exchange(parts in parts(), one: prop::sample::Index, two: prop::sample::Index) {
        let secret = parts.mint();
        let key = secret.expose();
        let text = exchanged(key, one.index(key.len()), two.index(key.len()));
        prop_assert!(text == key || parse(&text).is_err());
    }

    #[test]
    fn a_generated_key_is_refused_cut_or_extended(parts in parts(), extra in "[0-9A-Za-z_]{1,40}") {
        let secret = parts.mint();
        let key = secret.expose();
        for at in 1..key.len() {
            prop_assert!(parse(&key[..at]).is_err());
            prop_assert!(parse(&key[at..]).is_err());
        }
        let (behind, before) = (format!("{key}{extra}"), format!("{extra}{key}"));
        prop_assert!(parse(&behind).is_err());
        prop_assert!(parse(&before).is_err());
    }

    #[test]
    fn a_key_of_one_environment_is_refused_under_the_prefix_of_another(parts in parts(), other in support::prefix()) {
        prop_assume!(parts.prefix != other);
        let secret = parts.mint();
        let tail = &secret.expose()[parts.prefix.as_str().len()..];
        let (as_other, as_test) = (format!("{other}{tail}"), format!("{}_test{tail}", parts.prefix));
        prop_assert!(parse(&as_other).is_err());
        prop_assert!(parse(&as_test).is_err());
    }

    #[test]
    fn a_key_of_one_class_is_refused_as_another(parts in parts()) {
        let secret = parts.mint();
        let tail = &secret.expose()[parts.prefix.as_str().len() + 3..];
        for class in Class::ALL {
            let moved = format!("{}_{class}{tail}", parts.prefix);
            prop_assert_eq!(parse(&moved).is_ok(), class == parts.class);
        }
    }
}
