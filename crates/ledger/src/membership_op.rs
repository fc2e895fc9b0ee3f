//! Membership operations: who has access to a vault, and with which keys
//! (spec: `log.md` §3.1). Any server can read them; only members sign them.

use crate::codec::{ParseError, Reader, Writer};
use crate::enc::Statement;
use crate::genesis::{KemPublicKey, verify};
use crate::handle::Handle;
use crate::id::{Hash, SignPublicKey, VaultId};
use crate::limits::{HANDLE_LEN, MEMBERS};
use crate::state::{Head, Role};

/// Bytes of the previous epoch's key boxed under the new one.
pub const PREVIOUS_KEY_LEN: usize = crate::sealed::box_len(32);

/// One change of who has access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MembershipOp {
    /// A new vault key.
    Epoch(EpochOp),
    /// The name under which an account is found.
    Handle(Handle),
    /// A new member.
    Grant(GrantOp),
    /// Another role or expiry for a member.
    Role(RoleOp),
    /// A member loses access.
    Revoke(VaultId),
    /// A member loses access because its time is up.
    Expire(VaultId),
    /// A member's new keys.
    Rekey(RekeyOp),
    /// The author gives up access.
    Leave,
    /// A member becomes the owner, and the owner a manager.
    Transfer(VaultId),
}

/// A new vault key, sealed to every member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochOp {
    /// Commitment to the key, which every envelope must open to.
    pub commitment: Hash,
    /// The vault's own key-encapsulation key in this epoch.
    pub kem_pk: KemPublicKey,
    /// The key before it, boxed under this one; none in the first epoch.
    pub previous_key: Option<[u8; PREVIOUS_KEY_LEN]>,
    /// Hash of each member's envelope, in ascending order of member id, or
    /// [`Hash::ZERO`] for a vault that is left out. An account vault has
    /// none: its key is derived from the root key.
    pub envelopes: Vec<Hash>,
}

/// The keys of a principal, as its own vault has them at a membership head.
///
/// [`crate::state::Membership::principal`] makes this for a vault; for a
/// person it is that of their account vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrincipalKeys {
    /// Its key generation; a vault's epoch.
    pub generation: u32,
    /// Its signing key; [`SignPublicKey::ZERO`] for a vault, which signs nothing.
    pub sign_pk: SignPublicKey,
    /// Hash of its key-encapsulation key.
    pub kem_hash: Hash,
    /// Its own membership head that says so.
    pub head: Head,
}

impl PrincipalKeys {
    /// Whether these are of a vault rather than of a person.
    pub fn is_vault(&self) -> bool {
        self.sign_pk == SignPublicKey::ZERO
    }
}

/// A new member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantOp {
    /// Who.
    pub principal: VaultId,
    /// With which role, below owner.
    pub role: Role,
    /// Unix milliseconds from which on access is over; 0 for never.
    pub expires_ms: u64,
    /// With which keys.
    pub keys: PrincipalKeys,
    /// Hash of the envelope that holds the current epoch's key.
    pub envelope: Hash,
}

/// Another role or expiry for a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleOp {
    /// Who.
    pub principal: VaultId,
    /// The role from now on, below owner.
    pub role: Role,
    /// Unix milliseconds from which on access is over; 0 for never.
    pub expires_ms: u64,
}

/// A member's new keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RekeyOp {
    /// Who.
    pub principal: VaultId,
    /// The keys from now on.
    pub keys: PrincipalKeys,
    /// A person's signature over [`Self::hash`] by the *new* key; the entry is
    /// signed by the old one. 64 zero bytes for a vault.
    pub proof: [u8; 64],
}

impl RekeyOp {
    /// What the new key signs: this member's new keys, in this vault.
    pub fn hash(vault_id: &VaultId, principal: &VaultId, keys: &PrincipalKeys) -> Hash {
        let mut w = Writer::new();
        w.u8(crate::codec::SUITE)
            .raw(vault_id.as_bytes())
            .raw(principal.as_bytes());
        keys.write(&mut w);
        Statement::Rekey.hash(&w.into_bytes())
    }

    /// Whether the new key itself agrees to be this member's.
    pub fn is_proved(&self, vault_id: &VaultId) -> bool {
        let hash = Self::hash(vault_id, &self.principal, &self.keys);
        verify(Statement::Rekey, &hash, &self.keys.sign_pk, &self.proof)
    }
}

mod tag {
    pub(super) const EPOCH: u8 = 1;
    pub(super) const HANDLE: u8 = 2;
    pub(super) const GRANT: u8 = 3;
    pub(super) const ROLE: u8 = 4;
    pub(super) const REVOKE: u8 = 5;
    pub(super) const EXPIRE: u8 = 6;
    pub(super) const REKEY: u8 = 7;
    pub(super) const LEAVE: u8 = 8;
    pub(super) const TRANSFER: u8 = 9;
}

impl MembershipOp {
    /// The member it is about, if it names one among others.
    pub const fn principal(&self) -> Option<&VaultId> {
        match self {
            Self::Grant(op) => Some(&op.principal),
            Self::Role(op) => Some(&op.principal),
            Self::Rekey(op) => Some(&op.principal),
            Self::Revoke(id) | Self::Expire(id) => Some(id),
            Self::Leave | Self::Transfer(_) | Self::Epoch(_) | Self::Handle(_) => None,
        }
    }

