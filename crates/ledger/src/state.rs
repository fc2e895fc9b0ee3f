//! What a log adds up to: who has access (`Membership`) and which records
//! there are (`VaultState`), without their contents (spec: `log.md` §4).

use std::collections::BTreeMap;

use crate::apply::Reject;
use crate::codec::{ParseError, Reader, Writer};
use crate::digest::{ACCUMULATOR_LEN, Accumulator};
use crate::genesis::{Genesis, VaultKind};
use crate::id::{Hash, VaultId};
use crate::limits::MEMBERS;
use crate::membership_op::PrincipalKeys;
use crate::sealed::ContentSuite;

/// What a member may do; the order is that of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Adds nodes and changes its own.
    Contributor,
    /// Changes every node.
    Editor,
    /// Decides who has access.
    Manager,
    /// A manager who cannot be removed.
    Owner,
}

impl Role {
    /// Its byte in formats.
    pub const fn tag(self) -> u8 {
        match self {
            Self::Viewer => 1,
            Self::Contributor => 2,
            Self::Editor => 3,
            Self::Manager => 4,
            Self::Owner => 5,
        }
    }

    /// Reads that byte.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] for any other.
    pub const fn from_tag(tag: u8) -> Result<Self, ParseError> {
        Ok(match tag {
            1 => Self::Viewer,
            2 => Self::Contributor,
            3 => Self::Editor,
            4 => Self::Manager,
            5 => Self::Owner,
            _ => return Err(ParseError::Malformed("role")),
        })
    }
}

/// A principal with access, and the keys that entries verify against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// What it may do.
    pub role: Role,
    /// Unix milliseconds from which on its access is over; 0 for never.
    pub expires_ms: u64,
    /// Its keys, and its own membership head when they were named here; the
    /// zero head for a creator, of whom the genesis names none.
    pub keys: PrincipalKeys,
    /// Whether an envelope of the current epoch is to it. Only a vault can be
    /// left out.
    pub is_sealed: bool,
}

impl Member {
    /// Whether its time is up at `now_ms`.
    pub const fn is_expired(&self, now_ms: u64) -> bool {
        is_past(self.expires_ms, now_ms)
    }
}

/// Whether an expiry, 0 for never, has come.
pub const fn is_past(expires_ms: u64, now_ms: u64) -> bool {
    expires_ms != 0 && now_ms >= expires_ms
}

/// One record as the state digest commits to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// How often it was put.
    pub rev: u64,
    /// Hash of the sealed record.
    pub record_hash: Hash,
    /// Who made the node.
    pub creator: VaultId,
    /// The creator's role at that time.
    pub creator_role: Role,
}

/// A place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Entries after the genesis.
    pub seq: u64,
    /// Hash of the last of them, or of the genesis.
    pub hash: Hash,
}

impl Head {
    /// Where a format names no head.
    pub const NONE: Self = Self {
        seq: 0,
        hash: Hash::ZERO,
    };

    pub(crate) fn write(&self, w: &mut Writer) {
        w.u64(self.seq).raw(self.hash.as_bytes());
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            seq: r.u64()?,
            hash: r.hash()?,
        })
    }
}

/// Who has access to a vault, after some of its membership entries:
/// [`crate::membership`] steps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The vault.
    pub vault_id: VaultId,
    /// What it is for.
    pub kind: VaultKind,
    /// How it keeps the bytes of its files.
    pub content_suite: ContentSuite,
    /// Membership entries so far, and the last one's hash.
    pub head: Head,
    /// Key epoch; 0 until entry 1.
    pub epoch: u32,
    /// Commitment to the key of this epoch.
    pub commitment: Hash,
    /// Hash of the vault's own key-encapsulation key in this epoch.
    pub kem_hash: Hash,
    /// Whether somebody lost access, or changed keys, since this epoch began:
    /// nothing is written until there is a new key.
    pub is_due: bool,
    /// Everyone with access.
    pub members: BTreeMap<VaultId, Member>,
}

impl Membership {
    /// The membership that a genesis makes: its creator, as owner.
    ///
    /// # Errors
    /// [`Reject::Signature`] or [`Reject::Creator`].
    pub fn begin(genesis: &Genesis) -> Result<Self, Reject> {
        let body = genesis.body();
        if !genesis.is_signed() {
            return Err(Reject::Signature);
        }
        let is_account = body.kind == VaultKind::Account;
        let is_own = body.creator == VaultId::ZERO;
        // An account is born with its first keys: epoch and generation are one number.
        let is_generation = match body.kind {
            VaultKind::Account => body.creator_generation == 1,
            VaultKind::Drive | VaultKind::Shared | VaultKind::Group => body.creator_generation > 0,
        };
        if is_account != is_own || !is_generation {
            return Err(Reject::Creator);
        }
        let owner = Member {
            role: Role::Owner,
            expires_ms: 0,
            keys: PrincipalKeys {
                generation: body.creator_generation,
                sign_pk: body.sign_pk,
                kem_hash: body.kem_pk.hash(),
                head: Head::NONE,
            },
            is_sealed: false,
        };
        Ok(Self {
            vault_id: genesis.vault_id(),
            kind: body.kind,
            content_suite: body.content_suite,
            head: Head {
                seq: 0,
                hash: genesis.hash(),
            },
            epoch: 0,
            commitment: Hash::ZERO,
            kem_hash: Hash::ZERO,
            is_due: false,
            members: BTreeMap::from([(genesis.owner(), owner)]),
        })
    }

