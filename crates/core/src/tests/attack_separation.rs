//! A2: things where others belong. A4: keys and signatures of one purpose.
//! A7: other suites.

use std::collections::HashSet;

use proptest::prelude::*;
use sv_ledger::enc::Statement;
use sv_ledger::genesis::verify;
use sv_ledger::id::{DeviceId, Hash};

use super::support::*;
use crate::account::AccountKeys;
use crate::content::{
    ContentSecret, ContentSuite, RAW_HEADER_LEN, RawHeader, open_block, seal_block,
};
use crate::error::{ContentError, EnvelopeError, RecordError, SealError};
use crate::kdf::derive;
use crate::label::Label;
use crate::local::{Purpose, open_local, seal_local};
use crate::record::{
    Kind, Name, Payload, Record, RecordContext, Title, Version, open_record, seal_record,
};
use crate::secret::{AccountRootKey, ContentKey, SecretKey, VaultKey};
use crate::unlock::*;
use crate::vault_key::{open_envelope, seal_envelope};

type Open = Box<dyn Fn(&[u8]) -> bool>;

/// A way of sealing 32 bytes or more, and of opening just that.
struct Sealed {
    name: &'static str,
    bytes: Vec<u8>,
    open: Open,
}

/// Every sealed type, all under the same 32 key bytes and the same ids.
fn sealed_types() -> Vec<Sealed> {
    let mut rng = rng("a2");
    let mut all = Vec::new();
    let mut add = |name, bytes, open: Open| all.push(Sealed { name, bytes, open });

    for kind in [UnlockerKind::Password, UnlockerKind::Recovery] {
        let ctx = WrapContext {
            kind,
            ..wrap_context()
        };
        let bytes = wrap_root_key(&key(7), &key(7), &ctx, &mut rng).unwrap();
        let open = move |b: &[u8]| unwrap_root_key(&key(7), b, &ctx).is_ok();
        add("root key under an unlocker", bytes, Box::new(open));
    }
    let holders = [
        rest_context().holder,
        Holder::Device(DeviceId::new([0x55; 16])),
    ];
    for holder in holders {
        let ctx = RestContext {
            holder,
            ..rest_context()
        };
        let bytes = seal_root_at_rest(&key(7), &key(7), &ctx, &mut rng).unwrap();
        let open = move |b: &[u8]| open_root_at_rest(&key(7), b, &ctx).is_ok();
        add("root key at rest", bytes, Box::new(open));
    }
    let vault_key = || key::<VaultKey>(7);
    let bytes = vault_key()
        .seal_previous(&vault_key(), &VAULT, 2, &mut rng)
        .unwrap();
    let commitment = vault_key().commitment(&VAULT, 1);
    let open = move |b: &[u8]| {
        vault_key()
            .open_previous(b, &VAULT, 2, [(1, commitment)])
            .is_ok()
    };
    add("previous vault key", bytes.to_vec(), Box::new(open));

    let person = || AccountKeys::derive(&key(7), 1);
    let header = envelope_header(&vault_key(), person().kem().public().hash());
    let bytes = seal_envelope(&header, person().kem().public(), &vault_key(), &mut rng).unwrap();
    let open = move |b: &[u8]| open_envelope(&header, person().kem(), b).is_ok();
    add("envelope to a person", bytes, Box::new(open));
    let header = envelope_header(&vault_key(), vault_key().kem_public().hash());
    let bytes = seal_envelope(&header, &vault_key().kem_public(), &vault_key(), &mut rng).unwrap();
    let open = move |b: &[u8]| open_envelope(&header, &vault_key().kem(), b).is_ok();
    add("envelope to a vault", bytes, Box::new(open));

    let variant = |payload: &Payload| match payload {
        Payload::Node(record) => record.kind as usize,
        Payload::DrivePointer(_) => 10,
        Payload::Pins(_) => 11,
        Payload::Contact(_) => 12,
        Payload::SharedVault(_) => 13,
        Payload::Invitation(_) => 14,
        Payload::Title(_) => 15,
    };
    let title = Payload::Title(Title::new(Name::parse("Holidays").unwrap()));
    for payload in payloads().into_iter().chain([title]) {
        let bytes = seal_record(&key(7), &record_context(), &payload, &mut rng).unwrap();
        let expected = variant(&payload);
        let open = move |b: &[u8]| {
            open_record(&key(7), &record_context(), b).is_ok_and(|p| variant(&p) == expected)
        };
        add("record", bytes, Box::new(open));
    }
    let bytes = seal_block(&key(7), &CONTENT, 0, &[7; 32], &mut rng).unwrap();
    add(
        "block",
        bytes,
        Box::new(|b| open_block(&key(7), &CONTENT, 0, b).is_ok()),
    );
    let bytes = seal_block(&key(7), &CONTENT, 1, &[7; 32], &mut rng).unwrap();
    add(
        "next block",
        bytes,
        Box::new(|b| open_block(&key(7), &CONTENT, 1, b).is_ok()),
    );
    for purpose in [Purpose::Cache, Purpose::Resume, Purpose::Pins] {
        let bytes = seal_local(&key(7), purpose, b"x", &[7; 32], &mut rng).unwrap();
        let open = move |b: &[u8]| open_local(&key(7), purpose, b"x", b).is_ok();
        add("local state", bytes, Box::new(open));
    }
    all
}

