//! Known answers, computed by python3 (`hmac`, `hashlib`, `zlib`) from the description of the
//! format alone, never by this crate: what is stored today must verify in ten years.

use claviger_credential::{Class, CredentialId, Digest, Pepper, Prefix, foreign_digest, hint, mint, parse};

struct Vector {
    prefix: &'static str,
    class: Class,
    id: &'static str,
    entropy: &'static str,
    text: &'static str,
    digest: &'static str,
}

/// SHA-256 of `pepper`.
const PEPPER: &str = "8cbbcf29d9cef89675c5f5c1dcfe827d0570416a5aaba30dd0de159661ad905b";
const ENVIRONMENT: &str = "0190a3f2c0de7abc8def0123456789ab";

const VECTORS: &[Vector] = &[
    Vector {
        prefix: "acme_live",
        class: Class::ApiKey,
        id: "000000000000000000000000",
        entropy: "0000000000000000000000000000000000000000000000000000000000000000",
        text: "acme_live_ak_00000000000000000_000000000000000000000000000000000000000000044H6Ze",
        digest: "ff4fef1740da8b932663541abf997985448b72ca80f7c5fc96eefcc012752e7d",
    },
    Vector {
        prefix: "acme_live",
        class: Class::ApiKey,
        id: "0102030405060708090a0b0c",
        entropy: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        text: "acme_live_ak_00P9MVMcaXWHEX8yi_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf2ibcpO",
        digest: "dd679e403f59fc107f6ff32fa765b23318fbdf6f5c83ee702938ea1ca5316b02",
    },
    Vector {
        prefix: "a1",
        class: Class::ClientSecret,
        id: "ffffffffffffffffffffffff",
        entropy: "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        text: "a1_cs_1f2SI9UJPXvb7vdJ1_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp11V9wA5",
        digest: "9838e5f21387f0ab22a897b3ae51c03212b168c0493551d4dd40cbeaa7a85a7d",
    },
    Vector {
        prefix: "globex_corporation_staging_eu_01",
        class: Class::WidgetToken,
        id: "00112233445566778899aabb",
        entropy: "ccff64c384bf22a0e4b7394f1d26f145992d599b99c7f8ff5250fafac91675af",
        text: "globex_corporation_staging_eu_01_wt_001fYBll7kmsuQQ1b_mbteWDv0GmKYwtqy7TBjU5MYkNqMB9WAtl5S1Abj1iR1W6OUf",
        digest: "3eac248959cdcee8986371ee5986bd26696d523532665bccff2909ae9f4681a4",
    },
    Vector {
        prefix: "acme_test",
        class: Class::ManagementKey,
        id: "a56145270ce6b3bebd1dd012",
        entropy: "77598104851da033f403a12fb7be76bf29a08f13252054795d587f683f6956aa",
        text: "acme_test_mk_14Z2a6KAkibidWGyQ_SIgrDLwNCemqipC5IokK0AzL18ZG5DQAD5KdIPGAg5y0LPSMM",
        digest: "987c3591cc1589c9adde62f46648bd6c5c8e431b7ece73793c91c84bd1c56822",
    },
];

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    assert_eq!(hex.len(), 2 * N);
    std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex"))
}

#[test]
fn minted_texts_are_the_known_ones() {
    for vector in VECTORS {
        let prefix = Prefix::parse(vector.prefix).expect("a valid prefix");
        let id = CredentialId::from_bytes(bytes(vector.id));
        let secret = mint(&prefix, vector.class, id, &bytes(vector.entropy));
        assert_eq!(secret.expose(), vector.text);
    }
}

#[test]
fn known_texts_are_parsed_and_digested_as_known() {
    let pepper = Pepper::new(&bytes(PEPPER));
    for vector in VECTORS {
        let parsed = parse(vector.text).expect(vector.text);
        assert_eq!((parsed.prefix, parsed.class), (vector.prefix, vector.class));
        assert_eq!(parsed.id, CredentialId::from_bytes(bytes(vector.id)));
        assert_eq!(parsed.id.to_string(), parsed.id_text());
        let digest = pepper.digest(parsed.class, &bytes(ENVIRONMENT), parsed.id_text(), parsed.secret());
        assert_eq!(digest.as_bytes(), &bytes::<32>(vector.digest), "{}", vector.text);
    }
}

#[test]
fn a_foreign_secret_is_digested_with_sha_256() {
    let known = "456223391c7238489888a62a4cab39faff52a7fd027bc1fc77f2c26bc6c00d4b";
    assert_eq!(foreign_digest("foreign-secret-from-elsewhere"), Digest::from_bytes(bytes(known)));
}

#[test]
fn a_hint_shows_where_a_key_belongs_and_hides_the_rest() {
    assert_eq!(hint(VECTORS[1].text), "acme_live_ak_00P9…bcpO");
    assert_eq!(hint(VECTORS[2].text), "a1_cs_1f2S…9wA5");
    // Not ours any more: one character short.
    assert_eq!(hint(&VECTORS[1].text[..79]), "acme…ibcp");
    assert_eq!(hint("AKIA-or-some-other-vendor-key"), "AKIA…-key");
    for hidden in ["", "short", "exactly-23-characters-x", "a text\nwith control characters", "ключ-от-чужой-системы-123"]
    {
        assert_eq!(hint(hidden), "…", "{hidden}");
    }
}
