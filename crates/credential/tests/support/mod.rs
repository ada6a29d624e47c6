//! Generated credentials for the property tests.

use claviger_credential::{Class, CredentialId, Prefix, Secret, mint};
use proptest::prelude::*;

pub fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

pub fn prefix() -> impl Strategy<Value = Prefix> {
    "[a-z][a-z0-9]{1,9}(_[a-z0-9]{1,6}){0,3}".prop_filter_map("a prefix of our own", |text| Prefix::parse(&text).ok())
}

/// What a credential is minted from.
#[derive(Clone, Debug)]
pub struct Parts {
    pub prefix: Prefix,
    pub class: Class,
    pub id: CredentialId,
    pub entropy: [u8; 32],
}

impl Parts {
    pub fn mint(&self) -> Secret {
        mint(&self.prefix, self.class, self.id, &self.entropy)
    }
}

pub fn parts() -> impl Strategy<Value = Parts> {
    (prefix(), class(), any::<[u8; 12]>(), any::<[u8; 32]>()).prop_map(|(prefix, class, id, entropy)| Parts {
        prefix,
        class,
        id: CredentialId::from_bytes(id),
        entropy,
    })
}
