//! Valid tokens of all four algorithms, altered in every way that has ever fooled a library and in many that have not.
//! None may be accepted: whatever verifies says exactly what was signed.
//!
//! The one alteration that verifies is an ES256 signature `(r, s)` written as `(r, n − s)`. It is checked to leave header
//! and claims as they were.
//!
//! `CLAVIGER_TEST_MUTANTS=1000000` asks for that many; without it there are 150,000. The systematic ones are always all
//! there, random ones (the same changes on every run, of new keys) make up the number. To see the counts per kind:
//! `cargo test -p claviger-credential --test jose mutants -- --nocapture`.

mod claims;
mod header;
mod random;
mod signature;
mod text;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use claviger_credential::jose::{Algorithm, Compact, VerifyingKey};

use super::signer::{Signer, encode};
use random::SplitMix;

/// An altered token and how it was altered.
type Mutant = (&'static str, String);

/// A valid token and what it consists of.
struct Token {
    signer: usize,
    header: String,
    payload: String,
    signature: Vec<u8>,
    text: String,
}

struct World {
    signers: [Signer; 4],
    keys: [VerifyingKey; 4],
    attackers: [Signer; 4],
    /// Two of each signer, so that parts can be exchanged between tokens of one key.
    tokens: Vec<Token>,
}

#[test]
fn no_altered_token_is_accepted() {
    let world = World::new();
    for token in &world.tokens {
        assert_eq!(world.accepted(&token.text), [token.signer], "the originals are good: {}", token.text);
    }

    let mut tally = Tally { world: &world, seen: HashSet::new(), tried: BTreeMap::new(), well_formed: 0, malleated: 0 };
    for token in world.tokens.iter().step_by(2) {
        for kind in [text::mutants, header::mutants, claims::mutants, signature::mutants] {
            kind(&world, token).into_iter().for_each(|mutant| tally.try_one(mutant));
        }
    }
    let systematic = tally.total();
    let mut random = SplitMix(42);
    while tally.total() < wanted() {
        tally.try_one(random::mutant(&world, &mut random));
    }

    for (kind, count) in &tally.tried {
        println!("{count:>9}  {kind}");
    }
    println!("{:>9}  in all, {systematic} of them systematic", tally.total());
    println!("{:>9}  of them read as tokens, to be refused by a key or by their payload", tally.well_formed - tally.malleated);
    println!("{:>9}  accepted, the other signature of ES256", tally.malleated);
    let missing: Vec<_> = KINDS.iter().filter(|kind| !tally.tried.contains_key(*kind)).collect();
    assert!(missing.is_empty(), "never tried: {missing:?}");
    assert_eq!(tally.tried.len(), KINDS.len(), "a kind is not in the list");
    assert_eq!(tally.malleated, 1, "the equivalence that is documented");
    assert!(tally.well_formed > tally.total() / 10, "hardly any reaches a key");
}

#[expect(clippy::disallowed_methods, reason = "how long a test runs is asked by whoever runs it")]
fn wanted() -> usize {
    std::env::var("CLAVIGER_TEST_MUTANTS").map_or(150_000, |number| number.parse().expect("a number of mutants"))
}

/// Every kind, each of which must have been tried.
const KINDS: [&str; 32] = [
    "claim of another type or value, old signature",
    "header changed, old signature",
    "header or payload rightly signed, but refused",
    "header rightly signed, with its own key",
    "payload duplicated, old signature",
    "alg changed, old signature",
    "alg changed, no signature",
    "alg changed, empty parts",
    "alg HS*, keyed with the public key",
    "alg changed, signed by an attacker's key of it",
    "attacker's key in the header, attacker's signature",
    "kid tricks",
    "typ swapped",
    "signature of fixed bytes",
    "signature of special numbers",
    "signature malleated",
    "signature resized",
    "signature in DER",
    "signature of an attacker",
    "signature of another token or algorithm",
    "signature over something else",
    "text: bit flipped",
    "part: bit flipped",
    "text: cut",
    "text: character removed or doubled",
    "text: character put in",
    "text: character replaced by a confusable",
    "text: stray bits and padding",
    "text: parts exchanged, repeated or missing",
    "text: another serialization",
    "random: text edited",
    "random: part edited",
];

struct Tally<'a> {
    world: &'a World,
    /// Digests of all that was tried, so that each is counted once.
    seen: HashSet<u64>,
    tried: BTreeMap<&'static str, usize>,
    /// How many got as far as a key.
    well_formed: usize,
    malleated: usize,
}

