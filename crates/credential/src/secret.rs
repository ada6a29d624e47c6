//! A plaintext secret on its way to the one person who may see it.
//! It is never printed, compared, copied or kept: what is stored is a [`Digest`](crate::Digest).

use zeroize::Zeroizing;

/// A plaintext secret, wiped from memory when dropped.
///
/// It has no `Debug`, `Display`, `Clone`, `PartialEq` or `Serialize`, so showing it takes a
/// deliberate [`expose`](Secret::expose) that a reviewer can search for.
///
/// ```compile_fail
/// let secret = claviger_credential::Secret::new("s3cret".to_owned());
/// println!("{secret:?}");
/// ```
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over `text`. Copies made earlier (a string that grew, a request body) are the
    /// caller's to wipe.
    pub fn new(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }

    /// The plaintext: for the response that hands it over once, and for parsing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
