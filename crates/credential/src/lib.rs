//! The text of a credential: how it is written, read, digested, hinted at and blacked out.
//! No I/O, no clock, no randomness, no async: entropy arrives as an argument, so everything here
//! can be tested with fixed vectors and audited in an hour.
//!
//! ```text
//! acme_live_ak_00P9MVMcaXWHEX8yi_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf2ibcpO
//! └prefix─┘ │  └──── id, 17 ────┘ └─────────────── secret, 43 ──────────────┘└crc─┘
//!           class
//! ```
//!
//! - **prefix** names the environment ([`Prefix`]); never one another vendor's scanner knows.
//! - **class** says what the credential is for ([`Class`]).
//! - **id** is 96 random bits and public ([`CredentialId`]): safe to log, the key of the lookup.
//! - **secret** is 256 random bits. Only its [`Digest`] is ever stored.
//! - **crc** is CRC-32 (ISO-HDLC, the one of zlib) of everything before it, so a typo, a
//!   truncation or a swapped environment fails before any lookup. It proves nothing else.
//!
//! Numbers are big-endian base62 (`0-9A-Za-z`), padded with zeros to a fixed width. The prefix is
//! the only part of variable length and may contain `_`, so a credential is read from the right.
//!
//! ```
//! use claviger_credential::{Class, CredentialId, Pepper, Prefix, mint, parse, redact};
//!
//! let prefix = Prefix::parse("acme_live")?;
//! let id = CredentialId::from_bytes([7; 12]);
//! let secret = mint(&prefix, Class::ApiKey, id, &[42; 32]); // entropy: from the caller's Rng
//!
//! let parsed = parse(secret.expose())?;
//! assert_eq!((parsed.prefix, parsed.class, parsed.id), ("acme_live", Class::ApiKey, id));
//!
//! let pepper = Pepper::new(&[1; 32]);
//! let environment = [9; 16];
//! let stored = pepper.digest(Class::ApiKey, &environment, parsed.id_text(), parsed.secret());
//! assert!(stored == pepper.digest(Class::ApiKey, &environment, parsed.id_text(), parsed.secret()));
//!
//! assert!(!redact(secret.expose()).contains(parsed.secret()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The other kind of credential is signed: [`jose`] reads tokens, client assertions and DPoP proofs, and verifies them.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod base62;
mod class;
mod digest;
mod display;
mod id;
pub mod jose;
mod prefix;
mod redact;
mod secret;
mod text;

pub use class::Class;
pub use digest::{Digest, Pepper, foreign_digest};
pub use display::hint;
pub use id::CredentialId;
pub use prefix::{Prefix, PrefixError};
pub use redact::redact;
pub use secret::Secret;
pub use text::{ParseError, Parsed, mint, parse};
