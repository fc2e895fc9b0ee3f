//! Log entries: the signed steps of a vault. An entry holds membership
//! operations or state operations, never both (spec: `log.md` §3).

use crate::codec::{ParseError, Reader, SUITE, Writer};
use crate::enc::Statement;
use crate::genesis::verify;
use crate::handle::Handle;
use crate::id::{ContentId, Hash, NodeId, SignPublicKey, VaultId};
use crate::limits::{CONTENTS_PER_OP, DROPS_PER_OP, ENTRY_LEN, MEMBERS, NESTING, OPS_PER_ENTRY};
use crate::membership_op::{EpochOp, MembershipOp, check_membership_ops};
use crate::sealed::ContentSuite;
use crate::state::Head;

/// The unsigned fields of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryBody {
    /// The vault.
    pub vault_id: VaultId,
    /// Its place in the log; the genesis is 0.
    pub seq: u64,
    /// Hash of the entry before it.
    pub prev_hash: Hash,
    /// Membership entries before this one.
    pub member_seq: u64,
    /// Hash of the last of them, or of the genesis.
    pub member_hash: Hash,
    /// The key epoch, after this entry.
    pub epoch: u32,
    /// Who signs.
    pub author: VaultId,
    /// The author's key generation.
    pub author_generation: u32,
    /// The vaults through which the author has access, from a member of this
    /// vault inwards to the one that the author is a member of; empty for a
    /// member.
    pub via: Vec<Via>,
    /// Milliseconds since the Unix epoch, by the author's clock.
    pub timestamp_ms: u64,
    /// What it does.
    pub ops: Ops,
    /// Digest of the state after it.
    pub state_digest: Hash,
}

/// A vault through which an author has access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via {
    /// The vault.
    pub vault_id: VaultId,
    /// Its membership, as the author knew it.
    pub head: Head,
}

/// What an entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ops {
    /// Who has access, and with which keys.
    Membership(Vec<MembershipOp>),
    /// Which records there are, in strictly ascending order of node id.
    State(Vec<StateOp>),
}

impl Ops {
    /// State operations in the order that the format wants, however they
    /// were collected: by node id, and in each by content id.
    pub fn state(mut ops: Vec<StateOp>) -> Self {
        for op in &mut ops {
            if let StateOp::Put(put) = op {
                put.added.sort_by_key(|content| content.content_id);
                put.dropped.sort();
            }
        }
        ops.sort_by_key(|op| *op.node_id());
        Self::State(ops)
    }
}

/// One change of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateOp {
    /// Creates or replaces a record.
    Put(PutOp),
    /// Removes a record and drops its contents.
    Delete(NodeId),
}

impl StateOp {
    /// The node it is about.
    pub const fn node_id(&self) -> &NodeId {
        match self {
            Self::Put(put) => &put.node_id,
            Self::Delete(node_id) => node_id,
        }
    }
}

/// Creates or replaces a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutOp {
    /// The node.
    pub node_id: NodeId,
    /// 1 for a new node, else one more than before.
    pub rev: u64,
    /// Hash of the sealed record.
    pub record_hash: Hash,
    /// Contents that this node refers to from now on, in strictly ascending
    /// order of id.
    pub added: Vec<ContentAdded>,
    /// Contents that this node no longer refers to, in strictly ascending
    /// order, none of which is added.
    pub dropped: Vec<ContentId>,
}

/// A content as the log commits to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentAdded {
    /// The content.
    pub content_id: ContentId,
    /// Bytes of all its sealed blocks.
    pub sealed_len: u64,
    /// How many blocks those are.
    pub block_count: u32,
    /// BLAKE3 over the BLAKE3 of each sealed block.
    pub blocks_root: Hash,
}

impl EntryBody {
    /// The bytes that are hashed and signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(SUITE)
            .raw(self.vault_id.as_bytes())
            .u64(self.seq)
            .raw(self.prev_hash.as_bytes())
            .u64(self.member_seq)
            .raw(self.member_hash.as_bytes())
            .u32(self.epoch)
            .raw(self.author.as_bytes())
            .u32(self.author_generation)
            .u8(self.via.len() as u8);
        for via in &self.via {
            w.raw(via.vault_id.as_bytes());
            via.head.write(&mut w);
        }
        w.u64(self.timestamp_ms);
        match &self.ops {
            Ops::Membership(ops) => {
                w.u8(tag::MEMBERSHIP).u16(ops.len() as u16);
                ops.iter().for_each(|op| op.write(&mut w));
            }
            Ops::State(ops) => {
                w.u8(tag::STATE).u16(ops.len() as u16);
                ops.iter().for_each(|op| op.write(&mut w));
            }
        }
        w.raw(self.state_digest.as_bytes());
        w.into_bytes()
    }

    /// What the author signs.
    pub fn hash(&self) -> Hash {
        Statement::Entry.hash(&self.to_bytes())
    }

    /// Joins the author's signature over [`Self::hash`].
    pub fn with_signature(self, signature: [u8; 64]) -> Entry {
        let hash = self.hash();
        Entry {
            body: self,
            signature,
            hash,
        }
    }
}

