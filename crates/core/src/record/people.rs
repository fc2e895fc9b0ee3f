//! Records of an account vault about other people and what is shared with
//! them (spec: `records.md` §4).

use sv_ledger::handle::Handle;
use sv_ledger::id::{Hash, NodeId, SignPublicKey, VaultId};
use sv_ledger::state::{Head, Role};
use zeroize::Zeroizing;

use super::cbor::{self, Malformed, Map, MapWriter, Unknown};
use super::name::Name;
use crate::safety::Identity;

/// A person as this account knows them: pinned when they were first seen, so
/// that a server cannot exchange them afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The keys that were last seen, each generation signed by the one before.
    pub identity: Identity,
    /// The name by which the account was found, which it has signed.
    pub handle: Handle,
    /// The newest membership head of their account that was seen.
    pub head: Head,
    /// The generation whose keys a person compared; none if nobody did.
    pub verified_generation: Option<u32>,
    /// Fields of a newer version.
    pub unknown: Unknown,
}

/// A vault beside the drive that this account made or accepted: keys of no
/// other vault are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedVault {
    /// The vault.
    pub vault_id: VaultId,
    /// What this account calls it.
    pub name: Name,
    /// Whether the person did not want it.
    pub is_declined: bool,
    /// The node of the drive whose content is still on its way into it.
    pub moving: Option<NodeId>,
    /// Fields of a newer version.
    pub unknown: Unknown,
}

/// What those who share a vault call it, in the vault itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// Its name.
    pub name: Name,
    /// Fields of a newer version.
    pub unknown: Unknown,
}

impl Title {
    pub(super) const TAG: u64 = 10;

    /// A vault of that name.
    pub fn new(name: Name) -> Self {
        Self {
            name,
            unknown: Unknown::default(),
        }
    }

    pub(super) fn write(&self, map: &mut MapWriter) {
        map.field(1, cbor::write_text(self.name.as_str()))
            .unknown(&self.unknown);
    }

    pub(super) fn read(mut map: Map<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            name: Name::parse(cbor::text(map.require(1)?)?).map_err(|_| "name")?,
            unknown: map.into_unknown(),
        })
    }
}

/// Somebody without an account yet who is to have access once there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The handle they will have.
    pub handle: Handle,
    /// To what.
    pub vault_id: VaultId,
    /// With which role.
    pub role: Role,
    /// Unix milliseconds from which on access is over; 0 for never.
    pub expires_ms: u64,
    /// Fields of a newer version.
    pub unknown: Unknown,
}

impl Contact {
    pub(super) const TAG: u64 = 7;

    pub(super) fn write(&self, map: &mut MapWriter) {
        let Identity {
            uid,
            generation,
            sign_pk,
            kem_hash,
        } = &self.identity;
        map.field(1, cbor::write_bytes(uid.as_bytes()))
            .field(2, cbor::write_text(self.handle.as_str()))
            .field(3, cbor::write_uint(u64::from(*generation)))
            .field(4, cbor::write_bytes(sign_pk.as_bytes()))
            .field(5, cbor::write_bytes(kem_hash.as_bytes()))
            .field(6, cbor::write_uint(self.head.seq))
            .field(7, cbor::write_bytes(self.head.hash.as_bytes()))
            .optional(8, self.verified_generation.map(write_u32))
            .unknown(&self.unknown);
    }

    pub(super) fn read(mut map: Map<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            identity: Identity {
                uid: VaultId::new(cbor::array(map.require(1)?)?),
                generation: read_u32(map.require(3)?)?,
                sign_pk: SignPublicKey::new(cbor::array(map.require(4)?)?),
                kem_hash: Hash::new(cbor::array(map.require(5)?)?),
            },
            handle: read_handle(map.require(2)?)?,
            head: Head {
                seq: cbor::uint(map.require(6)?)?,
                hash: Hash::new(cbor::array(map.require(7)?)?),
            },
            verified_generation: map.take(8).map(read_u32).transpose()?,
            unknown: map.into_unknown(),
        })
    }
}

impl SharedVault {
    pub(super) const TAG: u64 = 8;

    /// One that was accepted, under that name.
    pub fn new(vault_id: VaultId, name: Name) -> Self {
        Self {
            vault_id,
            name,
            is_declined: false,
            moving: None,
            unknown: Unknown::default(),
        }
    }

    pub(super) fn write(&self, map: &mut MapWriter) {
        map.field(1, cbor::write_bytes(self.vault_id.as_bytes()))
            .field(2, cbor::write_text(self.name.as_str()))
            .optional(3, cbor::write_flag(self.is_declined))
            .optional(4, self.moving.map(|id| cbor::write_bytes(id.as_bytes())))
            .unknown(&self.unknown);
    }

    pub(super) fn read(mut map: Map<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            vault_id: VaultId::new(cbor::array(map.require(1)?)?),
            name: Name::parse(cbor::text(map.require(2)?)?).map_err(|_| "name")?,
            is_declined: cbor::flag(map.take(3))?,
            moving: map.take(4).map(cbor::array).transpose()?.map(NodeId::new),
            unknown: map.into_unknown(),
        })
    }
}

impl Invitation {
    pub(super) const TAG: u64 = 9;

    pub(super) fn check(&self) -> Result<(), Malformed> {
        if self.role >= Role::Owner {
            return Err("role");
        }
        Ok(())
    }

    pub(super) fn write(&self, map: &mut MapWriter) {
        let expires = (self.expires_ms != 0).then(|| cbor::write_uint(self.expires_ms));
        map.field(1, cbor::write_text(self.handle.as_str()))
            .field(2, cbor::write_bytes(self.vault_id.as_bytes()))
            .field(3, cbor::write_uint(u64::from(self.role.tag())))
            .optional(4, expires)
            .unknown(&self.unknown);
    }

    pub(super) fn read(mut map: Map<'_>) -> Result<Self, Malformed> {
        let tag = u8::try_from(cbor::uint(map.require(3)?)?).map_err(|_| "role")?;
        Ok(Self {
            handle: read_handle(map.require(1)?)?,
            vault_id: VaultId::new(cbor::array(map.require(2)?)?),
            role: Role::from_tag(tag).map_err(|_| "role")?,
            expires_ms: map.take(4).map(cbor::uint).transpose()?.unwrap_or(0),
            unknown: map.into_unknown(),
        })
    }
}

fn write_u32(value: u32) -> Zeroizing<Vec<u8>> {
    cbor::write_uint(u64::from(value))
}

fn read_u32(item: &[u8]) -> Result<u32, Malformed> {
    u32::try_from(cbor::uint(item)?).map_err(|_| "generation")
}

fn read_handle(item: &[u8]) -> Result<Handle, Malformed> {
    Handle::from_normal_form(cbor::text(item)?).map_err(|_| "handle")
}
