//! Fixed ids, keys and randomness.

use rand_core::{Infallible, TryCryptoRng, TryRng};
use sv_ledger::id::{
    ContentId, DeviceId, Hash, InstanceId, NodeId, SessionId, UnlockerId, VaultId,
};
use sv_ledger::state::{Head, Role};

use crate::content::{ContentSecret, ContentSuite};
use crate::record::{DrivePointer, Kind, Name, Payload, Pin, Pins, Record, RecordContext, Version};
use crate::record::{Trashed, Unknown};
use crate::secret::{SecretKey, VaultKey};
use crate::unlock::{Holder, RestContext, UnlockerKind, WrapContext};
use crate::vault_key::EnvelopeHeader;
pub(super) use crate::vectors::SeededRng;

pub(super) const UID: VaultId = VaultId::new([0x11; 32]);
pub(super) const VAULT: VaultId = VaultId::new([0x22; 32]);
pub(super) const NODE: NodeId = NodeId::new([0x33; 16]);
pub(super) const CONTENT: ContentId = ContentId::new([0x44; 16]);

/// The same bytes in every role, so that only labels can tell roles apart.
pub(super) fn key<K: SecretKey>(byte: u8) -> K {
    K::from_bytes(&[byte; 32]).unwrap()
}

pub(super) fn rng(seed: &str) -> SeededRng {
    SeededRng::new(seed)
}

pub(super) fn wrap_context() -> WrapContext {
    WrapContext {
        uid: UID,
        unlocker_id: UnlockerId::new([0x55; 16]),
        kind: UnlockerKind::Password,
        generation: 1,
    }
}

pub(super) fn rest_context() -> RestContext {
    RestContext {
        instance_id: InstanceId::new([0x66; 32]),
        uid: UID,
        generation: 1,
        holder: Holder::Session(SessionId::new([0x55; 16])),
    }
}

pub(super) fn record_context() -> RecordContext {
    RecordContext {
        vault_id: VAULT,
        node_id: NODE,
        epoch: 1,
        rev: 1,
        content_suite: ContentSuite::Blocks,
    }
}

pub(super) fn envelope_header(vault_key: &VaultKey, kem_hash: Hash) -> EnvelopeHeader {
    EnvelopeHeader {
        vault_id: VAULT,
        epoch: 1,
        granter: UID,
        granter_generation: 1,
        principal: UID,
        principal_generation: 1,
        principal_head: Head {
            seq: 7,
            hash: Hash::new([0x78; 32]),
        },
        kem_hash,
        role: Role::Owner,
        vk_commit: vault_key.commitment(&VAULT, 1),
        member_hash: Hash::new([0x77; 32]),
    }
}

pub(super) fn version(byte: u8) -> Version {
    Version {
        content_id: ContentId::new([byte; 16]),
        key: ContentSecret::Blocks(key(byte)),
        size: 5_000_000,
        blocks_root: Hash::new([byte; 32]),
        modified_ms: 1_700_000_000_000,
        saved_ms: 1_700_000_000_001,
        author: UID,
        device: Some("laptop / Linux".to_owned()),
        unknown: Unknown::default(),
    }
}

/// One payload of each kind.
pub(super) fn payloads() -> Vec<Payload> {
    let mut file = Record::new(
        Kind::File,
        Name::parse("résumé.pdf").unwrap(),
        Some(NODE),
        1,
    );
    file.mime = Some("application/pdf".to_owned());
    file.executable = true;
    file.trashed = Some(Trashed {
        at_ms: 1_700_000_000_000,
    });
    file.versions = vec![version(1), version(2)];
    file.tags = vec!["tax".to_owned(), "2026".to_owned()];
    let folder = Record::new(Kind::Folder, Name::parse("- a folder").unwrap(), None, 1);
    let note = Record::new(Kind::Note, Name::parse("note").unwrap(), None, 1);
    let pins = Pins {
        device_id: DeviceId::new([0x55; 16]),
        label: "Ada's phone".to_owned(),
        pins: vec![Pin {
            vault_id: VAULT,
            head: Head {
                seq: 300,
                hash: Hash::new([0x77; 32]),
            },
            state_digest: Hash::new([0x88; 32]),
            epoch: 1,
        }],
        unknown: Unknown::default(),
    };
    vec![
        Payload::Node(file),
        Payload::Node(folder),
        Payload::Node(note),
        Payload::DrivePointer(DrivePointer::new(VAULT)),
        Payload::Pins(pins),
    ]
}

pub(super) fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

pub(super) fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .unwrap()
}

/// Gives given bytes once, then its last byte for ever.
pub(super) struct FixedRng(Vec<u8>);

impl FixedRng {
    pub(super) fn new(mut bytes: Vec<u8>) -> Self {
        bytes.reverse();
        Self(bytes)
    }

    /// Never anything but this byte: a broken source.
    pub(super) fn constant(byte: u8) -> Self {
        Self(vec![byte])
    }

    fn next(&mut self) -> u8 {
        if self.0.len() > 1 {
            self.0.pop().unwrap()
        } else {
            self.0[0]
        }
    }
}

impl TryRng for FixedRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes([0; 4].map(|_: u8| self.next())))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes([0; 8].map(|_: u8| self.next())))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.iter_mut().for_each(|byte| *byte = self.next());
        Ok(())
    }
}

impl TryCryptoRng for FixedRng {}
