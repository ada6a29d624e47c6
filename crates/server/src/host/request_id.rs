//! What names a request: our id, and the W3C trace context it is part of.
//! It makes no randomness and trusts no text: an id that is not sane is replaced, never cleaned.

use std::fmt;
use std::sync::Arc;

use claviger_authority::credential::redact;

/// The longest `X-Request-Id` that is taken over.
const MAX_LEN: usize = 128;
/// Base 32 without `i`, `l`, `o` and `u`, as in every id of ours.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Safe in a header, a log line and a URL: 1 to 128 of `A-Z a-z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The caller's id if it is sane, or else one made of these random bytes. A credential is none: ids are logged.
    pub fn accept(named: Option<&str>, random: [u8; 16]) -> Self {
        match named.filter(|named| is_sane(named) && redact(named) == *named) {
            Some(named) => Self(named.into()),
            None => Self::fresh(random),
        }
    }

    /// `req_` and 26 characters.
    fn fresh(random: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(random);
        let digit = |place: u32| char::from(DIGITS[(number >> (5 * place)) as usize % 32]);
        let id: String = "req_".chars().chain((0..26).rev().map(digit)).collect();
        Self(id.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_sane(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=MAX_LEN).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// The header `traceparent` (W3C Trace Context, level 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    flags: u8,
}

impl TraceParent {
    /// Reads a header value. `None` where the standard says that a new trace begins: wrong length, capitals,
    /// ids of zeros, version `ff`.
    pub fn parse(text: &str) -> Option<Self> {
        let (version, fields) = text.split_at_checked(2)?;
        let version = hex::<1>(version)?[0];
        // A later version may add fields at the end, but only after another dash.
        let (fields, more) = fields.split_at_checked(53)?;
        let has_right_end = more.is_empty() || (version > 0 && more.starts_with('-'));
        let mut fields = fields.strip_prefix('-')?.split('-');
        let (trace_id, parent_id, flags) = (fields.next()?, fields.next()?, fields.next()?);
        if version == 0xff || !has_right_end || fields.next().is_some() {
            return None;
        }
        let parsed = Self { trace_id: hex(trace_id)?, parent_id: hex(parent_id)?, flags: hex::<1>(flags)?[0] };
        (parsed.trace_id != [0; 16] && parsed.parent_id != [0; 8]).then_some(parsed)
    }

    /// The same trace, with this random id for our part in it.
    pub fn child(&self, span_id: [u8; 8]) -> Self {
        // Zero is "no id" to the standard, and 1 is as good as any other.
        let parent_id = if span_id == [0; 8] { [0, 0, 0, 0, 0, 0, 0, 1] } else { span_id };
        Self { parent_id, ..*self }
    }

    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// The ids of the trace and of the caller's span in it.
    pub fn ids(&self) -> ([u8; 16], [u8; 8]) {
        (self.trace_id, self.parent_id)
    }

    /// The trace's id, as logs and tracing systems write it.
    pub fn trace_id(&self) -> String {
        Hex(&self.trace_id).to_string()
    }

    pub fn span_id(&self) -> String {
        Hex(&self.parent_id).to_string()
    }
}

/// The header value, in version 00: the only one this code can vouch for.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", Hex(&self.trace_id), Hex(&self.parent_id), self.flags)
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Lower-case hex of exactly `N` bytes.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_kept_and_any_other_is_replaced() {
        let longest = "x".repeat(128);
        for sane in ["1", "abc-DEF_1.2", longest.as_str()] {
            assert_eq!(RequestId::accept(Some(sane), [0; 16]).as_str(), sane);
        }
        let too_long = "x".repeat(129);
        for wrong in [None, Some(""), Some("a b"), Some("a\nb"), Some("<script>"), Some("ü"), Some(too_long.as_str())] {
            let made = RequestId::accept(wrong, [0xff; 16]);
            assert_eq!(made.as_str(), "req_7zzzzzzzzzzzzzzzzzzzzzzzzz");
            assert!(is_sane(made.as_str()));
        }
    }

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_parent_is_read_and_written_alike() {
        let parsed = TraceParent::parse(GOOD).unwrap();
        assert_eq!(parsed.to_string(), GOOD);
        assert_eq!((parsed.trace_id().as_str(), parsed.is_sampled()), ("4bf92f3577b34da6a3ce929d0e0e4736", true));
        assert!(!TraceParent::parse(&GOOD.replace("-01", "-02")).unwrap().is_sampled());
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = GOOD.replacen("00", "cc", 1);
        for text in [later.clone(), format!("{later}-what-the-future-holds")] {
            assert_eq!(TraceParent::parse(&text).unwrap().to_string(), GOOD);
        }
    }

    #[test]
    fn what_the_standard_forbids_is_refused() {
        let mut wrong = vec![
            String::new(),
            "00".into(),
            GOOD.to_uppercase(),
            format!("{GOOD}-more"),
            format!("{GOOD} "),
            format!(" {GOOD}"),
            GOOD.replacen("00", "ff", 1),
            GOOD.replacen("00", "cc", 1) + ".",
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace('-', "_"),
            GOOD.replace("4bf", "4bg"),
            GOOD.replace("4bf", "4b-"),
            GOOD.replace("4bf", "+bf"),
            format!("ü{GOOD}"),
        ];
        wrong.extend((0..GOOD.len()).map(|len| GOOD[..len].to_owned()));
        for text in wrong {
            assert_eq!(TraceParent::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn a_child_stays_in_its_trace() {
        let parsed = TraceParent::parse(GOOD).unwrap();
        assert_eq!(parsed.child([0x11; 8]).to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01");
        assert!(TraceParent::parse(&parsed.child([0; 8]).to_string()).is_some(), "a child is never invalid");
    }
}