    /// What others name this vault by when it is a member of theirs: a
    /// person's keys if it is an account, else its own key of this epoch.
    pub fn principal(&self) -> PrincipalKeys {
        let own = self.members.get(&self.vault_id);
        match own.filter(|_| self.kind == VaultKind::Account) {
            Some(person) => PrincipalKeys {
                head: self.head,
                ..person.keys
            },
            None => PrincipalKeys {
                generation: self.epoch,
                sign_pk: crate::id::SignPublicKey::ZERO,
                kem_hash: self.kem_hash,
                head: self.head,
            },
        }
    }

    /// Who owns the vault.
    pub fn owner(&self) -> Option<&VaultId> {
        let owner = |(_, member): &(&VaultId, &Member)| member.role == Role::Owner;
        self.members.iter().find(owner).map(|(id, _)| id)
    }

    fn write(&self, w: &mut Writer) {
        w.raw(self.vault_id.as_bytes())
            .u8(self.kind.tag())
            .u8(self.content_suite.tag());
        self.head.write(w);
        w.u32(self.epoch)
            .raw(self.commitment.as_bytes())
            .raw(self.kem_hash.as_bytes())
            .u8(self.is_due.into())
            .u32(self.members.len() as u32);
        for (id, member) in &self.members {
            w.raw(id.as_bytes())
                .u8(member.role.tag())
                .u64(member.expires_ms);
            member.keys.write(w);
            w.u8(member.is_sealed.into());
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        let (vault_id, kind) = (r.vault_id()?, VaultKind::from_tag(r.u8()?)?);
        let content_suite = ContentSuite::from_tag(r.u8()?)?;
        let head = Head::read(r)?;
        let (epoch, commitment, kem_hash) = (r.u32()?, r.hash()?, r.hash()?);
        let is_due = read_flag(r)?;
        let count = r.u32()? as usize;
        if count > MEMBERS {
            return Err(ParseError::TooLarge("number of members"));
        }
        let mut members = BTreeMap::<VaultId, Member>::new();
        for _ in 0..count {
            let id = r.vault_id()?;
            if members
                .last_key_value()
                .is_some_and(|(last, _)| *last >= id)
            {
                return Err(ParseError::Malformed("order of members"));
            }
            let member = Member {
                role: Role::from_tag(r.u8()?)?,
                expires_ms: r.u64()?,
                keys: PrincipalKeys::read(r)?,
                is_sealed: read_flag(r)?,
            };
            members.insert(id, member);
        }
        Ok(Self {
            vault_id,
            kind,
            content_suite,
            head,
            epoch,
            commitment,
            kem_hash,
            is_due,
            members,
        })
    }
}

fn read_flag(r: &mut Reader<'_>) -> Result<bool, ParseError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(ParseError::Malformed("flag")),
    }
}

/// A vault after some of its entries: what [`crate::apply::apply`] steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultState {
    /// Who has access.
    pub membership: Membership,
    /// The last entry.
    pub head: Head,
    /// Sum over all leaves.
    pub accumulator: Accumulator,
}

impl VaultState {
    /// The state that a genesis makes.
    ///
    /// # Errors
    /// [`Reject`] if the genesis is not valid.
    pub fn begin(genesis: &Genesis) -> Result<Self, Reject> {
        let membership = Membership::begin(genesis)?;
        Ok(Self {
            head: membership.head,
            membership,
            accumulator: Accumulator::default(),
        })
    }

    /// The vault.
    pub const fn vault_id(&self) -> VaultId {
        self.membership.vault_id
    }

    /// The value that entries sign.
    pub fn digest(&self) -> Hash {
        self.accumulator.digest(&self.membership.vault_id)
    }

    /// The form in which a trusted place (the server's database, a client's
    /// sealed cache) keeps it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(crate::codec::SUITE);
        self.head.write(&mut w);
        w.raw(&self.accumulator.to_bytes());
        self.membership.write(&mut w);
        w.into_bytes()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`ParseError`] for anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        r.suite()?;
        let head = Head::read(&mut r)?;
        let accumulator = Accumulator::from_bytes(&r.array::<ACCUMULATOR_LEN>()?);
        let membership = Membership::read(&mut r)?;
        r.finish()?;
        Ok(Self {
            membership,
            head,
            accumulator,
        })
    }
}
