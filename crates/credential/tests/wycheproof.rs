//! Every vector of Project Wycheproof for the four algorithms, and those of RSASSA-PSS with other parameters, none of which
//! is PS256. The numbers of cases are asserted too, so that vectors which went missing are noticed.
//!
//! Deviations, all on the strict side: RSA keys with the exponent 3 are refused as keys (3 cases), and so are the 4 merely
//! "acceptable" PKCS #1 signatures, whose digest lacks its NULL parameter.

use claviger_credential::jose::{Algorithm, JwkError, PublicJwk, VerifyingKey};
use wycheproof::{HashFunction, Mgf, TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

/// What became of the cases of one algorithm.
#[derive(Debug, Default, PartialEq)]
struct Count {
    valid: usize,
    invalid: usize,
    acceptable: usize,
    of_refused_keys: usize,
}

impl Count {
    /// Checks one case; what is merely acceptable is refused here.
    fn case(&mut self, verifies: bool, result: TestResult, name: &str) {
        assert_eq!(verifies, result == TestResult::Valid, "{name}");
        match result {
            TestResult::Valid => self.valid += 1,
            TestResult::Invalid => self.invalid += 1,
            TestResult::Acceptable => self.acceptable += 1,
        }
    }
}

#[test]
fn es256_verifies_what_it_should() {
    let mut count = Count::default();
    for group in ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap().test_groups {
        let key = VerifyingKey::new(&PublicJwk::from_p256_point(&group.key.key).unwrap()).unwrap();
        for test in group.tests {
            count.case(key.verify(&test.msg, &test.sig), test.result, &format!("{} {}", test.tc_id, test.comment));
        }
    }
    println!("ES256: {count:?}");
    assert_eq!(count, Count { valid: 173, invalid: 89, ..Count::default() });
}

#[test]
fn eddsa_verifies_what_it_should() {
    let mut count = Count::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = VerifyingKey::new(&PublicJwk::from_ed25519(group.key.pk.as_slice().try_into().unwrap())).unwrap();
        for test in group.tests {
            count.case(key.verify(&test.msg, &test.sig), test.result, &format!("{} {}", test.tc_id, test.comment));
        }
    }
    println!("EdDSA: {count:?}");
    assert_eq!(count, Count { valid: 88, invalid: 63, ..Count::default() });
}

#[test]
fn rs256_verifies_what_it_should() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256};
    let mut count = Count::default();
    for set in [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256] {
        for group in rsa_pkcs1_verify::TestSet::load(set).unwrap().test_groups {
            let Some([rs256, ps256]) = rsa_keys(&group.key.n, &group.key.e) else {
                count.of_refused_keys += group.tests.len();
                continue;
            };
            for test in group.tests {
                let name = format!("{set:?} {} {}", test.tc_id, test.comment);
                count.case(rs256.verify(&test.msg, &test.sig), test.result, &name);
                assert!(test.result != TestResult::Valid || !ps256.verify(&test.msg, &test.sig), "as PS256: {name}");
            }
        }
    }
    println!("RS256: {count:?}");
    assert_eq!(count, Count { valid: 28, invalid: 999, acceptable: 4, of_refused_keys: 3 });
}

#[test]
fn ps256_verifies_what_it_should_and_no_other_parameters() {
    let (mut count, mut others) = (Count::default(), 0);
    for set in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(set).unwrap().test_groups {
            let Some([rs256, ps256]) = rsa_keys(&group.key.n, &group.key.e) else {
                count.of_refused_keys += group.tests.len();
                continue;
            };
            let sha256 = HashFunction::Sha2_256;
            let is_sha256 = group.hash == sha256 && group.mgf == Mgf::Mgf1 && group.mgf_hash == Some(sha256);
            let is_ps256 = is_sha256 && group.salt_size == 32;
            for test in group.tests {
                let name = format!("{} {}", test.tc_id, test.comment);
                let verifies = ps256.verify(&test.msg, &test.sig);
                if is_ps256 {
                    count.case(verifies, test.result, &name);
                } else {
                    others += 1;
                    // Invalid where the salt should be empty, this one is a PS256 signature.
                    assert_eq!(verifies, is_sha256 && test.comment == "s_len changed to 32", "{name}");
                }
                assert!(test.result != TestResult::Valid || !rs256.verify(&test.msg, &test.sig), "as RS256: {name}");
            }
        }
    }
    println!("PS256: {count:?}, and {others} with other parameters");
    assert_eq!((count, others), (Count { valid: 317, invalid: 225, ..Count::default() }, 2955));
}

/// The same key for RS256 and for PS256, or nothing where its exponent is not taken.
fn rsa_keys(n: &[u8], e: &[u8]) -> Option<[VerifyingKey; 2]> {
    let keys = [Algorithm::Rs256, Algorithm::Ps256].map(|algorithm| PublicJwk::from_rsa(algorithm, n, e));
    if e != [1, 0, 1] {
        assert_eq!(keys, [Err(JwkError::Weak), Err(JwkError::Weak)]);
        return None;
    }
    Some(keys.map(|key| VerifyingKey::new(&key.unwrap()).unwrap()))
}
