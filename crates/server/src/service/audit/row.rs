//! The bytes that are hashed and signed (spec: `audit.md` §2).

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use sv_ledger::codec::{SUITE, Writer};
use sv_ledger::enc::enc;
use sv_ledger::id::{Hash, InstanceId, SignPublicKey};

use crate::secrets::{KeyEncryptionKey, Keyed};
use crate::store::audit::{Place, StoredCheckpoint, StoredEvent, StoredRow};

const ROW: &str = "SecureVault/v1/server/audit-row";
const CHECKPOINT: &str = "SecureVault/v1/server/audit-checkpoint";

/// The hash of a row after the one before it.
pub(super) fn hash(before: &Place, seq: u64, event: &StoredEvent) -> Hash {
    let mut w = Writer::new();
    w.u8(SUITE)
        .u64(seq)
        .raw(before.hash.as_bytes())
        .u64(event.at_ms)
        .u8(event.kind)
        .raw(event.actor.as_bytes())
        .raw(&event.subject)
        .raw(&event.network)
        .raw(&event.detail);
    Hash::new(Sha256::digest(enc(ROW, &[&w.into_bytes()])).into())
}

/// What only a holder of the key-encryption key can make of a row's hash, so
/// that a row that was changed with all hashes after it is named, too.
pub(super) fn mac(kek: &KeyEncryptionKey, hash: &Hash) -> [u8; 32] {
    kek.keyed_hash(Keyed::AuditRow, &[hash.as_bytes()])
}

/// The next row.
pub(super) fn row(kek: &KeyEncryptionKey, before: &Place, event: StoredEvent) -> StoredRow {
    let seq = before.seq + 1;
    let hash = hash(before, seq, &event);
    StoredRow {
        seq,
        mac: mac(kek, &hash),
        event,
        hash,
    }
}

/// A checkpoint at a place.
pub(super) fn checkpoint(
    signer: &SigningKey,
    instance: &InstanceId,
    place: Place,
    at_ms: u64,
) -> StoredCheckpoint {
    let message = signing_input(instance, &place, at_ms);
    StoredCheckpoint {
        seq: place.seq,
        hash: place.hash,
        at_ms,
        signature: signer.sign(&message).to_bytes(),
    }
}

/// Whether a checkpoint is signed by a key.
pub(super) fn is_signed(
    checkpoint: &StoredCheckpoint,
    instance: &InstanceId,
    key: &SignPublicKey,
) -> bool {
    let place = Place {
        seq: checkpoint.seq,
        hash: checkpoint.hash,
    };
    let message = signing_input(instance, &place, checkpoint.at_ms);
    let signature = Signature::from_bytes(&checkpoint.signature);
    VerifyingKey::from_bytes(key.as_bytes())
        .is_ok_and(|key| key.verify_strict(&message, &signature).is_ok())
}

fn signing_input(instance: &InstanceId, place: &Place, at_ms: u64) -> Vec<u8> {
    let (seq, at_ms) = (place.seq.to_be_bytes(), at_ms.to_be_bytes());
    let fields: [&[u8]; 4] = [instance.as_bytes(), &seq, place.hash.as_bytes(), &at_ms];
    enc(CHECKPOINT, &fields)
}
