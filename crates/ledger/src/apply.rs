//! The one function that decides whether an entry is valid and what it does.
//! Server and client run it alike, so a server admits nothing that a client
//! would refuse. No clock, no I/O; bodies, durability, quota, references and
//! the clock are the server's admission (spec: `log.md` §4).

use std::collections::BTreeMap;

use crate::entry::{Entry, Ops, StateOp, check_state_ops};
use crate::id::{NodeId, VaultId};
use crate::principals::Principals;
use crate::sealed::ContentSuite;
use crate::state::{Head, Leaf, Role, VaultState};

/// Why an entry is not valid after a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// It belongs to another vault.
    #[error("the entry belongs to another vault")]
    WrongVault,
    /// Its sequence number or predecessor is not the head.
    #[error("the entry does not follow the head of the log")]
    NotNext,
    /// It names another membership than the one in force.
    #[error("the entry names another membership than the one in force")]
    Membership,
    /// Its author has no access.
    #[error("the author of the entry has no access to the vault")]
    NotAMember,
    /// Its author's access, or that of a vault it is authored through, had
    /// expired when it says it was made.
    #[error("the author's access to the vault has expired")]
    Expired,
    /// It names another vault by a head that is not known or goes back, or by
    /// keys that are not that vault's.
    #[error("the entry names another vault as it is not")]
    Principal,
    /// Its author signs with keys of another generation.
    #[error("the entry is signed with keys of another generation")]
    Generation,
    /// The signature is not the author's.
    #[error("the signature is not valid")]
    Signature,
    /// A genesis whose creator fields contradict its kind.
    #[error("the genesis names an impossible creator")]
    Creator,
    /// The author's role does not allow it.
    #[error("the author's role does not allow this")]
    Role,
    /// A new vault key is due before anything is written.
    #[error("the vault needs a new key before anything is written")]
    Due,
    /// Written under another key epoch than the current one.
    #[error("the entry is written under another key epoch")]
    Epoch,
    /// An operation that is not allowed here.
    #[error("the operation is not allowed here")]
    Operation,
    /// A record's revision does not follow the one before.
    #[error("a record's revision does not follow the one before")]
    Revision,
    /// The digest it states is not that of the state it makes.
    #[error("the state digest does not match")]
    Digest,
    /// Leaves that are not in strictly ascending order.
    #[error("the list of records is not in order")]
    LeafOrder,
}

/// The leaves, as they were before an entry, of the nodes it touches. A node
/// that is absent here does not exist.
pub type Touched = BTreeMap<NodeId, Leaf>;

/// What a valid entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The state after it.
    pub state: VaultState,
    /// The leaf of every touched node after it; `None` where it was removed.
    pub leaves: Vec<(NodeId, Option<Leaf>)>,
}

/// Steps a vault by one entry. `principals` has the memberships of other
/// vaults that [`Entry::named_heads`] lists; those of most entries are none.
///
/// # Errors
/// [`Reject`] if the entry is not valid here; nothing has changed then.
pub fn apply(
    state: &VaultState,
    touched: &Touched,
    principals: &Principals,
    entry: &Entry,
) -> Result<Transition, Reject> {
    let body = entry.body();
    if body.vault_id != state.vault_id() {
        return Err(Reject::WrongVault);
    }
    if state.head.seq.checked_add(1) != Some(body.seq) || body.prev_hash != state.head.hash {
        return Err(Reject::NotNext);
    }
    let mut next = state.clone();
    next.head = Head {
        seq: body.seq,
        hash: entry.hash(),
    };
    let leaves = match &body.ops {
        Ops::Membership(_) => {
            next.membership = state.membership.step(entry, principals)?;
            Vec::new()
        }
        Ops::State(ops) => {
            let author = state.membership.authority(entry, principals)?;
            if state.membership.is_due || !author.is_current {
                return Err(Reject::Due);
            }
            if body.epoch == 0 || body.epoch != state.membership.epoch {
                return Err(Reject::Epoch);
            }
            let leaves = next_leaves(ops, touched, body.author, author.role)?;
            if !have_shape(ops, state.membership.content_suite) {
                return Err(Reject::Operation);
            }
            for (node, leaf) in &leaves {
                if let Some(old) = touched.get(node) {
                    next.accumulator.remove(&body.vault_id, node, old);
                }
                if let Some(new) = leaf {
                    next.accumulator.insert(&body.vault_id, node, new);
                }
            }
            leaves
        }
    };
    if next.digest() != body.state_digest {
        return Err(Reject::Digest);
    }
    Ok(Transition {
        state: next,
        leaves,
    })
}

/// Whether every content that is added can be one of the vault's suite.
fn have_shape(ops: &[StateOp], suite: ContentSuite) -> bool {
    let mut added = ops.iter().flat_map(|op| match op {
        StateOp::Put(put) => put.added.as_slice(),
        StateOp::Delete(_) => &[],
    });
    added.all(|content| suite.is_content_shape(content.sealed_len, content.block_count))
}

/// The leaves that state operations make, checked against the author's
/// effective role.
///
/// An author who composes an entry uses the same function, and so signs only
/// operations that will be accepted; operations in another form than the one
/// the format allows are refused here too, since nothing has parsed them yet.
///
/// # Errors
/// [`Reject::Role`], [`Reject::Operation`] or [`Reject::Revision`].
pub fn next_leaves(
    ops: &[StateOp],
    touched: &Touched,
    author_id: VaultId,
    role: Role,
) -> Result<Vec<(NodeId, Option<Leaf>)>, Reject> {
    if role < Role::Contributor {
        return Err(Reject::Role);
    }
    check_state_ops(ops).map_err(|_| Reject::Operation)?;
    ops.iter()
        .map(|op| {
            let node = *op.node_id();
            let old = touched.get(&node);
            if old.is_some_and(|leaf| role < Role::Editor && leaf.creator != author_id) {
                return Err(Reject::Role);
            }
            match (op, old) {
                (StateOp::Delete(_), None) => Err(Reject::Operation),
                (StateOp::Delete(_), Some(_)) => Ok((node, None)),
                (StateOp::Put(put), old) => {
                    let before = old.map_or(0, |leaf| leaf.rev);
                    if before.checked_add(1) != Some(put.rev) {
                        return Err(Reject::Revision);
                    }
                    let (creator, creator_role) =
                        old.map_or((author_id, role), |l| (l.creator, l.creator_role));
                    let record_hash = put.record_hash;
                    Ok((
                        node,
                        Some(Leaf {
                            rev: put.rev,
                            record_hash,
                            creator,
                            creator_role,
                        }),
                    ))
                }
            }
        })
        .collect()
}
