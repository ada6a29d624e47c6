//! What is written is read back, and what must differ differs.

mod support;

use claviger_credential::{Class, CredentialId, Digest, ParseError, Pepper, Prefix, Secret, parse};
use proptest::prelude::*;
use support::parts;

proptest! {
    #[test]
    fn a_minted_credential_is_parsed_back(parts in parts()) {
        let secret = parts.mint();
        let parsed = parse(secret.expose()).unwrap();
        prop_assert_eq!(parsed.prefix, parts.prefix.as_str());
        prop_assert_eq!(parsed.class, parts.class);
        prop_assert_eq!(parsed.id, parts.id);
        prop_assert_eq!(parsed.id_text(), parts.id.to_string());
        prop_assert_eq!(parsed.secret().len(), 43);
    }

    #[test]
    fn different_entropy_gives_different_secrets(parts in parts(), bit in 0usize..256) {
        let mut other = parts.clone();
        other.entropy[bit / 8] ^= 1 << (bit % 8);
        let (one, two) = (parts.mint(), other.mint());
        prop_assert_ne!(parse(one.expose()).unwrap().secret(), parse(two.expose()).unwrap().secret());
    }

    #[test]
    fn an_id_survives_text_and_words(bytes: [u8; 12], other: [u8; 12]) {
        let (id, other) = (CredentialId::from_bytes(bytes), CredentialId::from_bytes(other));
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        let (first, last) = id.words();
        prop_assert_eq!(CredentialId::from_words(first, last), id);
        prop_assert_eq!(id.as_bytes(), &bytes);
        prop_assert_eq!(id.cmp(&other), id.to_string().cmp(&other.to_string()));
    }

    #[test]
    fn an_id_text_that_is_accepted_is_the_only_one(text in "[0-9A-Za-z]{17}") {
        if let Ok(id) = text.parse::<CredentialId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn a_digest_depends_on_everything_that_goes_into_it(
        parts in parts(), environment: [u8; 16], key: [u8; 32], bit in 0usize..128,
    ) {
        let secret = parts.mint();
        let parsed = parse(secret.expose()).unwrap();
        let pepper = Pepper::new(&key);
        let digest = |class, environment: &[u8; 16], id: &str, secret: &str| {
            pepper.digest(class, environment, id, secret)
        };
        let stored = digest(parts.class, &environment, parsed.id_text(), parsed.secret());
        prop_assert_eq!(digest(parts.class, &environment, parsed.id_text(), parsed.secret()), stored);

        for class in Class::ALL.into_iter().filter(|&class| class != parts.class) {
            prop_assert_ne!(digest(class, &environment, parsed.id_text(), parsed.secret()), stored);
        }
        let mut elsewhere = environment;
        elsewhere[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(digest(parts.class, &elsewhere, parsed.id_text(), parsed.secret()), stored);
        let mut id = *parts.id.as_bytes();
        id[bit % 12] ^= 1;
        let id = CredentialId::from_bytes(id).to_string();
        prop_assert_ne!(digest(parts.class, &environment, &id, parsed.secret()), stored);
        let mut changed = parsed.secret().to_owned();
        changed.replace_range(7..8, if &changed[7..8] == "x" { "y" } else { "x" });
        prop_assert_ne!(digest(parts.class, &environment, parsed.id_text(), &changed), stored);
        let mut key = key;
        key[bit % 32] ^= 1;
        let other = Pepper::new(&key).digest(parts.class, &environment, parsed.id_text(), parsed.secret());
        prop_assert_ne!(other, stored);
    }

    #[test]
    fn a_digest_survives_bytes_and_words(bytes: [u8; 32], bit in 0usize..256) {
        let digest = Digest::from_bytes(bytes);
        prop_assert_eq!(Digest::from_words(digest.words()), digest);
        prop_assert_eq!(digest.as_bytes(), &bytes);
        let mut other = bytes;
        other[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(Digest::from_bytes(other), digest);
    }

    #[test]
    fn a_prefix_that_is_accepted_is_one_parse_accepts(text in "[a-z0-9_]{1,33}", parts in parts()) {
        if let Ok(prefix) = Prefix::parse(&text) {
            let secret = support::Parts { prefix, ..parts }.mint();
            prop_assert_eq!(parse(secret.expose()).unwrap().prefix, text);
        }
    }

    #[test]
    fn debug_never_shows_a_secret(parts in parts(), key: [u8; 32]) {
        let secret = parts.mint();
        let parsed = parse(secret.expose()).unwrap();
        let shown = format!("{parsed:?}");
        prop_assert!(!shown.contains(&parsed.secret()[..8]), "{}", shown);
        prop_assert!(shown.contains(parsed.id_text()));
        prop_assert_eq!(format!("{:?}", Pepper::new(&key)), "Pepper([redacted])");
        prop_assert_eq!(format!("{:?}", Digest::from_bytes(key)), "Digest([redacted])");
    }

    #[test]
    fn any_text_is_parsed_or_refused_without_a_panic(text in ".{0,120}", word in "[A-Za-z0-9_]{60,110}") {
        let _ = parse(&text);
        let _ = parse(&word);
    }
}

#[test]
fn each_kind_of_damage_is_named() {
    let key = "acme_live_ak_00P9MVMcaXWHEX8yi_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf2ibcpO";
    assert!(parse(key).is_ok());
    for (text, error) in [
        ("", ParseError::Length),
        (&key[..70], ParseError::Length),
        (&format!("a_very_long_name_{key}_and_more_behind"), ParseError::Length),
        (&format!(" {key}"), ParseError::Alphabet),
        (&key.replace("live", "l\u{ed}ve"), ParseError::Alphabet),
        (&key[..78], ParseError::Shape),
        (&key.replace("acme", "Acme"), ParseError::Shape),
        (&key.replace("_ak_", "_zz_"), ParseError::Class),
        (&key.replace("_ak_", "_cs_"), ParseError::Checksum),
        (&key.replace("live", "test"), ParseError::Checksum),
        // python3: a valid checksum over `_` within the id, then within the secret
        ("acme_live_ak_00P9M_McaXWHEX8yi_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1qy6yj", ParseError::Shape),
        ("acme_live_ak_00P9MVMcaXWHEX8yi_003aUlTJC7tjlCTQj2uN_3MFagCXG9LRKRcwGkBIDlf2DjruX", ParseError::Shape),
        // python3: a valid checksum over an id of 2^96
        ("acme_live_ak_1f2SI9UJPXvb7vdJ2_0000z6qyVcYG0QzxKkdqANH3oIpSMNGwuCmqSWokPK51BN1x6", ParseError::Id),
    ] {
        assert_eq!(parse(text).unwrap_err(), error, "{text}");
        assert!(error.to_string().starts_with("credential "));
    }
}

#[test]
fn a_secret_and_a_pepper_cross_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<Secret>();
    crosses::<Pepper>();
}
