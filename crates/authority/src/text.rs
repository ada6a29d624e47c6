//! Values that people write, parsed once into what cannot be wrong. Nothing here is silently repaired.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::{Error, Violation};

/// Collects what is wrong with a request, so that the caller hears of everything at once.
#[derive(Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// The value if it is good; otherwise its default stands in until [`Violations::done`] refuses.
    pub fn take<T: Default>(&mut self, pointer: &str, parsed: Result<T, String>) -> T {
        parsed.unwrap_or_else(|detail| {
            self.add(pointer, detail);
            T::default()
        })
    }

    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Violation { pointer: pointer.into(), detail: detail.into() });
    }

    pub fn done(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// Characters that make a text look like something it is not: controls, and those that change direction.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{61c}' | '\u{feff}')
}

fn line(text: &str, most: usize) -> Result<String, String> {
    let length = text.chars().count();
    if length == 0 || text.trim() != text {
        return Err("must not be empty, nor begin or end with white space".to_owned());
    }
    if length > most {
        return Err(format!("has {length} characters; at most {most} are allowed"));
    }
    match text.chars().find(|character| is_deceptive(*character)) {
        Some(character) => Err(format!("holds the invisible character U+{:04X}, which is not allowed", character as u32)),
        None => Ok(text.to_owned()),
    }
}

/// A name for people: 1 to 200 characters, none of them invisible.
pub fn name(text: &str) -> Result<String, String> {
    line(text, 200)
}

/// A sentence for people: 1 to 1,000 characters, none of them invisible.
pub fn sentence(text: &str) -> Result<String, String> {
    line(text, 1_000)
}

pub fn optional<T>(text: Option<&str>, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    text.map(parse).transpose()
}

/// The caller's own id of a thing: 1 to 255 characters.
pub fn external_id(text: &str) -> Result<String, String> {
    line(text, 255)
}

/// An e-mail address, as far as a program can tell (RFC 5321 limits; delivery is the only proof).
pub fn email(text: &str) -> Result<String, String> {
    let text = line(text, 254)?;
    match text.split_once('@') {
        Some((local, domain))
            if !local.is_empty() && local.len() <= 64 && !domain.is_empty() && !domain.contains('@') && !text.contains(' ') =>
        {
            Ok(text)
        }
        _ => Err("is not an e-mail address such as ada@example.com".to_owned()),
    }
}

/// A permission of a resource, such as `posts:read`: the characters of an OAuth scope (RFC 6749 section 3.3)
/// without those that separate lists.
pub fn permission(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'.' | b'_' | b'-' | b'/' | b'*');
    if text.is_empty() || text.len() > 100 || !text.bytes().all(allowed) {
        return Err("must be 1 to 100 of A-Z a-z 0-9 : . _ - / *".to_owned());
    }
    Ok(text.to_owned())
}

/// The identifier of a resource: an absolute URI without fragment (RFC 8707 section 2).
pub fn resource_identifier(text: &str) -> Result<String, String> {
    let text = line(text, 500)?;
    let scheme_ends = text.find(':').unwrap_or(0);
    let (scheme, rest) = text.split_at(scheme_ends);
    let scheme_is_good = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if !scheme_is_good || rest.len() < 2 || text.contains('#') || text.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err("must be an absolute URI without fragment, such as https://api.example.com".to_owned());
    }
    Ok(text)
}

/// Tags: at most 20, each 1 to 64 characters without white space or commas; sorted, once each.
pub fn tags(tags: &[String]) -> Result<Vec<String>, String> {
    if tags.len() > 20 {
        return Err(format!("has {} tags; at most 20 are allowed", tags.len()));
    }
    for tag in tags {
        line(tag, 64).map_err(|why| format!("a tag {why}"))?;
        if tag.contains(|character: char| character.is_whitespace() || character == ',') {
            return Err("a tag must not hold white space or a comma".to_owned());
        }
    }
    let mut sorted = tags.to_vec();
    sorted.sort();
    sorted.dedup();
    Ok(sorted)
}

/// Metadata: a flat JSON object of at most 50 entries and 4 KiB, for the caller's own use.
pub fn metadata(map: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    if map.len() > 50 {
        return Err(format!("has {} entries; at most 50 are allowed", map.len()));
    }
    if let Some((key, _)) = map.iter().find(|(_, value)| value.is_object() || value.is_array()) {
        return Err(format!("{key:?} is nested; values must be strings, numbers, booleans or null"));
    }
    for (key, value) in map {
        line(key, 64).map_err(|why| format!("a key {why}"))?;
        if value.as_str().is_some_and(|text| text.chars().any(is_deceptive)) {
            return Err(format!("{key:?} holds an invisible character, which is not allowed"));
        }
    }
    let size = serde_json::to_string(map).map_or(usize::MAX, |text| text.len());
    if size > 4_096 {
        return Err(format!("takes {size} bytes; at most 4096 are allowed"));
    }
    Ok(map.clone())
}

/// A time in RFC 3339 that must lie ahead.
pub fn future(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let at = Timestamp::parse(text).ok_or("is not a time in RFC 3339 such as 2027-01-31T00:00:00Z")?;
    if at <= now {
        return Err(format!("lies in the past: it is {now} now"));
    }
    Ok(at)
}

/// Networks in CIDR form, at most 50, host bits zero; a bare address is that one host.
pub fn cidrs(texts: &[String]) -> Result<Vec<ipnet::IpNet>, String> {
    if texts.len() > 50 {
        return Err(format!("has {} networks; at most 50 are allowed", texts.len()));
    }
    texts.iter().map(|text| cidr(text)).collect()
}

fn cidr(text: &str) -> Result<ipnet::IpNet, String> {
    let parsed = text.parse::<ipnet::IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from));
    let net = parsed.map_err(|_| format!("{text:?} is not a network such as 192.0.2.0/24 or 2001:db8::/32"))?;
    if net.trunc() != net {
        return Err(format!("{text:?} has bits beyond its prefix; did you mean {}?", net.trunc()));
    }
    Ok(net)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_names_are_refused() {
        for bad in ["", " a", "a\0b", "a\u{202e}b", "a\nb", "a\u{200b}b", &"x".repeat(201)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(name("Åsa & 山田 GmbH"), Ok("Åsa & 山田 GmbH".to_owned()));
    }

    #[test]
    fn networks_are_exact() {
        for bad in ["10.0.0.1/8", "10.0.0.0/33", "::1/129", "banana", "", "1.2.3", "2001:db8::1/32"] {
            assert!(cidr(bad).is_err(), "{bad}");
        }
        assert_eq!(cidr("10.1.2.3").map(|net| net.to_string()), Ok("10.1.2.3/32".to_owned()));
        assert!(cidr("2001:db8::/32").is_ok());
    }

    #[test]
    fn identifiers_of_resources_are_absolute_uris() {
        for bad in ["api", "/v1", "https://a.example#x", "https://a.example/ b", "1x:y", ":a"] {
            assert!(resource_identifier(bad).is_err(), "{bad}");
        }
        for good in ["https://api.example.com", "urn:example:api"] {
            assert!(resource_identifier(good).is_ok(), "{good}");
        }
    }
}
