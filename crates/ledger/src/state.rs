//! What a log adds up to: who has access (`Membership`) and which records
//! there are (`VaultState`), without their contents (spec: `log.md` §4).

use std::collections::BTreeMap;

use crate::apply::Reject;
use crate::codec::{ParseError, Reader, Writer};
use crate::digest::{ACCUMULATOR_LEN, Accumulator};
use crate::entry::{Entry, EpochOp, MembershipOp, Ops};
use crate::genesis::{Genesis, VaultKind};
use crate::id::{Hash, SignPublicKey, VaultId};
use crate::limits::MEMBERS;

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
    /// Its key generation.
    pub generation: u32,
    /// Its signing key.
    pub sign_pk: SignPublicKey,
    /// Hash of its key-encapsulation key.
    pub kem_hash: Hash,
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

/// Who has access to a vault, after some of its membership entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The vault.
    pub vault_id: VaultId,
    /// What it is for.
    pub kind: VaultKind,
    /// Membership entries so far, and the last one's hash.
    pub head: Head,
    /// Key epoch; 0 until entry 1.
    pub epoch: u32,
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
            VaultKind::Drive => body.creator_generation > 0,
        };
        if is_account != is_own || !is_generation {
            return Err(Reject::Creator);
        }
        let owner = Member {
            role: Role::Owner,
            generation: body.creator_generation,
            sign_pk: body.sign_pk,
            kem_hash: body.kem_pk.hash(),
        };
        Ok(Self {
            vault_id: genesis.vault_id(),
            kind: body.kind,
            head: Head {
                seq: 0,
                hash: genesis.hash(),
            },
            epoch: 0,
            members: BTreeMap::from([(genesis.owner(), owner)]),
        })
    }

    /// The member who signed an entry that names this membership.
    ///
    /// # Errors
    /// [`Reject`] if the entry names another membership, its author has no
    /// access, or the signature is not the author's.
    pub fn author<'a>(&'a self, entry: &Entry) -> Result<&'a Member, Reject> {
        let body = entry.body();
        if body.vault_id != self.vault_id {
            return Err(Reject::WrongVault);
        }
        if (Head {
            seq: body.member_seq,
            hash: body.member_hash,
        }) != self.head
        {
            return Err(Reject::Membership);
        }
        let author = self.members.get(&body.author).ok_or(Reject::NotAMember)?;
        if author.generation != body.author_generation {
            return Err(Reject::Generation);
        }
        if !entry.is_signed_by(&author.sign_pk) {
            return Err(Reject::Signature);
        }
        Ok(author)
    }

    /// The membership after one more membership entry.
    ///
    /// # Errors
    /// [`Reject`] if the entry is not valid here.
    pub fn step(&self, entry: &Entry) -> Result<Self, Reject> {
        let Ops::Membership(ops) = &entry.body().ops else {
            return Err(Reject::Operation);
        };
        let author = self.author(entry)?;
        let mut next = self.clone();
        match ops.as_slice() {
            [MembershipOp::Epoch(epoch)] => next.enter_epoch(epoch, author.role)?,
            [MembershipOp::Epoch(epoch), MembershipOp::Handle(_)]
                if self.kind == VaultKind::Account && self.epoch == 0 =>
            {
                next.enter_epoch(epoch, author.role)?;
            }
            _ => return Err(Reject::Operation),
        }
        let first_of_account = self.kind == VaultKind::Account && self.epoch == 0;
        if first_of_account != entry.handle_op().is_some() {
            return Err(Reject::Operation);
        }
        if entry.body().epoch != next.epoch {
            return Err(Reject::Epoch);
        }
        next.head = Head {
            seq: self.head.seq.checked_add(1).ok_or(Reject::Membership)?,
            hash: entry.hash(),
        };
        Ok(next)
    }

    fn enter_epoch(&mut self, op: &EpochOp, author: Role) -> Result<(), Reject> {
        if author < Role::Contributor {
            return Err(Reject::Role);
        }
        let recipients = match self.kind {
            // The account's key comes from the root key, one epoch a generation.
            VaultKind::Account if self.epoch > 0 => return Err(Reject::Operation),
            VaultKind::Account => 0,
            VaultKind::Drive => self.members.len(),
        };
        if op.envelopes.len() != recipients || op.previous_key.is_some() != (self.epoch > 0) {
            return Err(Reject::Operation);
        }
        self.epoch = self.epoch.checked_add(1).ok_or(Reject::Epoch)?;
        Ok(())
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
        let m = &self.membership;
        let mut w = Writer::new();
        w.u8(crate::codec::SUITE)
            .raw(m.vault_id.as_bytes())
            .u8(m.kind.tag())
            .u64(m.head.seq)
            .raw(m.head.hash.as_bytes())
            .u32(m.epoch)
            .u64(self.head.seq)
            .raw(self.head.hash.as_bytes())
            .raw(&self.accumulator.to_bytes())
            .u32(m.members.len() as u32);
        for (id, member) in &m.members {
            w.raw(id.as_bytes())
                .u8(member.role.tag())
                .u32(member.generation)
                .raw(member.sign_pk.as_bytes())
                .raw(member.kem_hash.as_bytes());
        }
        w.into_bytes()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`ParseError`] for anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        r.suite()?;
        let vault_id = r.vault_id()?;
        let kind = VaultKind::from_tag(r.u8()?)?;
        let member_head = Head {
            seq: r.u64()?,
            hash: r.hash()?,
        };
        let epoch = r.u32()?;
        let head = Head {
            seq: r.u64()?,
            hash: r.hash()?,
        };
        let accumulator = Accumulator::from_bytes(&r.array::<ACCUMULATOR_LEN>()?);
        let count = r.u32()? as usize;
        if count > MEMBERS {
            return Err(ParseError::TooLarge("number of members"));
        }
        let mut members = BTreeMap::new();
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
                generation: r.u32()?,
                sign_pk: r.sign_public_key()?,
                kem_hash: r.hash()?,
            };
            members.insert(id, member);
        }
        r.finish()?;
        let membership = Membership {
            vault_id,
            kind,
            head: member_head,
            epoch,
            members,
        };
        Ok(Self {
            membership,
            head,
            accumulator,
        })
    }
}
