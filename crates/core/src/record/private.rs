//! Records of an account vault: what a person's devices tell each other
//! (spec: `records.md` §4).

use sv_ledger::id::{DeviceId, Hash, VaultId};
use sv_ledger::state::Head;
use zeroize::Zeroizing;

use super::cbor::{self, Malformed, Map, MapWriter, Unknown};
use super::payload::is_label;

/// Vaults of one pins record.
const PINS: usize = 4096;

/// Says which vault is the person's drive, so that no server can name another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrivePointer {
    /// The drive.
    pub vault_id: VaultId,
    /// Fields of a newer version.
    pub unknown: Unknown,
}

impl DrivePointer {
    pub(super) const TAG: u64 = 5;

    /// A pointer to that vault.
    pub fn new(vault_id: VaultId) -> Self {
        Self {
            vault_id,
            unknown: Unknown::default(),
        }
    }

    pub(super) fn write(&self, map: &mut MapWriter) {
        map.field(1, cbor::write_bytes(self.vault_id.as_bytes()))
            .unknown(&self.unknown);
    }

    pub(super) fn read(mut map: Map<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            vault_id: VaultId::new(cbor::array(map.require(1)?)?),
            unknown: map.into_unknown(),
        })
    }
}

/// How far a device has followed one vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// The vault.
    pub vault_id: VaultId,
    /// The newest entry it has verified.
    pub head: Head,
    /// The state digest there.
    pub state_digest: Hash,
    /// The epoch there.
    pub epoch: u32,
}

impl Pin {
    fn write(&self) -> Zeroizing<Vec<u8>> {
        MapWriter::default()
            .field(0, cbor::write_bytes(self.vault_id.as_bytes()))
            .field(1, cbor::write_uint(self.head.seq))
            .field(2, cbor::write_bytes(self.head.hash.as_bytes()))
            .field(3, cbor::write_bytes(self.state_digest.as_bytes()))
            .field(4, cbor::write_uint(u64::from(self.epoch)))
            .finish()
    }

    /// A pin has no room for unknown fields: one that did not count would be
    /// a pin that does not hold. (Re-encoding refuses them.)
    fn read(item: &[u8]) -> Result<Self, Malformed> {
        let mut map = Map::of(item)?;
        Ok(Self {
            vault_id: VaultId::new(cbor::array(map.require(0)?)?),
            head: Head {
                seq: cbor::uint(map.require(1)?)?,
                hash: Hash::new(cbor::array(map.require(2)?)?),
            },
            state_digest: Hash::new(cbor::array(map.require(3)?)?),
            epoch: u32::try_from(cbor::uint(map.require(4)?)?).map_err(|_| "epoch")?,
        })
    }
}

/// The heads one device has seen, for the person's other devices: a server
/// that shows them less is caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins {
    /// The device.
    pub device_id: DeviceId,
    /// What the person calls it.
    pub label: String,
    /// In strictly ascending order of vault id.
    pub pins: Vec<Pin>,
    /// Fields of a newer version.
    pub unknown: Unknown,
}

impl Pins {
    pub(super) const TAG: u64 = 6;

    pub(super) fn is_read_only(&self) -> bool {
        self.unknown.is_critical()
    }

    pub(super) fn check(&self) -> Result<(), Malformed> {
        if !is_label(&self.label) {
            return Err("device label");
        }
        if self.pins.len() > PINS || !self.pins.is_sorted_by(|a, b| a.vault_id < b.vault_id) {
            return Err("pins not ascending");
        }
        Ok(())
    }

    pub(super) fn write(&self, map: &mut MapWriter) {
        map.field(1, cbor::write_bytes(self.device_id.as_bytes()))
            .field(2, cbor::write_text(&self.label))
            .optional(3, cbor::write_items(self.pins.iter().map(Pin::write)))
            .unknown(&self.unknown);
    }

    pub(super) fn read(mut map: Map<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            device_id: DeviceId::new(cbor::array(map.require(1)?)?),
            label: cbor::text(map.require(2)?)?.to_owned(),
            pins: match map.take(3) {
                Some(item) => cbor::items(item, PINS)?
                    .into_iter()
                    .map(Pin::read)
                    .collect::<Result<_, _>>()?,
                None => Vec::new(),
            },
            unknown: map.into_unknown(),
        })
    }
}
