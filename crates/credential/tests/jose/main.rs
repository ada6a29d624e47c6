//! Tokens through the public door of `jose`: read, verified, and checked against what was expected.

mod assertion;
mod claims;
mod dpop;
mod mutants;
mod signer;
mod tokens;
