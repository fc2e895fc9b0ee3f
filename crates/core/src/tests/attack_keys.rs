//! A1: key blobs at rest. A24: randomness that fails or repeats.

use std::collections::HashSet;

use sv_ledger::id::{Hash, UnlockerId, VaultId};

use super::support::*;
use crate::content::{block_hash, seal_block};
use crate::error::{EnvelopeError, KeyBlobInvalid, SealError, Tampered};
use crate::secret::{AccountRootKey, ContentKey, DeviceKey, Kek, SecretKey, VaultKey};
use crate::unlock::*;
use crate::vault_key::{ENVELOPE_LEN, open_envelope, peek_envelope, seal_envelope, seal_unchecked};

/// Needs: the commitment for bits 0 to 447, the tag for the rest.
#[test]
fn a1_every_bit_of_a_wrap_is_checked() {
    let (kek, ctx) = (key::<Kek>(1), wrap_context());
    let wrap = wrap_root_key(&kek, &key(2), &ctx, &mut rng("a1")).unwrap();
    assert_eq!(wrap.len(), WRAP_LEN);
    assert_eq!(
        unwrap_root_key(&kek, &wrap, &ctx).unwrap().expose(),
        &[2; 32]
    );
    for bit in 0..8 * WRAP_LEN {
        let opened = unwrap_root_key(&kek, &flipped(&wrap, bit), &ctx);
        assert_eq!(opened.err(), Some(KeyBlobInvalid), "bit {bit}");
    }
}

/// Needs: the length rule of the Box, and the tag.
#[test]
fn a1_a_wrap_has_one_length() {
    let (kek, ctx) = (key::<Kek>(1), wrap_context());
    let wrap = wrap_root_key(&kek, &key(2), &ctx, &mut rng("a1")).unwrap();
    for len in 0..WRAP_LEN {
        assert!(
            unwrap_root_key(&kek, &wrap[..len], &ctx).is_err(),
            "cut to {len}"
        );
    }
    for extra in 1..=48 {
        let longer = [wrap.as_slice(), &vec![0; extra]].concat();
        assert!(
            unwrap_root_key(&kek, &longer, &ctx).is_err(),
            "{extra} bytes more"
        );
    }
    // What another Box would hold is no root key.
    assert!(AccountRootKey::from_bytes(&[1; 31]).is_err());
    assert!(AccountRootKey::from_bytes(&[1; 33]).is_err());
}

/// Needs: each field of the context.
#[test]
fn a1_a_wrap_opens_only_where_it_belongs() {
    let (kek, ctx) = (key::<Kek>(1), wrap_context());
    let wrap = wrap_root_key(&kek, &key(2), &ctx, &mut rng("a1")).unwrap();
    let elsewhere = [
        WrapContext {
            uid: VaultId::new([0x12; 32]),
            ..ctx
        },
        WrapContext {
            unlocker_id: UnlockerId::new([0x56; 16]),
            ..ctx
        },
        WrapContext {
            kind: UnlockerKind::Recovery,
            ..ctx
        },
        WrapContext {
            generation: 2,
            ..ctx
        },
        WrapContext {
            generation: 0,
            ..ctx
        },
    ];
    for other in elsewhere {
        assert!(unwrap_root_key(&kek, &wrap, &other).is_err(), "{other:?}");
    }
    assert!(unwrap_root_key(&key::<Kek>(3), &wrap, &ctx).is_err());
}

/// Needs: the refusal of zero keys behind the AEAD.
#[test]
fn a1_an_all_zero_root_key_is_refused() {
    let (kek, ctx) = (key::<Kek>(1), wrap_context());
    let zero = AccountRootKey::from_boxed(Box::new(zeroize::Zeroizing::new([0; 32])));
    let wrap = wrap_root_key(&kek, &zero, &ctx, &mut rng("a1")).unwrap();
    assert!(unwrap_root_key(&kek, &wrap, &ctx).is_err());
    assert!(VaultKey::from_bytes(&[0; 32]).is_err());
    assert!(DeviceKey::from_store(&[1; 31]).is_err());
    assert!(Kek::from_export_key(&[0; 64]).is_err());
}