    /// Hashes of the envelopes it names, in order.
    pub fn envelopes(&self) -> &[Hash] {
        match self {
            Self::Grant(op) => std::slice::from_ref(&op.envelope),
            Self::Epoch(op) => &op.envelopes,
            _ => &[],
        }
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        match self {
            Self::Epoch(op) => op.write(w),
            Self::Handle(handle) => {
                w.u8(tag::HANDLE).bytes(handle.as_str().as_bytes());
            }
            Self::Grant(op) => {
                w.u8(tag::GRANT)
                    .raw(op.principal.as_bytes())
                    .u8(op.role.tag())
                    .u64(op.expires_ms);
                op.keys.write(w);
                w.raw(op.envelope.as_bytes());
            }
            Self::Role(op) => {
                w.u8(tag::ROLE)
                    .raw(op.principal.as_bytes())
                    .u8(op.role.tag())
                    .u64(op.expires_ms);
            }
            Self::Revoke(id) => {
                w.u8(tag::REVOKE).raw(id.as_bytes());
            }
            Self::Expire(id) => {
                w.u8(tag::EXPIRE).raw(id.as_bytes());
            }
            Self::Rekey(op) => {
                w.u8(tag::REKEY).raw(op.principal.as_bytes());
                op.keys.write(w);
                w.raw(&op.proof);
            }
            Self::Leave => {
                w.u8(tag::LEAVE);
            }
            Self::Transfer(id) => {
                w.u8(tag::TRANSFER).raw(id.as_bytes());
            }
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        match r.u8()? {
            tag::EPOCH => EpochOp::read(r).map(Self::Epoch),
            tag::HANDLE => read_handle(r).map(Self::Handle),
            tag::GRANT => Ok(Self::Grant(GrantOp {
                principal: r.vault_id()?,
                role: Role::from_tag(r.u8()?)?,
                expires_ms: r.u64()?,
                keys: PrincipalKeys::read(r)?,
                envelope: r.hash()?,
            })),
            tag::ROLE => Ok(Self::Role(RoleOp {
                principal: r.vault_id()?,
                role: Role::from_tag(r.u8()?)?,
                expires_ms: r.u64()?,
            })),
            tag::REVOKE => r.vault_id().map(Self::Revoke),
            tag::EXPIRE => r.vault_id().map(Self::Expire),
            tag::REKEY => Ok(Self::Rekey(RekeyOp {
                principal: r.vault_id()?,
                keys: PrincipalKeys::read(r)?,
                proof: r.array()?,
            })),
            tag::LEAVE => Ok(Self::Leave),
            tag::TRANSFER => r.vault_id().map(Self::Transfer),
            _ => Err(ParseError::Malformed("membership operation")),
        }
    }
}

impl PrincipalKeys {
    pub(crate) fn write(&self, w: &mut Writer) {
        w.u32(self.generation)
            .raw(self.sign_pk.as_bytes())
            .raw(self.kem_hash.as_bytes());
        self.head.write(w);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            generation: r.u32()?,
            sign_pk: r.sign_public_key()?,
            kem_hash: r.hash()?,
            head: Head::read(r)?,
        })
    }
}

impl EpochOp {
    fn write(&self, w: &mut Writer) {
        w.u8(tag::EPOCH)
            .raw(self.commitment.as_bytes())
            .raw(self.kem_pk.as_bytes());
        match &self.previous_key {
            None => w.u8(0),
            Some(sealed) => w.u8(1).raw(sealed),
        };
        w.u16(self.envelopes.len() as u16);
        self.envelopes.iter().for_each(|hash| {
            w.raw(hash.as_bytes());
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        let commitment = r.hash()?;
        let kem_pk = KemPublicKey::new(r.array()?);
        let previous_key = match r.u8()? {
            0 => None,
            1 => Some(r.array()?),
            _ => return Err(ParseError::Malformed("previous key")),
        };
        let count = usize::from(r.u16()?);
        if count > MEMBERS {
            return Err(ParseError::TooLarge("number of envelopes"));
        }
        let envelopes = (0..count).map(|_| r.hash()).collect::<Result<_, _>>()?;
        Ok(Self {
            commitment,
            kem_pk,
            previous_key,
            envelopes,
        })
    }
}

fn read_handle(r: &mut Reader<'_>) -> Result<Handle, ParseError> {
    let bytes = r.bytes(HANDLE_LEN, "handle")?;
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| Handle::from_normal_form(text).ok())
        .ok_or(ParseError::Malformed("handle"))
}

/// Whether membership operations are in the one form that the format allows:
/// a `leave` or `transfer` alone; else those that name a member, each member
/// once and in ascending order, then perhaps `epoch`, then perhaps `handle`.
///
/// # Errors
/// [`ParseError`] if not.
pub fn check_membership_ops(ops: &[MembershipOp]) -> Result<(), ParseError> {
    if ops.is_empty() {
        return Err(ParseError::Malformed("entry without operations"));
    }
    if ops.len() > MEMBERS {
        return Err(ParseError::TooLarge("number of operations"));
    }
    if let [MembershipOp::Leave | MembershipOp::Transfer(_)] = ops {
        return Ok(());
    }
    let place = |op: &MembershipOp| match op {
        MembershipOp::Epoch(_) => Some((1, None)),
        MembershipOp::Handle(_) => Some((2, None)),
        op => op.principal().map(|id| (0, Some(*id))),
    };
    let places: Option<Vec<_>> = ops.iter().map(place).collect();
    if places.is_some_and(|places| places.is_sorted_by(|a, b| a < b)) {
        Ok(())
    } else {
        Err(ParseError::Malformed("order of operations"))
    }
}
