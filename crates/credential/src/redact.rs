//! Blacks out credentials inside any text: log lines, error bodies, support bundles.
//! It never asks whether a credential is whole: a key with one wrong letter is still a secret.

use std::borrow::Cow;

use crate::{Class, CredentialId};

const BLACKED_OUT: &str = "[redacted]";
/// `_ak_` and its three siblings: the only thing searched for.
const MARKER_LEN: usize = 4;
/// Id and separator: what stays readable of a credential that has both.
const PUBLIC_LEN: usize = CredentialId::TEXT_LEN + 1;
/// Id, separator, secret and checksum.
const WHOLE_LEN: usize = PUBLIC_LEN + 49;
/// A run this long without `_` is taken for a secret even where the id is damaged: it is half of
/// secret and checksum, and no word of an identifier is as long.
const SECRET_RUN: usize = 24;
/// How much of a damaged credential stays readable, to recognise it by.
const DAMAGED_SHOWN: usize = 4;

/// Replaces the secret of every credential in `text` by `[redacted]`, keeping
/// `prefix_class_id_` so that a log still says *which* key. Borrows when there is nothing to do.
///
/// Whatever follows `_<class>_<id 17>_` is blacked out up to the end of the word, with or without
/// a valid checksum, also when cut short. A credential with one character changed, dropped or
/// inserted after its class is blacked out too, though perhaps with its id. Text without a class
/// marker (`_ak_`, `_cs_`, `_wt_`, `_mk_`) costs one search for `_`. Linear in the length.
///
/// ```
/// use claviger_credential::{Class, CredentialId, Prefix, mint, redact};
/// let prefix = Prefix::parse("acme_live").unwrap();
/// let key = mint(&prefix, Class::ApiKey, CredentialId::from_bytes([0; 12]), &[42; 32]);
/// let line = format!("401 for {}", key.expose());
/// assert_eq!(redact(&line), "401 for acme_live_ak_00000000000000000_[redacted]");
/// ```
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(marker) = next_marker(text, from) {
        from = marker + 1; // markers may overlap: `_ak_ak_`
        let start = marker + MARKER_LEN;
        if let Some((cut, end)) = secret_after(text, start) {
            clean.push_str(&text[copied..cut]);
            clean.push_str(BLACKED_OUT);
            copied = end;
            from = end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[copied..]);
    Cow::Owned(clean)
}

/// Where the next class marker at or after `from` begins. `from` is a character boundary.
fn next_marker(text: &str, mut from: usize) -> Option<usize> {
    while let Some(offset) = text[from..].find('_') {
        let at = from + offset;
        if is_marker(&text.as_bytes()[at..]) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn is_marker(bytes: &[u8]) -> bool {
    matches!(*bytes, [b'_', first, second, b'_', ..] if Class::from_letters([first, second]).is_some())
}

/// The range to black out in what follows a marker, if that is a credential or the wreck of one.
fn secret_after(text: &str, start: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    if is_marker(&bytes[start - 1..]) {
        return None; // in `_ak_ak_` the second marker is the one that counts
    }
    let word = word_len(&bytes[start..]);
    let end = start + word;
    let has_id = word >= PUBLIC_LEN && bytes[start + PUBLIC_LEN - 1] == b'_' && !bytes[start..start + PUBLIC_LEN - 1].contains(&b'_');
    let end = end_past_foreign_character(text, start, word).unwrap_or(end);
    if has_id {
        let cut = start + PUBLIC_LEN;
        return (cut < end).then_some((cut, end));
    }
    let longest = bytes[start..end].split(|byte| !byte.is_ascii_alphanumeric()).map(<[u8]>::len).max();
    (longest >= Some(SECRET_RUN)).then(|| (start + word.min(DAMAGED_SHOWN), end))
}

/// A credential in which one character became, or gained, one that does not belong (`-` for `_`,
/// a letter that is not ASCII) is two words: the end of the second, if both add up to a whole.
fn end_past_foreign_character(text: &str, start: usize, word: usize) -> Option<usize> {
    let foreign = text[start + word..].chars().next()?;
    if word >= WHOLE_LEN - 1 || foreign == '_' {
        return None; // long enough already, or ended by the marker of another
    }
    let rest = &text.as_bytes()[start + word + foreign.len_utf8()..];
    let more = word_len(&rest[..rest.len().min(WHOLE_LEN + 1)]);
    // Dropped and changed, changed, inserted: one less, as many, one more than a whole.
    let total = word + 1 + more;
    (total.abs_diff(WHOLE_LEN) <= 1).then(|| start + word + foreign.len_utf8() + more)
}

/// How many bytes of `A-Z a-z 0-9 _` come before anything else or before another marker.
fn word_len(bytes: &[u8]) -> usize {
    (0..bytes.len())
        .find(|&at| match bytes[at] {
            b'_' => is_marker(&bytes[at..]),
            byte => !byte.is_ascii_alphanumeric(),
        })
        .unwrap_or(bytes.len())
}
