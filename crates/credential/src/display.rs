//! A hint: enough of a key for its owner to recognise it, far too little to use it.
//! It never shows more than the checksum of a secret of ours, nor 8 characters of a foreign one.

use crate::parse;

/// The shortest foreign text of which anything is shown: two thirds of it stay hidden.
const FOREIGN_MIN_LEN: usize = 24;
const SHOWN: usize = 4;

/// How a person recognises a key, to be stored beside its digest: `acme_live_ak_2fKq…x9Qz`, that
/// is prefix, class, the first 4 characters of the id and the last 4 of the checksum.
///
/// A text that is not ours shows its first and last 4 characters when it is at least 24 printable
/// ASCII characters long, otherwise nothing: `…`.
///
/// ```
/// use claviger_credential::hint;
/// assert_eq!(hint("xyz-0123456789abcdefghij"), "xyz-…ghij");
/// assert_eq!(hint("hunter2"), "…");
/// ```
pub fn hint(text: &str) -> String {
    // A hint is pasted into terminals, mail and HTML attributes, so no control characters in it.
    let is_foreign_shown = text.len() >= FOREIGN_MIN_LEN && text.bytes().all(|byte| byte.is_ascii_graphic());
    match parse(text) {
        Ok(parsed) => format!("{}_{}_{}…{}", parsed.prefix, parsed.class, &parsed.id_text()[..SHOWN], &text[text.len() - SHOWN..]),
        Err(_) if is_foreign_shown => format!("{}…{}", &text[..SHOWN], &text[text.len() - SHOWN..]),
        Err(_) => "…".to_owned(),
    }
}
