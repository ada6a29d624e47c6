//! Pages of a list and the opaque cursors between them.
//! A cursor is signed, and good only for the list, environment and filters that gave it out.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Refusal, Result};
use crate::rng::Rng;

/// What a caller may say of the page: at most `limit` things, after `cursor`.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

pub const DEFAULT_LIMIT: u32 = 50;
pub const MAX_LIMIT: u32 = 200;

/// One page; `next_cursor` is there when more follows.
#[derive(Debug)]
pub struct Page<T> {
    pub data: Vec<T>,
    pub next_cursor: Option<String>,
}

/// Signs cursors; a restart of the server voids none, for the key is derived from a sealed one.
pub struct Cursors(hmac::Key);

const TAG: usize = 16;

impl Cursors {
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    pub fn ephemeral(rng: Rng) -> Self {
        Self::new(&rng.secret_bytes()[..])
    }

    /// The length before each part keeps them apart: a filter holds what its caller wrote, separators too.
    fn tag(&self, scope: &str, position: &str) -> [u8; TAG] {
        let mut mac = hmac::Context::with_key(&self.0);
        for part in ["cursor/v2", scope, position] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.sign().as_ref()[..TAG].try_into().expect("an HMAC-SHA-256 is longer")
    }

    /// `scope` names list, environment and filters; `position` is the sort key of the last thing shown.
    fn write(&self, scope: &str, position: &str) -> String {
        URL_SAFE_NO_PAD.encode([&self.tag(scope, position)[..], position.as_bytes()].concat())
    }

    /// The position in a cursor that this list gave out.
    pub fn read(&self, scope: &str, cursor: &str) -> Result<String> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Refusal::BadCursor)?;
        let (tag, position) = bytes.split_at_checked(TAG).ok_or(Refusal::BadCursor)?;
        let position = std::str::from_utf8(position).map_err(|_| Refusal::BadCursor)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(tag, &self.tag(scope, position)).map_err(|_| Refusal::BadCursor)?;
        Ok(position.to_owned())
    }

    /// Cuts one thing too many off the end: it only said that there is more.
    pub fn page<T>(&self, scope: &str, mut data: Vec<T>, limit: u32, position: impl Fn(&T) -> String) -> Page<T> {
        let has_more = data.len() > limit as usize;
        data.truncate(limit as usize);
        let next_cursor = data.last().filter(|_| has_more).map(|last| self.write(scope, &position(last)));
        Page { data, next_cursor }
    }
}

impl Paging {
    /// The limit within 1 and [`MAX_LIMIT`].
    pub fn limit(&self) -> Result<u32> {
        match self.limit {
            None => Ok(DEFAULT_LIMIT),
            Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            Some(limit) => Err(crate::Error::invalid("limit", format!("{limit} is not between 1 and {MAX_LIMIT}"))),
        }
    }

    pub fn position(&self, cursors: &Cursors, scope: &str) -> Result<Option<String>> {
        self.cursor.as_deref().map(|cursor| cursors.read(scope, cursor)).transpose()
    }
}

/// `If-Match`: refuses when somebody else changed the thing since the caller read it.
pub fn check_revision(expected: Option<i64>, current: i64) -> Result<()> {
    match expected {
        Some(expected) if expected != current => Err(Refusal::RevisionMismatch { expected, current }.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_only_where_it_was_given_out() {
        let cursors = Cursors::ephemeral(Rng);
        let page = cursors.page("owners/live", vec![1, 2, 3], 2, |n| n.to_string());
        let cursor = page.next_cursor.expect("there is more");
        assert_eq!(page.data, [1, 2]);
        assert_eq!(cursors.read("owners/live", &cursor).expect("good"), "2");
        assert!(cursors.read("owners/test", &cursor).is_err());
        for forged in ["", "!!", "AAAA", &format!("{cursor}A"), &cursor[1..]] {
            assert!(cursors.read("owners/live", forged).is_err(), "{forged}");
        }
    }

    #[test]
    fn what_ends_the_scope_never_counts_as_the_beginning_of_the_position() {
        let cursors = Cursors::ephemeral(Rng);
        // However the same bytes are cut into two, and whatever is taken for a separator.
        for separator in ["", "\0", "/", "\0\0\0\0\0\0\0\x01"] {
            let text = format!("a{separator}b{separator}c");
            let cuts = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).map(|at| text.split_at(at));
            let joined = [("a", format!("b{separator}c")), (&format!("a{separator}b"), "c".to_owned())].map(|(a, b)| cursors.tag(a, &b));
            assert_ne!(joined[0], joined[1], "{separator:?}");
            let tags: Vec<_> = cuts.map(|(scope, position)| cursors.tag(scope, position)).collect();
            let distinct: std::collections::BTreeSet<_> = tags.iter().collect();
            assert_eq!(distinct.len(), tags.len(), "{separator:?}");
        }
        let cursor = cursors.write("owners\0q=a", "b\0c");
        assert_eq!(cursors.read("owners\0q=a", &cursor).expect("good"), "b\0c");
        let bytes = URL_SAFE_NO_PAD.decode(&cursor).expect("base64");
        // The same tag in front of a shorter position, for a scope that ends in what was cut off.
        let moved = URL_SAFE_NO_PAD.encode([&bytes[..TAG], b"c"].concat());
        assert!(cursors.read("owners\0q=a\0b", &moved).is_err());
    }
}