/// A parsed entry. Parsing says nothing about its signature or validity:
/// [`crate::apply::apply`] decides both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    body: EntryBody,
    signature: [u8; 64],
    hash: Hash,
}

impl Entry {
    /// Parses the one canonical form.
    ///
    /// # Errors
    /// [`ParseError`] for anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > ENTRY_LEN {
            return Err(ParseError::TooLarge("entry"));
        }
        let mut r = Reader::new(bytes);
        r.suite()?;
        let body = EntryBody {
            vault_id: r.vault_id()?,
            seq: r.u64()?,
            prev_hash: r.hash()?,
            member_seq: r.u64()?,
            member_hash: r.hash()?,
            epoch: r.u32()?,
            author: r.vault_id()?,
            author_generation: r.u32()?,
            via: read_via(&mut r)?,
            timestamp_ms: r.u64()?,
            ops: Ops::read(&mut r)?,
            state_digest: r.hash()?,
        };
        let signature = r.array()?;
        r.finish()?;
        Ok(body.with_signature(signature))
    }

    /// The canonical form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.body.to_bytes();
        bytes.extend_from_slice(&self.signature);
        bytes
    }

    /// The fields.
    pub const fn body(&self) -> &EntryBody {
        &self.body
    }

    /// The hash by which the next entry names it.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// Whether it changes membership.
    pub const fn is_membership(&self) -> bool {
        matches!(self.body.ops, Ops::Membership(_))
    }

    /// The state operations; none in a membership entry.
    pub fn state_ops(&self) -> &[StateOp] {
        match &self.body.ops {
            Ops::State(ops) => ops,
            Ops::Membership(_) => &[],
        }
    }

    /// The membership operations; none in a state entry.
    pub fn membership_ops(&self) -> &[MembershipOp] {
        match &self.body.ops {
            Ops::Membership(ops) => ops,
            Ops::State(_) => &[],
        }
    }

    /// The new vault key it announces, if it does.
    pub fn epoch_op(&self) -> Option<&EpochOp> {
        self.membership_ops().iter().find_map(|op| match op {
            MembershipOp::Epoch(epoch) => Some(epoch),
            _ => None,
        })
    }

    /// The handle it announces, if it does.
    pub fn handle_op(&self) -> Option<&Handle> {
        self.membership_ops().iter().find_map(|op| match op {
            MembershipOp::Handle(handle) => Some(handle),
            _ => None,
        })
    }

    /// Hashes of the records and envelopes that must be stored beside it, in
    /// the order in which it names them.
    pub fn body_hashes(&self) -> Vec<Hash> {
        match &self.body.ops {
            Ops::State(ops) => ops
                .iter()
                .filter_map(|op| match op {
                    StateOp::Put(put) => Some(put.record_hash),
                    StateOp::Delete(_) => None,
                })
                .collect(),
            Ops::Membership(ops) => ops
                .iter()
                .flat_map(MembershipOp::envelopes)
                .filter(|hash| **hash != Hash::ZERO)
                .copied()
                .collect(),
        }
    }

    /// The memberships of other vaults that [`crate::apply::apply`] needs for
    /// it: of the vaults it is authored through, and of those it grants
    /// access to or re-keys.
    pub fn named_heads(&self) -> impl Iterator<Item = Via> {
        let via = self.body.via.iter().copied();
        let vaults = self.membership_ops().iter().filter_map(|op| {
            let (principal, keys) = match op {
                MembershipOp::Grant(op) => (op.principal, op.keys),
                MembershipOp::Rekey(op) => (op.principal, op.keys),
                _ => return None,
            };
            keys.is_vault().then_some(Via {
                vault_id: principal,
                head: keys.head,
            })
        });
        via.chain(vaults)
    }

    /// Whether `key` signed it.
    pub fn is_signed_by(&self, key: &SignPublicKey) -> bool {
        verify(Statement::Entry, &self.hash, key, &self.signature)
    }
}

mod tag {
    pub(super) const MEMBERSHIP: u8 = 1;
    pub(super) const STATE: u8 = 2;
    pub(super) const PUT: u8 = 1;
    pub(super) const DELETE: u8 = 2;
}

impl Ops {
    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        let kind = r.u8()?;
        let count = usize::from(r.u16()?);
        if count == 0 {
            return Err(ParseError::Malformed("entry without operations"));
        }
        match kind {
            tag::MEMBERSHIP if count <= MEMBERS => {
                let ops = (0..count)
                    .map(|_| MembershipOp::read(r))
                    .collect::<Result<Vec<_>, _>>()?;
                check_membership_ops(&ops)?;
                Ok(Self::Membership(ops))
            }
            tag::STATE if count <= OPS_PER_ENTRY => {
                let ops = (0..count)
                    .map(|_| StateOp::read(r))
                    .collect::<Result<Vec<_>, _>>()?;
                check_state_ops(&ops)?;
                Ok(Self::State(ops))
            }
            tag::MEMBERSHIP | tag::STATE => Err(ParseError::TooLarge("number of operations")),
            _ => Err(ParseError::Malformed("kind of operations")),
        }
    }
}

