//! The first part of a credential: whose it is, and from which environment.
//! It never looks like another vendor's, whose scanners would revoke or ignore our keys.

use std::fmt;
use std::ops::RangeInclusive;

use crate::Class;

/// Length of a prefix in characters.
pub(crate) const LEN: RangeInclusive<usize> = 2..=32;

/// Prefixes that secret scanners already know, lower-cased, with `_` for their separators. A
/// prefix is refused when it is one of these or continues one after `_`. Collected by hand from
/// the token formats vendors document; it cannot be complete.
const VENDORS: &str = "\
    aiza akia asia atatt atlasv1 bkua ccipat cfpat cio dapi dckr_pat doo_v1 dop_v1 dor_v1 \
    dp_pt dp_st duffel_live duffel_test eyj ezak eztk figd fio_u flwpubk flwseck fm1 fm2 fo1 \
    ghb gho ghp ghr ghs ghu github_pat glagent glcbt gldt glft gloas glpat glptt glrt glsoat \
    glc glsa gocspx gsk hf hrku hvb hvr hvs lin_api lin_oauth mdb_sa npm nrak ntn nvapi ops_ey \
    phc phx pk_live pk_prod pk_test pmak pnu pplx pscale_oauth pscale_pw pscale_tkn pul pypi \
    r8 rdme rk_live rk_prod rk_test rubygems sbp sb_secret shippo_live shippo_test shpat shpca \
    shppa shpss sk_ant sk_live sk_or sk_prod sk_proj sk_svcacct sk_test sntrys sntryu sq0atp \
    sq0csp tfp tskey unkey whsec xai xapp xkeysib xoxa xoxb xoxe xoxp xoxr xoxs ya29";

/// The prefix of one environment's credentials, such as `acme_live`.
///
/// 2 to 32 characters, words of `a-z 0-9` joined by single `_`, beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prefix(String);

impl Prefix {
    /// Reads a prefix.
    ///
    /// # Errors
    /// [`PrefixError`] says which rule is broken.
    ///
    /// ```
    /// use claviger_credential::{Prefix, PrefixError};
    /// assert_eq!(Prefix::parse("acme_live")?.as_str(), "acme_live");
    /// assert_eq!(Prefix::parse("sk_live_acme"), Err(PrefixError::Vendor("sk_live")));
    /// # Ok::<(), PrefixError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Prefix, PrefixError> {
        if !LEN.contains(&text.len()) {
            return Err(PrefixError::Length);
        }
        if !is_shaped(text) {
            return Err(PrefixError::Shape);
        }
        if let Some(vendor) = vendors().find(|vendor| begins_with_words(text, vendor)) {
            return Err(PrefixError::Vendor(vendor));
        }
        // `acme_ak` would make `acme_ak_ak_…`, which people and scanners read two ways.
        if Class::ALL.iter().any(|class| text.rsplit('_').next() == Some(class.as_str())) {
            return Err(PrefixError::Class);
        }
        Ok(Prefix(text.to_owned()))
    }

    /// The text, such as `acme_live`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text cannot be a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixError {
    /// Fewer than 2 or more than 32 characters.
    Length,
    /// Not words of `a-z 0-9` joined by single `_`, or not beginning with a letter.
    Shape,
    /// Begins like the keys of another vendor: the prefix named here.
    Vendor(&'static str),
    /// Its last word is a credential class (`ak`, `cs`, `wt`, `mk`).
    Class,
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrefixError::Length => f.write_str("prefix must have 2 to 32 characters"),
            PrefixError::Shape => f.write_str(
                "prefix must be lower-case letters and digits joined by single _, \
                 beginning with a letter",
            ),
            PrefixError::Vendor(vendor) => {
                write!(f, "prefix begins like another vendor's keys ({vendor}); choose your own name")
            }
            PrefixError::Class => f.write_str("prefix must not end in ak, cs, wt or mk"),
        }
    }
}

impl std::error::Error for PrefixError {}

/// `[a-z][a-z0-9]*(_[a-z0-9]+)*`, the part of the rules that every parse checks.
pub(crate) fn is_shaped(text: &str) -> bool {
    let mut previous = b'_';
    for byte in text.bytes() {
        let fits = match byte {
            b'a'..=b'z' | b'0'..=b'9' => true,
            b'_' => previous != b'_',
            _ => false,
        };
        if !fits {
            return false;
        }
        previous = byte;
    }
    previous != b'_' && text.as_bytes()[0].is_ascii_lowercase()
}

fn vendors() -> impl Iterator<Item = &'static str> {
    VENDORS.split(' ')
}

fn begins_with_words(text: &str, words: &str) -> bool {
    text.strip_prefix(words).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_accepted() {
        for text in ["ab", "acme", "acme_live", "a1_2_3", "hfoo", "makro", "ak_live", "task", &"a".repeat(32)] {
            assert_eq!(Prefix::parse(text).map(|prefix| prefix.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn each_broken_rule_is_named() {
        for (text, error) in [
            ("", PrefixError::Length),
            ("a", PrefixError::Length),
            (&"a".repeat(33), PrefixError::Length),
            ("1a", PrefixError::Shape),
            ("_a", PrefixError::Shape),
            ("a_", PrefixError::Shape),
            ("a__b", PrefixError::Shape),
            ("Acme", PrefixError::Shape),
            ("ac-me", PrefixError::Shape),
            ("acmé", PrefixError::Shape),
            ("ghp", PrefixError::Vendor("ghp")),
            ("github_pat_acme", PrefixError::Vendor("github_pat")),
            ("hf_acme", PrefixError::Vendor("hf")),
            ("acme_ak", PrefixError::Class),
            ("mk", PrefixError::Class),
        ] {
            assert_eq!(Prefix::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn every_known_vendor_is_refused() {
        for vendor in vendors() {
            assert_eq!(Prefix::parse(vendor), Err(PrefixError::Vendor(vendor)));
        }
    }
}