/// Needs: a label of its own for every key and context; for records of two
/// kinds, the kind inside.
#[test]
fn a2_no_sealed_type_opens_as_another() {
    let all = sealed_types();
    assert!(all.len() >= 14);
    for (i, sealed) in all.iter().enumerate() {
        for (j, place) in all.iter().enumerate() {
            let opened = (place.open)(&sealed.bytes);
            assert_eq!(opened, i == j, "{} {i} as {} {j}", sealed.name, place.name);
        }
    }
}

/// Needs: each field of the record's context, and the epoch in its prefix.
#[test]
fn a2_a_record_opens_only_where_it_belongs() {
    let ctx = record_context();
    let payload = &payloads()[0];
    let sealed = seal_record(&key(7), &ctx, payload, &mut rng("a2")).unwrap();
    let elsewhere = [
        crate::record::RecordContext {
            vault_id: UID,
            ..ctx
        },
        crate::record::RecordContext {
            node_id: sv_ledger::id::NodeId::new([0x34; 16]),
            ..ctx
        },
        crate::record::RecordContext { epoch: 2, ..ctx },
        crate::record::RecordContext { rev: 2, ..ctx },
    ];
    for other in elsewhere {
        let opened = open_record(&key(7), &other, &sealed);
        assert_eq!(opened.err(), Some(RecordError::Tampered), "{other:?}");
    }
    // The clear epoch must be the entry's, and is part of the context, too.
    let mut moved = sealed;
    moved[4] = 2;
    assert_eq!(
        open_record(&key(7), &ctx, &moved).err(),
        Some(RecordError::Tampered)
    );
    let other = crate::record::RecordContext { epoch: 2, ..ctx };
    assert_eq!(
        open_record(&key(7), &other, &moved).err(),
        Some(RecordError::Tampered)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Needs: an info of its own for every label.
    #[test]
    fn a4_all_derived_keys_differ(bytes in any::<[u8; 32]>(), generation in 1_u32..1000) {
        prop_assume!(bytes != [0; 32]);
        let mut seen = HashSet::from([bytes]);
        for label in Label::ALL {
            for field in [generation, generation + 1] {
                prop_assert!(seen.insert(*derive(label, &bytes, &[&field.to_be_bytes()])));
            }
        }
    }

    /// Needs: the label inside what is signed.
    #[test]
    fn a4_a_signature_is_of_one_kind(seed in any::<[u8; 32]>(), hash in any::<[u8; 32]>()) {
        prop_assume!(seed != [0; 32]);
        let keys = AccountKeys::derive(&AccountRootKey::from_bytes(&seed).unwrap(), 1);
        let hash = Hash::new(hash);
        for signed in Statement::ALL {
            let signature = keys.sign(signed, &hash);
            for presented in Statement::ALL {
                let ok = verify(presented, &hash, &keys.public().sign_pk, &signature);
                prop_assert_eq!(ok, signed == presented);
            }
        }
    }
}

/// Needs: separate keys for what signs entries and what answers challenges.
#[test]
fn a4_a_recovery_proof_is_not_the_accounts_signature() {
    let recovery = key::<RecoveryKey>(7);
    let account = AccountKeys::derive(&key(7), 1);
    let hash = Hash::new([1; 32]);
    let proof = recovery.auth().sign(&hash);
    assert!(verify(
        Statement::RecoveryProof,
        &hash,
        &recovery.auth().public(),
        &proof
    ));
    assert!(!verify(
        Statement::RecoveryProof,
        &hash,
        &account.public().sign_pk,
        &proof
    ));
    for other in [
        Statement::Genesis,
        Statement::Entry,
        Statement::Unlockers,
        Statement::Body,
    ] {
        assert!(!verify(other, &hash, &recovery.auth().public(), &proof));
    }
}

/// Needs: the suite check before anything else.
#[test]
fn a7_only_one_suite_exists() {
    let mut rng = rng("a7");
    let payload = &payloads()[0];
    let mut record = seal_record(&key(7), &record_context(), payload, &mut rng).unwrap();
    let receiver = key::<VaultKey>(2).kem();
    let header = envelope_header(&key(7), receiver.public().hash());
    let mut envelope = seal_envelope(&header, receiver.public(), &key(7), &mut rng).unwrap();
    let mut raw = RawHeader {
        content_id: CONTENT,
        size: 1,
    }
    .to_bytes();
    for suite in [0, 2, 255] {
        record[0] = suite;
        let opened = open_record(&key(7), &record_context(), &record);
        assert_eq!(opened.err(), Some(RecordError::UnsupportedSuite(suite)));
        envelope[0] = suite;
        let opened = open_envelope(&header, &receiver, &envelope);
        assert_eq!(opened.err(), Some(EnvelopeError::UnsupportedSuite(suite)));
        raw[6] = suite;
        assert_eq!(
            RawHeader::parse(&raw).err(),
            Some(ContentError::UnsupportedSuite(suite))
        );
    }
    assert_eq!(raw.len(), RAW_HEADER_LEN);
}

/// Needs: the comparison of each version's suite with the vault's. Nobody who
/// holds a vault's key can put a content of another form into it, and a reader
/// of an ordinary vault never comes to a Fernet token.
#[test]
fn a7_a_content_has_the_form_that_its_vault_names() {
    let with = |secret: ContentSecret| {
        let mut record = Record::new(Kind::File, Name::parse("f").unwrap(), None, 1);
        record.versions = vec![Version {
            key: secret,
            ..version(1)
        }];
        Payload::Node(record)
    };
    let blocks = record_context();
    let fernet = RecordContext {
        content_suite: ContentSuite::Fernet,
        ..blocks
    };
    let of_blocks = with(ContentSecret::Blocks(key(1)));
    let of_fernet = with(ContentSecret::Fernet(key(1)));
    for (here, there, payload) in [(blocks, fernet, of_blocks), (fernet, blocks, of_fernet)] {
        let mut rng = rng("a7 suites");
        assert!(matches!(
            seal_record(&key(7), &there, &payload, &mut rng),
            Err(SealError::Misuse(_))
        ));
        let sealed = seal_record(&key(7), &here, &payload, &mut rng).unwrap();
        assert!(open_record(&key(7), &here, &sealed).is_ok());
        let opened = open_record(&key(7), &there, &sealed);
        assert!(matches!(opened.err(), Some(RecordError::Malformed(_))));
    }
}

/// A secret has no revealing `Debug`.
#[test]
fn a4_keys_do_not_print() {
    let content = key::<ContentKey>(0xab);
    assert_eq!(format!("{content:?}"), "ContentKey(..)");
    let account = AccountKeys::derive(&key(0xab), 1);
    assert!(!format!("{account:?}").contains(&format!("{:?}", account.vault_key().expose())));
}