impl StateOp {
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Put(put) => {
                w.u8(tag::PUT)
                    .raw(put.node_id.as_bytes())
                    .u64(put.rev)
                    .raw(put.record_hash.as_bytes())
                    .u16(put.added.len() as u16);
                for content in &put.added {
                    w.raw(content.content_id.as_bytes())
                        .u64(content.sealed_len)
                        .u32(content.block_count)
                        .raw(content.blocks_root.as_bytes());
                }
                w.u16(put.dropped.len() as u16);
                put.dropped.iter().for_each(|id| {
                    w.raw(id.as_bytes());
                });
            }
            Self::Delete(node_id) => {
                w.u8(tag::DELETE).raw(node_id.as_bytes());
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        match r.u8()? {
            tag::PUT => {
                let (node_id, rev, record_hash) = (r.node_id()?, r.u64()?, r.hash()?);
                let added = read_list(r, CONTENTS_PER_OP, "contents added", ContentAdded::read)?;
                let dropped = read_list(r, DROPS_PER_OP, "contents dropped", Reader::content_id)?;
                Ok(Self::Put(PutOp {
                    node_id,
                    rev,
                    record_hash,
                    added,
                    dropped,
                }))
            }
            tag::DELETE => r.node_id().map(Self::Delete),
            _ => Err(ParseError::Malformed("state operation")),
        }
    }
}

impl ContentAdded {
    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            content_id: r.content_id()?,
            sealed_len: r.u64()?,
            block_count: r.u32()?,
            blocks_root: r.hash()?,
        })
    }
}

/// Whether state operations are in the one form that the format allows.
///
/// # Errors
/// [`ParseError`] if not.
pub fn check_state_ops(ops: &[StateOp]) -> Result<(), ParseError> {
    if ops.is_empty() {
        return Err(ParseError::Malformed("entry without operations"));
    }
    if ops.len() > OPS_PER_ENTRY {
        return Err(ParseError::TooLarge("number of operations"));
    }
    if !ops.is_sorted_by(|a, b| a.node_id() < b.node_id()) {
        return Err(ParseError::Malformed("order of operations"));
    }
    ops.iter().try_for_each(StateOp::check)
}

impl StateOp {
    fn check(&self) -> Result<(), ParseError> {
        // Pages of leaves start beyond the zero id, so it would be on none.
        if *self.node_id() == NodeId::new([0; NodeId::LEN]) {
            return Err(ParseError::Malformed("node id"));
        }
        match self {
            Self::Put(put) => put.check(),
            Self::Delete(_) => Ok(()),
        }
    }
}

impl PutOp {
    fn check(&self) -> Result<(), ParseError> {
        if self.added.len() > CONTENTS_PER_OP {
            return Err(ParseError::TooLarge("contents added"));
        }
        if self.dropped.len() > DROPS_PER_OP {
            return Err(ParseError::TooLarge("contents dropped"));
        }
        // Of which suite its vault is, an entry does not say: `apply` knows.
        let has_shape = |c: &ContentAdded| {
            let suites = [ContentSuite::Blocks, ContentSuite::Fernet];
            let mut suites = suites.into_iter();
            suites.any(|suite| suite.is_content_shape(c.sealed_len, c.block_count))
        };
        if !self.added.iter().all(has_shape) {
            return Err(ParseError::Malformed("content length"));
        }
        let in_order = self.added.is_sorted_by(|a, b| a.content_id < b.content_id)
            && self.dropped.is_sorted_by(|a, b| a < b);
        let is_dropped = |c: &ContentAdded| self.dropped.binary_search(&c.content_id).is_ok();
        if !in_order || self.added.iter().any(is_dropped) {
            return Err(ParseError::Malformed("order of contents"));
        }
        Ok(())
    }
}

/// At most [`NESTING`] vaults, none of them twice.
fn read_via(r: &mut Reader<'_>) -> Result<Vec<Via>, ParseError> {
    let count = usize::from(r.u8()?);
    if count > NESTING {
        return Err(ParseError::TooLarge("vaults it is authored through"));
    }
    let mut path = Vec::<Via>::with_capacity(count);
    for _ in 0..count {
        let via = Via {
            vault_id: r.vault_id()?,
            head: Head::read(r)?,
        };
        if path.iter().any(|other| other.vault_id == via.vault_id) {
            return Err(ParseError::Malformed("path of vaults"));
        }
        path.push(via);
    }
    Ok(path)
}

fn read_list<'a, T>(
    r: &mut Reader<'a>,
    max: usize,
    what: &'static str,
    read: fn(&mut Reader<'a>) -> Result<T, ParseError>,
) -> Result<Vec<T>, ParseError> {
    let count = usize::from(r.u16()?);
    if count > max {
        return Err(ParseError::TooLarge(what));
    }
    (0..count).map(|_| read(r)).collect()
}
