//! Changes of the text, whatever it means.

use super::{Mutant, Token, World, encode};

const URL_SAFE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Put in at every place: whitespace, padding, separators, the other alphabet, and what some trim or drop.
const INTRUDERS: [char; 16] = [' ', '\t', '\n', '\r', '=', '.', '+', '/', ',', '"', '%', '\0', '\u{b}', '\u{a0}', '\u{200b}', '\u{feff}'];

pub fn mutants(world: &World, token: &Token) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut add = |kind, text: String| mutants.push((kind, text));
    let text = token.text.as_str();

    for at in 0..text.len() {
        let (before, rest) = text.split_at(at);
        let (this, after) = rest.split_at(1);
        for bit in 0..8 {
            let flipped = char::from(this.as_bytes()[0] ^ (1 << bit));
            add("text: bit flipped", format!("{before}{flipped}{after}"));
        }
        add("text: cut", before.to_owned());
        if at > 0 {
            add("text: cut", rest.to_owned());
        }
        add("text: character removed or doubled", format!("{before}{after}"));
        add("text: character removed or doubled", format!("{before}{this}{rest}"));
        for intruder in INTRUDERS {
            add("text: character put in", format!("{before}{intruder}{rest}"));
        }
        for confusable in confusables(this) {
            add("text: character replaced by a confusable", format!("{before}{confusable}{after}"));
        }
    }
    for intruder in INTRUDERS {
        add("text: character put in", format!("{text}{intruder}"));
        add("text: character put in", format!("{intruder}{text}{intruder}"));
    }

    let parts = [token.header.as_bytes(), token.payload.as_bytes(), &token.signature];
    for (which, part) in parts.iter().enumerate() {
        for (at, bit) in (0..part.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = part.to_vec();
            changed[at] ^= 1 << bit;
            add("part: bit flipped", with(token, which, &encode(changed)));
        }
        let encoded = encode(part);
        for last in URL_SAFE.chars() {
            add("text: stray bits and padding", with(token, which, &format!("{}{last}", &encoded[..encoded.len() - 1])));
            add("text: stray bits and padding", with(token, which, &format!("{encoded}{last}")));
        }
        for padding in ["=", "==", "===", "====", "%3D", "A=", "A==="] {
            add("text: stray bits and padding", with(token, which, &format!("{encoded}{padding}")));
        }
        let standard = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, part);
        add("text: stray bits and padding", with(token, which, &standard));
        let lines: Vec<&str> = (0..encoded.len()).step_by(64).map(|at| &encoded[at..(at + 64).min(encoded.len())]).collect();
        for end in ["\n", "\r\n", " ", "\n "] {
            add("text: stray bits and padding", with(token, which, &format!("{}{end}", lines.join(end))));
        }
        let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
        for other in ["", ".", "null", "e30", "W10", "IiI", &encode(&encoded), &hex, &encoded.repeat(2), &encoded.repeat(99)] {
            add("text: parts exchanged, repeated or missing", with(token, which, other));
        }
    }

    for other in &world.tokens {
        let all = [token.parts(), other.parts()];
        for choice in 0..27u32 {
            // Each place holds a part of the token, of the other, or of the other in its neighbour's place.
            let part = |place: usize| match choice / 3u32.pow(place as u32) % 3 {
                0 => all[0][place],
                1 => all[1][place],
                _ => all[1][(place + 1) % 3],
            };
            add("text: parts exchanged, repeated or missing", format!("{}.{}.{}", part(0), part(1), part(2)));
        }
        for joined in [".", "", ",", " ", "~", "\n"] {
            add("text: parts exchanged, repeated or missing", format!("{text}{joined}{}", other.text));
        }
    }
    let [header, payload, signature] = token.parts();
    for other in [
        format!("{header}.{payload}"),
        format!("{header}.{payload}.."),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}.{signature}"),
        format!("{header}..{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("..{signature}"),
        format!("{header}/{payload}/{signature}"),
        format!("{header}%2E{payload}%2E{signature}"),
        text.replace('.', "。"),
        text.replace('.', "．"),
        text.to_uppercase(),
        text.to_lowercase(),
        text.chars().rev().collect(),
    ] {
        add("text: parts exchanged, repeated or missing", other);
    }
    for other in [
        format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
        format!(r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#),
        format!("\"{text}\""),
        format!("[\"{text}\"]"),
        format!("Bearer {text}"),
        format!("DPoP {text}"),
        encode(text),
        text.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        text.encode_utf16().map(|unit| char::from_u32(u32::from(unit) << 8).unwrap_or('?')).collect(),
    ] {
        add("text: another serialization", other);
    }
    mutants
}

fn with(token: &Token, which: usize, part: &str) -> String {
    let mut parts = token.parts();
    parts[which] = part;
    parts.join(".")
}

/// Characters that look like this one: full width, Cyrillic, Greek.
fn confusables(this: &str) -> Vec<char> {
    const ALIKE: [(&str, &str); 3] =
        [("ABCEHIJKMOPSTXYacehijopsxy", "АВСЕНІЈКМОРЅТХУасеһіјорѕху"), ("ABEHIKMNOPTXYZov", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖον"), ("-_.0", "‐ˍ․О")];
    let wide = this.chars().filter_map(|it| char::from_u32(u32::from(it) + 0xfee0));
    let alike = ALIKE.iter().filter_map(|(plain, alike)| alike.chars().nth(plain.find(this)?));
    wide.chain(alike).collect()
}
