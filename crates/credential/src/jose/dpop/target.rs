//! The URL of a request in the one form in which two of them are compared (RFC 9449 section 4.3, RFC 3986 section 6.2).
//! Dot segments are not resolved: clients resolve them before they send, so a difference there is a difference.

use std::fmt::Write as _;

/// Scheme and host in lower case, the port only if it is not the scheme's, `/` for no path, percent-encoding only where
/// needed and with capital digits, no query and no fragment. Nothing for what is not an `http` or `https` URL in ASCII, or
/// holds a user name.
pub(super) fn normalised(url: &str) -> Option<String> {
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // The colons of an IPv6 address stand in brackets.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    };
    let is_of_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:".contains(&byte);
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || !host.bytes().all(is_of_host) || host.contains(':') && !is_bracketed {
        return None;
    }
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut target = format!("{scheme}://{}", host.to_ascii_lowercase());
    if !port.is_empty() && port != default_port {
        target.push(':');
        target.push_str(port);
    }
    push_path(&mut target, path)?;
    Some(target)
}

fn push_path(target: &mut String, path: &str) -> Option<()> {
    if path.is_empty() {
        target.push('/');
    }
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let byte = u8::try_from(digit(bytes.next())? << 4 | digit(bytes.next())?).ok()?;
                // RFC 3986 section 2.3: the same character, whether encoded or not.
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    target.push(char::from(byte));
                } else {
                    write!(target, "%{byte:02X}").ok()?;
                }
            }
            b'!'..=b'~' => target.push(char::from(byte)),
            _ => return None,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_resource_has_one_form() {
        for url in [
            "https://as.example/token",
            "HTTPS://AS.Example/token",
            "https://as.example:443/token",
            "https://as.example:/token",
            "https://as.example/token?a=b",
            "https://as.example/token#f",
            "https://as.example/token?a=/b#c?d",
            "https://as.example/t%6Fken",
            "https://as.example/t%6fken",
        ] {
            assert_eq!(normalised(url).as_deref(), Some("https://as.example/token"), "{url}");
        }
        assert_eq!(normalised("http://[::1]:8080?x").as_deref(), Some("http://[::1]:8080/"));
        assert_eq!(normalised("http://[2001:DB8::1]:80/a%2fb").as_deref(), Some("http://[2001:db8::1]/a%2Fb"));
        assert_eq!(normalised("http://h:443/").as_deref(), Some("http://h:443/"));
    }

    #[test]
    fn other_resources_have_other_forms() {
        let forms: std::collections::BTreeSet<_> = [
            "https://as.example/token",
            "http://as.example/token",
            "https://as.example:8443/token",
            "https://as.example:0443/token",
            "https://as.example:0/token",
            "https://as.example/Token",
            "https://as.example/token/",
            "https://as.example//token",
            "https://as.example/a/../token",
            "https://as.example/%2Ftoken",
            "https://as.example./token",
            "https://as.example.evil/token",
            "https://as.example/token%3Fa",
            "https://as.example/",
        ]
        .map(|url| normalised(url).expect(url))
        .into();
        assert_eq!(forms.len(), 14, "{forms:?}");
    }

    #[test]
    fn what_is_no_plain_url_has_none() {
        for url in [
            "",
            "/token",
            "as.example/token",
            "ftp://as.example/",
            "https:as.example",
            "https://",
            "https:///token",
            "https://:443/",
            "https://user@as.example/",
            "https://as.example@evil/",
            "https://as.example:x/",
            "https://as.example:-1/",
            "https://a:b:1/",
            "https://as.example\\token",
            "https://as.example/tok en",
            "https://as.example/token\n",
            "https://as.example/%zz",
            "https://as.example/%2",
            "https://as.example/%",
            "https://bücher.example/",
            "https://as.example/ü",
        ] {
            assert_eq!(normalised(url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_its_form_is_final(text in "\\PC{0,40}") {
            for url in [text.clone(), format!("https://{text}"), format!("http://h/{text}")] {
                if let Some(form) = normalised(&url) {
                    prop_assert!(!form.contains(['?', '#']));
                    prop_assert_eq!(normalised(&form), Some(form));
                }
            }
        }

        #[test]
        fn letter_case_port_query_and_encoding_make_no_difference(
            host in "[a-z]{1,8}(\\.[a-z0-9]{1,4}){0,2}",
            path in "(/[a-zA-Z0-9._~!$*-]{0,6}){1,4}",
            query in "(\\?[a-z=/?&]{0,8})?(#[a-z/?]{0,5})?",
            encoded in prop::collection::vec(any::<bool>(), 40),
        ) {
            let plain = normalised(&format!("https://{host}{path}"));
            prop_assert_eq!(plain.clone(), Some(format!("https://{host}{path}")));
            let path: String = path.chars().zip(encoded).map(|(it, encode)| {
                if encode && it.is_ascii_alphanumeric() { format!("%{:02x}", u32::from(it)) } else { it.to_string() }
            }).collect();
            prop_assert_eq!(plain.clone(), normalised(&format!("HTTPS://{}:443{path}{query}", host.to_uppercase())));
            prop_assert_ne!(plain.clone(), normalised(&format!("https://{host}{path}x")));
            prop_assert_ne!(plain.clone(), normalised(&format!("https://x{host}{path}")));
            prop_assert_ne!(plain, normalised(&format!("https://{host}:444{path}")));
        }
    }
}