/// Needs: the commitment, the tag, and each field of the context.
#[test]
fn a1_a_root_key_at_rest_is_bound_to_its_session() {
    let (device, ctx) = (key::<DeviceKey>(1), rest_context());
    let sealed = seal_root_at_rest(&device, &key(2), &ctx, &mut rng("a1")).unwrap();
    assert!(open_root_at_rest(&device, &sealed, &ctx).is_ok());
    for bit in 0..8 * sealed.len() {
        assert!(open_root_at_rest(&device, &flipped(&sealed, bit), &ctx).is_err());
    }
    // The same 16 bytes as a device instead of a session.
    let as_device = Holder::Device(sv_ledger::id::DeviceId::new([0x55; 16]));
    assert!(
        open_root_at_rest(
            &device,
            &sealed,
            &RestContext {
                holder: as_device,
                ..ctx
            }
        )
        .is_err()
    );
    assert!(
        open_root_at_rest(
            &device,
            &sealed,
            &RestContext {
                generation: 2,
                ..ctx
            }
        )
        .is_err()
    );
}

/// Needs: the comparison with the expected header (bits of the header), the
/// suite check (bits 0 to 7), HPKE (the rest).
#[test]
fn a1_every_bit_of_an_envelope_is_checked() {
    let vault_key = key::<VaultKey>(1);
    let receiver = key::<VaultKey>(2).kem();
    let header = envelope_header(&vault_key, receiver.public().hash());
    let envelope =
        seal_envelope(&header, receiver.public(), &vault_key, &mut rng("envelope")).unwrap();
    assert_eq!(envelope.len(), ENVELOPE_LEN);
    assert_eq!(peek_envelope(&envelope), Ok(header));
    assert!(open_envelope(&header, &receiver, &envelope).is_ok());
    // Each decapsulation costs 0.1 ms: all bits of the header, every fifth after it.
    let header_bits = 8 * (ENVELOPE_LEN - 1120 - 48);
    for bit in (0..header_bits).chain((header_bits..8 * ENVELOPE_LEN).step_by(5)) {
        assert!(
            open_envelope(&header, &receiver, &flipped(&envelope, bit)).is_err(),
            "bit {bit}"
        );
    }
    for len in (0..ENVELOPE_LEN).step_by(7) {
        assert!(open_envelope(&header, &receiver, &envelope[..len]).is_err());
    }
    assert!(open_envelope(&header, &receiver, &[envelope.as_slice(), &[0]].concat()).is_err());
}

/// Needs: the commitment check inside `open_envelope` and `open_previous`.
#[test]
fn a1_an_honestly_sealed_wrong_key_is_refused() {
    let (right, wrong) = (key::<VaultKey>(1), key::<VaultKey>(3));
    let receiver = key::<VaultKey>(2).kem();
    let header = envelope_header(&right, receiver.public().hash());
    // A granter of bad will: all of the header, another key inside.
    let refused = seal_envelope(&header, receiver.public(), &wrong, &mut rng("envelope"));
    assert!(matches!(refused, Err(SealError::Misuse(_))));
    let lying = seal_unchecked(&header, receiver.public(), &wrong, &mut rng("envelope")).unwrap();
    let opened = open_envelope(&header, &receiver, &lying);
    assert_eq!(opened.err(), Some(EnvelopeError::Tampered));

    let next = key::<VaultKey>(4);
    let sealed = next
        .seal_previous(&wrong, &VAULT, 2, &mut rng("previous"))
        .unwrap();
    let expected = right.commitment(&VAULT, 1);
    assert_eq!(
        next.open_previous(&sealed, &VAULT, 2, [(1, expected)])
            .err(),
        Some(Tampered)
    );
    assert!(
        next.open_previous(&sealed, &VAULT, 2, [(1, wrong.commitment(&VAULT, 1))])
            .is_ok()
    );
    assert!(
        next.open_previous(&sealed, &VAULT, 3, [(2, wrong.commitment(&VAULT, 2))])
            .is_err()
    );
    assert!(
        next.open_previous(&sealed, &UID, 2, [(1, wrong.commitment(&UID, 1))])
            .is_err()
    );
    assert!(
        next.open_previous(&sealed, &VAULT, 0, [(0, expected)])
            .is_err()
    );
    // An epoch of which nobody has the key is skipped, a later one is not taken.
    let skipping = next
        .seal_previous(&wrong, &VAULT, 3, &mut rng("skipping"))
        .unwrap();
    let commitments = [(2, Hash::new([9; 32])), (1, wrong.commitment(&VAULT, 1))];
    let found = next.open_previous(&skipping, &VAULT, 3, commitments);
    assert_eq!(found.map(|(epoch, _)| epoch), Ok(1));
    let later = [(3, wrong.commitment(&VAULT, 3))];
    assert!(next.open_previous(&skipping, &VAULT, 3, later).is_err());
}

