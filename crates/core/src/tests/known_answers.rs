//! Published answers of the primitives, through the code that uses them.

use ed25519_dalek::{Signer, SigningKey};
use hkdf::Hkdf;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, kem::XWing};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::support::{FixedRng, hex, key};
use crate::error::RecoveryKeyError;
use crate::kdf::expand;
use crate::kem::KemSecretKey;
use crate::secret::SecretKey;
use crate::unlock::RecoveryKey;

/// RFC 5869, A.1 to A.3 (it has no SHA-512 cases: those are Wycheproof's).
#[test]
fn rfc_5869_hkdf_sha256() {
    let range = |from: u8, to: u8| (from..=to).collect::<Vec<_>>();
    let cases = [
        (
            vec![0x0b; 22],
            range(0, 0x0c),
            range(0xf0, 0xf9),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            range(0, 0x4f),
            range(0x60, 0xaf),
            range(0xb0, 0xff),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            vec![0x0b; 22],
            vec![],
            vec![],
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ];
    for (ikm, salt, info, okm) in cases {
        let mut out = vec![0; okm.len() / 2];
        Hkdf::<Sha256>::new(Some(&salt), &ikm)
            .expand(&info, &mut out)
            .unwrap();
        assert_eq!(out, hex(okm));
    }
}

/// Our expansion is the crate's wherever the crate takes the key.
#[test]
fn expand_agrees_with_the_hkdf_crate() {
    let prk = [0x5a; 64];
    let mut theirs = [0; 200];
    Hkdf::<sha2::Sha512>::from_prk(&prk)
        .unwrap()
        .expand(b"some info", &mut theirs)
        .unwrap();
    let ours: Zeroizing<[u8; 200]> = expand(&prk, &[b"some", b" ", b"info"]);
    assert_eq!(*ours, theirs);
}

/// RFC 8032 §7.1, tests 1 to 3.
#[test]
fn rfc_8032_ed25519() {
    let cases = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    for (secret, public, message, signature) in cases {
        let signing = SigningKey::from_bytes(&hex(secret).try_into().unwrap());
        assert_eq!(signing.verifying_key().to_bytes().as_slice(), hex(public));
        let signed = signing.sign(&hex(message));
        assert_eq!(signed.to_bytes().as_slice(), hex(signature));
        assert!(
            signing
                .verifying_key()
                .verify_strict(&hex(message), &signed)
                .is_ok()
        );
    }
}

/// draft-ietf-hpke-pq, test vectors, the entry for exactly our suite: base
/// mode, KEM 0x647a, HKDF-SHA256, ChaCha20-Poly1305. `ikmE` is what the
/// encapsulation draws; the ciphertext depends on all of `enc`.
#[test]
fn hpke_x_wing() {
    let secret = hex("3ec47fa82dd5689d27c6190e724c74ec8f608df3331ce331929e37b829676630");
    let ikm_e = hex(
        "2a1c0a3745fe8a48fb62034d300f54dfe1974a5b2e169e580a8789cb1cf5fd190fc00f3fd899594e01a8b15334b9f3fa03d8de44da86e19f5776850fb689e6c8",
    );
    let info =
        hex("34663634363532303666366532303631323034373732363536333639363136653230353537323665");
    let plaintext = hex(
        "34323635363137353734373932303639373332303734373237353734363832633230373437323735373436383230363236353631373537343739",
    );
    let ciphertext = hex(
        "c5c591f99092d5e38df0a52699af249c66f8275a863423c076de8147a53e65cc584041c963b77a7e59ea93841b1339b5efda8909b71f74bb0073ad62e899de310c1566dea2fd29eba377",
    );

    let seed = Zeroizing::new(<[u8; 32]>::try_from(secret).unwrap());
    let pair = KemSecretKey::from_seed(&seed);
    assert!(
        pair.public()
            .as_bytes()
            .starts_with(&hex("f5fb01a5db909ac907ecc9524de9b9ea"))
    );
    assert!(
        pair.public()
            .as_bytes()
            .ends_with(&hex("72220e7f4d4f557f15b33dcf32e5c837"))
    );
    let public = <XWing as Kem>::PublicKey::from_bytes(pair.public().as_bytes()).unwrap();
    let (enc, sealed) = hpke::single_shot_seal_with_rng::<
        hpke::aead::ChaCha20Poly1305,
        hpke::kdf::HkdfSha256,
        XWing,
    >(
        &OpModeS::Base,
        &public,
        &info,
        &plaintext,
        b"Count-0",
        &mut FixedRng::new(ikm_e),
    )
    .unwrap();
    assert!(
        enc.to_bytes()
            .starts_with(&hex("26759c7b22923ea5cc9c78e3e14c8fc6"))
    );
    assert!(
        enc.to_bytes()
            .ends_with(&hex("9ad82703f9b47d34d1a3cbafe42c73f57d0e"))
    );
    assert_eq!(sealed, ciphertext);
    let opened =
        hpke::single_shot_open::<hpke::aead::ChaCha20Poly1305, hpke::kdf::HkdfSha256, XWing>(
            &OpModeR::Base,
            pair.expose(),
            &enc,
            &info,
            &ciphertext,
            b"Count-0",
        )
        .unwrap();
    assert_eq!(opened, plaintext);
}

/// BIP-39's published vectors for 256 bits.
#[test]
fn bip39_words() {
    let cases = [
        (
            [0x7f; 32],
            "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title",
        ),
        (
            [0x80; 32],
            "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless",
        ),
        (
            [0xff; 32],
            "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
        ),
    ];
    for (entropy, words) in cases {
        let recovery = RecoveryKey::from_bytes(&entropy).unwrap();
        assert_eq!(*recovery.to_words(), words);
        let typed = format!("  {}\n", words.to_uppercase().replace(' ', " \t "));
        assert_eq!(RecoveryKey::parse(&typed).unwrap().expose(), &entropy);
    }
}

#[test]
fn recovery_key_errors_are_precise() {
    let words = key::<RecoveryKey>(0x7f).to_words();
    let error = |text: &str| RecoveryKey::parse(text).err();
    assert_eq!(error(""), Some(RecoveryKeyError::WordCount(0)));
    assert_eq!(error("zoo zoo"), Some(RecoveryKeyError::WordCount(2)));
    assert_eq!(
        error(&format!("{} zoo", *words)),
        Some(RecoveryKeyError::WordCount(25))
    );
    let misspelt = words.replacen("winner", "winer", 1);
    assert_eq!(error(&misspelt), Some(RecoveryKeyError::UnknownWord(2)));
    let exchanged = words.replacen("legal winner", "winner legal", 1);
    assert_eq!(error(&exchanged), Some(RecoveryKeyError::Checksum));
    let zeros = format!("{}art", "abandon ".repeat(23));
    assert_eq!(
        error(&zeros),
        Some(RecoveryKeyError::Checksum),
        "an all-zero key"
    );
}
