//! The part of an append that needs no database: validity, hashes and shapes.
//! Pure and costly, so it runs before a unit of work begins.

use std::collections::{BTreeMap, BTreeSet};

use sv_api::ErrorCode;
use sv_api::vault::InlineContent;
use sv_ledger::apply::{Touched, Transition, apply};
use sv_ledger::enc::Statement;
use sv_ledger::entry::{ContentAdded, Entry, StateOp};
use sv_ledger::id::{ContentId, Hash, NodeId, VaultId};
use sv_ledger::limits::INLINE_LEN;
use sv_ledger::principals::Principals;
use sv_ledger::sealed::{ENVELOPE_LEN, record_epoch};
use sv_ledger::state::{Member, Membership, Role, VaultState};

use crate::service::{Error, Result};
use crate::store::blocks::{Block, Place, PlacedBlock};

/// An entry that is valid after a certain state, and all that goes with it.
#[derive(Debug, Clone)]
pub(super) struct PreparedEntry {
    /// The entry.
    pub(super) entry: Entry,
    /// What it does.
    pub(super) transition: Transition,
    /// Nodes that had a leaf before.
    pub(super) superseded: Vec<NodeId>,
    /// Its bodies under their hashes.
    pub(super) bodies: Vec<(Hash, Vec<u8>)>,
    /// Every content it adds, once.
    pub(super) added: BTreeMap<ContentId, ContentAdded>,
    /// The block of each content that came with it.
    pub(super) inline: BTreeMap<ContentId, PlacedBlock>,
    /// Whether a new device may start from it.
    pub(super) is_checkpoint: bool,
    /// Who was a member before.
    pub(super) members_before: BTreeMap<VaultId, Member>,
}

impl PreparedEntry {
    /// Checks an entry against the state before it, and what came with it
    /// against the entry.
    ///
    /// # Errors
    /// [`Error::Rejected`] or [`Error::Refused`].
    pub(super) fn new(
        state: &VaultState,
        touched: &Touched,
        principals: &Principals,
        entry: Entry,
        bodies: Vec<Vec<u8>>,
        inline: Vec<InlineContent>,
    ) -> Result<Self> {
        let transition = apply(state, touched, principals, &entry)?;
        let author = author_role(&state.membership, principals, &entry);
        let added = added_contents(&entry)?;
        Ok(Self {
            superseded: touched.keys().copied().collect(),
            bodies: matched_bodies(&entry, bodies)?,
            inline: matched_inline(&added, inline)?,
            added,
            is_checkpoint: author >= Some(Role::Editor),
            members_before: state.membership.members.clone(),
            transition,
            entry,
        })
    }

    /// The vault.
    pub(super) fn vault_id(&self) -> VaultId {
        self.entry.body().vault_id
    }

    /// Who is a member after it.
    pub(super) fn members_after(&self) -> &BTreeMap<VaultId, Member> {
        &self.transition.state.membership.members
    }

    /// Contents that came neither with the entry nor have any bytes.
    pub(super) fn uploaded(&self) -> impl Iterator<Item = &ContentAdded> {
        self.added
            .values()
            .filter(|c| c.block_count > 0 && !self.inline.contains_key(&c.content_id))
    }
}

/// A refusal of an entry that `apply` has nothing against.
pub(super) fn rejected(message: &'static str) -> Error {
    Error::refused_because(ErrorCode::Rejected, message)
}

/// The role by which a valid entry was written: the least on its way in.
fn author_role(vault: &Membership, principals: &Principals, entry: &Entry) -> Option<Role> {
    let body = entry.body();
    let (mut inside, mut role) = (vault, Role::Owner);
    for via in &body.via {
        role = role.min(inside.members.get(&via.vault_id)?.role);
        inside = principals.at(&via.vault_id, &via.head)?;
    }
    let author = inside.members.get(&body.author)?;
    Some(role.min(author.role))
}

fn added_contents(entry: &Entry) -> Result<BTreeMap<ContentId, ContentAdded>> {
    let mut added = BTreeMap::new();
    for op in entry.state_ops() {
        let StateOp::Put(put) = op else { continue };
        for content in &put.added {
            let same = added.insert(content.content_id, *content);
            if same.is_some_and(|earlier| earlier != *content) {
                return Err(rejected("a content is added in two different shapes"));
            }
            if content.block_count == 0 && content.blocks_root != root_of([].iter()) {
                return Err(rejected("an empty content with the wrong root"));
            }
        }
    }
    Ok(added)
}

fn matched_bodies(entry: &Entry, bodies: Vec<Vec<u8>>) -> Result<Vec<(Hash, Vec<u8>)>> {
    let hashes = entry.body_hashes();
    if hashes.len() != bodies.len() {
        return Err(rejected("the entry names another number of bodies"));
    }
    hashes
        .into_iter()
        .zip(bodies)
        .map(|(hash, body)| {
            if Statement::Body.hash(&body) != hash {
                return Err(rejected(
                    "a body does not have the hash that the entry names",
                ));
            }
            check_form(entry, &body)?;
            Ok((hash, body))
        })
        .collect()
}

/// What can be seen of a body from outside. A member could stop the others'
/// clients with a record of another suite, or fill the disk with envelopes.
fn check_form(entry: &Entry, body: &[u8]) -> Result<()> {
    if entry.is_membership() {
        return match body.len() {
            ENVELOPE_LEN => Ok(()),
            _ => Err(rejected("a key envelope has another length")),
        };
    }
    match record_epoch(body) {
        Ok(epoch) if epoch == entry.body().epoch => Ok(()),
        Ok(_) => Err(rejected("a record is of another epoch than its entry")),
        Err(_) => Err(rejected("a record is malformed")),
    }
}

fn matched_inline(
    added: &BTreeMap<ContentId, ContentAdded>,
    inline: Vec<InlineContent>,
) -> Result<BTreeMap<ContentId, PlacedBlock>> {
    let mut seen = BTreeSet::new();
    inline
        .into_iter()
        .map(|InlineContent { content_id, block }| {
            let content = added
                .get(&content_id)
                .filter(|_| seen.insert(content_id))
                .ok_or_else(|| rejected("a content came with the entry that it does not add"))?;
            let hash = Hash::new(*blake3::hash(&block).as_bytes());
            let fits = block.len() <= INLINE_LEN
                && content.block_count == 1
                && content.sealed_len == block.len() as u64
                && content.blocks_root == root_of([hash].iter());
            if !fits {
                return Err(rejected(
                    "a content came with other bytes than the entry names",
                ));
            }
            let block = PlacedBlock {
                block: Block {
                    index: 0,
                    len: content.sealed_len,
                    hash,
                },
                place: Place::Row(block),
            };
            Ok((content_id, block))
        })
        .collect()
}

/// BLAKE3 over the hashes of blocks.
pub(super) fn root_of<'a>(hashes: impl Iterator<Item = &'a Hash>) -> Hash {
    let mut root = blake3::Hasher::new();
    for hash in hashes {
        root.update(hash.as_bytes());
    }
    Hash::new(*root.finalize().as_bytes())
}