/// Needs: the comparison of the receiver's own key with the header's.
#[test]
fn a1_an_envelope_names_its_receivers_key() {
    let vault_key = key::<VaultKey>(1);
    let (receiver, other) = (key::<VaultKey>(2).kem(), key::<VaultKey>(5).kem());
    let header = envelope_header(&vault_key, receiver.public().hash());
    let misnamed = envelope_header(&vault_key, Hash::new([0; 32]));
    let refused = seal_envelope(&misnamed, receiver.public(), &vault_key, &mut rng("e"));
    assert!(matches!(refused, Err(SealError::Misuse(_))));
    let envelope = seal_envelope(&header, receiver.public(), &vault_key, &mut rng("e")).unwrap();
    assert!(open_envelope(&header, &other, &envelope).is_err());
    let lying = seal_unchecked(&misnamed, receiver.public(), &vault_key, &mut rng("e")).unwrap();
    assert!(open_envelope(&misnamed, &receiver, &lying).is_err());
}

/// Needs: a fresh draw of the salt in every sealing.
#[test]
fn a24_every_sealing_has_its_own_salt() {
    let mut rng = rng("salts");
    let content = key::<ContentKey>(1);
    let mut salts = HashSet::new();
    for round in 0..100_000_u32 {
        // An overwrite, or a resume after the source has changed: same place, other bytes.
        let sealed = seal_block(&content, &CONTENT, 0, &round.to_be_bytes(), &mut rng).unwrap();
        assert!(salts.insert(<[u8; 24]>::try_from(&sealed[..24]).unwrap()));
    }
}

/// Needs: the refusal of an all-zero draw.
#[test]
fn a24_dead_randomness_seals_nothing() {
    let mut dead = FixedRng::constant(0);
    let broken = Some(SealError::BrokenRandomness);
    assert_eq!(VaultKey::generate(&mut dead).err(), broken);
    assert_eq!(AccountRootKey::generate(&mut dead).err(), broken);
    assert_eq!(RecoveryKey::generate(&mut dead).err(), broken);
    assert_eq!(crate::secret::random::<16>(&mut dead).err(), broken);
    assert_eq!(
        seal_block(&key(1), &CONTENT, 0, b"x", &mut dead).err(),
        broken
    );
    assert_eq!(
        wrap_root_key(&key(1), &key(2), &wrap_context(), &mut dead).err(),
        broken
    );
}

/// Sealing the same block twice gives two blocks: a resumed upload cannot mix
/// halves of both, because the root names whole ones.
#[test]
fn a24_a_block_sealed_again_is_another_block() {
    let mut rng = rng("again");
    let first = seal_block(&key(1), &CONTENT, 0, b"same", &mut rng).unwrap();
    let again = seal_block(&key(1), &CONTENT, 0, b"same", &mut rng).unwrap();
    assert_ne!(block_hash(&first), block_hash(&again));
    assert!(first[56..] != again[56..]);
}
