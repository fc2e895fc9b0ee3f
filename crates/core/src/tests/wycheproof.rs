//! Project Wycheproof, through the code that seals.

use ed25519_dalek::{Signature, VerifyingKey};
use miniz_oxide::inflate::decompress_to_vec_zlib;
use wycheproof::TestResult;
use wycheproof::chunked_encryption as chunked;

use crate::aead::{self, Aead, ChaCha20};
use crate::kdf::expand;
use crate::sealed_box::Format;

/// C2SP chunked-encryption with AES-256-GCM and 16 KiB chunks: the Box itself,
/// under that construction's name and length.
#[test]
fn c2sp_chunked_encryption() {
    let format: Format<aead::Aes256Gcm> =
        Format::new("c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM", 16 * 1024);
    let set = chunked::TestSet::load(chunked::TestName::Cobblestone256).unwrap();
    let mut ran = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let sealed = decompress_to_vec_zlib(&test.ct).unwrap();
        let opened = format.open(&test.key, &test.ctx, &sealed);
        assert_eq!(
            opened.is_ok(),
            test.result == TestResult::Valid,
            "{}",
            test.comment
        );
        if let Ok(plaintext) = opened {
            assert_eq!(Some(plaintext.len()), test.msg_length);
            let digest = <sha2::Sha512 as sha2::Digest>::digest(plaintext.as_slice());
            assert_eq!(
                test.msg_sha512.as_ref().unwrap().as_slice(),
                digest.as_slice()
            );
        }
        ran += 1;
    }
    assert_eq!(ran, 35);
}

fn run_aead<A: Aead>(name: wycheproof::aead::TestName) -> usize {
    let set = wycheproof::aead::TestSet::load(name).unwrap();
    let mut ran = 0;
    for group in &set.test_groups {
        // The Box knows one length each of key, nonce and tag.
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in &group.tests {
            let cipher = A::new(&test.key.as_slice().try_into().unwrap()).unwrap();
            let nonce = test.nonce.as_slice().try_into().unwrap();
            let sealed = [test.ct.as_slice(), &test.tag].concat();
            let mut plaintext = vec![0xaa; test.ct.len()];
            let opened = cipher.open(&nonce, &test.aad, &sealed, &mut plaintext);
            assert_eq!(
                opened.is_ok(),
                test.result == TestResult::Valid,
                "case {}",
                test.tc_id
            );
            if opened.is_ok() {
                assert_eq!(plaintext, test.pt.as_slice());
                let mut again = vec![0; sealed.len()];
                cipher
                    .seal(&nonce, &test.aad, &test.pt, &mut again)
                    .unwrap();
                assert_eq!(again, sealed);
            } else {
                assert!(plaintext.iter().all(|byte| *byte == 0), "nothing is left");
            }
            ran += 1;
        }
    }
    ran
}

#[test]
fn aes_256_gcm_native() {
    assert!(run_aead::<aead::Aes256Gcm>(wycheproof::aead::TestName::AesGcm) > 50);
}

#[test]
fn aes_256_gcm_portable() {
    assert!(run_aead::<aead::portable::Aes256Gcm>(wycheproof::aead::TestName::AesGcm) > 50);
}

#[test]
fn chacha20_poly1305() {
    assert!(run_aead::<ChaCha20>(wycheproof::aead::TestName::ChaCha20Poly1305) > 200);
}

/// Extract by the crate, expand by ours, at the lengths that are asked for.
#[test]
fn hkdf_sha512() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha512).unwrap();
    let mut ran = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        if test.result != TestResult::Valid || test.size > 512 {
            continue;
        }
        let (prk, _) = hkdf::Hkdf::<sha2::Sha512>::extract(Some(&test.salt), &test.ikm);
        let prk: [u8; 64] = prk.into();
        let okm: zeroize::Zeroizing<[u8; 512]> = expand(&prk, &[&test.info]);
        assert_eq!(
            &okm[..test.size],
            test.okm.as_slice(),
            "case {}",
            test.tc_id
        );
        ran += 1;
    }
    assert!(ran > 50);
}

/// Strict verification may refuse more than RFC 8032, never accept more.
#[test]
fn ed25519_strict() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    for group in &set.test_groups {
        let key = VerifyingKey::from_bytes(&group.key.pk.as_slice().try_into().unwrap()).unwrap();
        for test in &group.tests {
            let accepted = Signature::from_slice(&test.sig)
                .is_ok_and(|signature| key.verify_strict(&test.msg, &signature).is_ok());
            assert_eq!(
                accepted,
                test.result == TestResult::Valid,
                "case {}",
                test.tc_id
            );
        }
    }
}