impl Tally<'_> {
    fn total(&self) -> usize {
        self.tried.values().sum()
    }

    fn try_one(&mut self, (kind, text): Mutant) {
        let mut digest = DefaultHasher::new();
        text.hash(&mut digest);
        if self.world.tokens.iter().any(|token| token.text == text) || !self.seen.insert(digest.finish()) {
            return; // altered back, or tried before
        }
        *self.tried.entry(kind).or_default() += 1;
        self.well_formed += usize::from(Compact::parse(&text).is_ok());
        for signer in self.world.accepted(&text) {
            let key = self.world.signers[signer].jwk().published();
            assert!(self.world.is_equivalent(signer, &text), "accepted after «{kind}»: {text}\nby {key}");
            self.malleated += 1;
        }
    }
}

impl World {
    fn new() -> World {
        let signers = Signer::of_each_algorithm();
        let keys = signers.each_ref().map(Signer::key);
        let tokens = (0..8).map(|number| Token::new(&signers, number / 2, number)).collect();
        World { signers, keys, attackers: Signer::of_each_algorithm(), tokens }
    }

    /// The signers whose key takes this text: it is tried with every key, as if `kid` were the attacker's choice.
    fn accepted(&self, text: &str) -> Vec<usize> {
        let Ok(compact) = Compact::parse(text) else { return Vec::new() };
        (0..4).filter(|signer| compact.verified(&self.keys[*signer]).is_ok()).collect()
    }

    /// Whether it is a token of this signer, down to the last byte of header and payload, with the other `s`.
    fn is_equivalent(&self, signer: usize, text: &str) -> bool {
        self.signers[signer].algorithm() == Algorithm::Es256
            && self.tokens.iter().any(|token| {
                token.signer == signer && text == format!("{}.{}", token.signing_input(), encode(signature::malleated(&token.signature)))
            })
    }

    fn signer(&self, token: &Token) -> &Signer {
        &self.signers[token.signer]
    }
}

impl Token {
    fn new(signers: &[Signer; 4], signer: usize, number: usize) -> Token {
        let header = signers[signer].header(&format!(r#""kid":"{}","typ":"at+jwt""#, signers[signer].jwk().thumbprint()));
        let payload = format!(
            r#"{{"iss":"https://as.example","sub":"client-{number}","aud":["https://api.example"],"exp":4102444800,"iat":1700000000,"jti":"t{number}","scope":"read"}}"#
        );
        let text = signers[signer].token(&header, &payload);
        let signature = signers[signer].sign(b"");
        let mut token = Token { signer, header, payload, signature, text };
        let part = token.text.rsplit('.').next().unwrap();
        token.signature = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, part).unwrap();
        token
    }

    fn signing_input(&self) -> &str {
        self.text.rsplit_once('.').unwrap().0
    }

    fn parts(&self) -> [&str; 3] {
        self.text.split('.').collect::<Vec<_>>().try_into().unwrap()
    }

    /// Its three parts, with other bytes in one or more of them.
    fn with(&self, header: Option<&[u8]>, payload: Option<&[u8]>, signature: Option<&[u8]>) -> String {
        let [header, payload, signature] =
            [header.unwrap_or(self.header.as_bytes()), payload.unwrap_or(self.payload.as_bytes()), signature.unwrap_or(&self.signature)]
                .map(encode);
        format!("{header}.{payload}.{signature}")
    }
}

#[test]
fn the_kinds_are_distinct() {
    assert_eq!(KINDS.iter().collect::<BTreeSet<_>>().len(), KINDS.len());
}
