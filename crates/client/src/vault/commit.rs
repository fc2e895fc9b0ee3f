//! Appending to the log: compare-and-swap, with state operations recomputed
//! whenever somebody else was faster.

use std::collections::BTreeMap;

use sv_api::ErrorCode;
use sv_api::endpoint::AppendEntry;
use sv_api::vault::{AppendRequest, InlineContent};
use sv_core::record::{Payload, RecordContext, record_len, seal_record};
use sv_ledger::apply::{Touched, apply};
use sv_ledger::enc::Statement;
use sv_ledger::entry::{ContentAdded, Entry, Ops, PutOp, StateOp};
use sv_ledger::id::{ContentId, NodeId};
use sv_ledger::limits::{ENTRY_LEN, OPS_PER_ENTRY, REQUEST_LEN};
use sv_ledger::state::Role;

use super::birth::{Author, compose, impossible};
use super::replica::Replica;
use super::{Vault, withheld};
use crate::call::Repeat;
use crate::error::{ClientError, Result};
use crate::port::Platform;

/// How often a change is rebased before giving up: for some twenty seconds. Another
/// device that writes without a pause wins nine times in ten on a busy machine,
/// since it need not catch up first; a hundred attempts were too few.
const ATTEMPTS: u32 = 300;
/// Milliseconds to wait between two of them, times a random factor.
const PAUSE_MS: u64 = 40;

/// Bytes of records that are put into one entry. Far below what a request
/// holds: they may grow when somebody else was faster.
pub(crate) const BODIES_LEN: usize = REQUEST_LEN / 2;
/// Bytes of operations that are put into one entry; the rest is for its frame.
pub(crate) const OPS_LEN: usize = ENTRY_LEN - 8 * 1024;
/// Bytes of an operation without contents, and of a content it adds, at most.
const OP_LEN: usize = 80;
const ADDED_LEN: usize = 64;

/// One change of one node, before it is sealed.
#[derive(Debug, Clone)]
pub enum Change {
    /// Creates or replaces a record.
    Put {
        /// The node.
        node_id: NodeId,
        /// What it is from now on.
        payload: Box<Payload>,
        /// Contents it refers to from now on.
        added: Vec<Added>,
        /// Contents it no longer refers to.
        dropped: Vec<ContentId>,
    },
    /// Removes a node for good.
    Delete(NodeId),
}

/// How much of an entry and of its request a change takes up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ChangeLen {
    /// Bytes of its operation.
    pub(crate) op: usize,
    /// Bytes of its record.
    pub(crate) body: usize,
}

/// A content that a change refers to: its public facts.
pub type Added = ContentAdded;

impl Change {
    /// A change of a record that leaves its contents alone.
    pub fn put(node_id: NodeId, payload: Payload) -> Self {
        Self::Put {
            node_id,
            payload: Box::new(payload),
            added: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Bytes that it adds to an entry, and to the request that carries it.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if the format does not allow its record.
    pub(crate) fn len(&self) -> Result<ChangeLen> {
        Ok(match self {
            Self::Delete(_) => ChangeLen {
                op: OP_LEN,
                body: 0,
            },
            Self::Put {
                payload,
                added,
                dropped,
                ..
            } => ChangeLen {
                op: OP_LEN + added.len() * ADDED_LEN + dropped.len() * ContentId::LEN,
                body: record_len(payload)?,
            },
        })
    }

    const fn node_id(&self) -> NodeId {
        match self {
            Self::Put { node_id, .. } | Self::Delete(node_id) => *node_id,
        }
    }
}

/// Changes that fit one entry, and how many items they were made for.
struct Batch {
    changes: Vec<Change>,
    items: usize,
}

/// A composed entry with the records it names.
struct Draft {
    entry: Entry,
    touched: Touched,
    records: Vec<(NodeId, Vec<u8>)>,
}

impl Batch {
    /// The changes of as many of the first items as fit one entry.
    fn first(
        items: std::ops::Range<usize>,
        plan: impl Fn(usize) -> Result<Option<Change>>,
    ) -> Result<Self> {
        let (mut changes, mut ops, mut bodies) = (Vec::new(), 0, 0);
        for (index, item) in items.clone().enumerate() {
            let Some(change) = plan(item)? else { continue };
            let len = change.len()?;
            ops += len.op;
            bodies += len.body;
            let is_full = changes.len() >= OPS_PER_ENTRY || ops > OPS_LEN || bodies > BODIES_LEN;
            if is_full && !changes.is_empty() {
                return Ok(Self {
                    changes,
                    items: index,
                });
            }
            changes.push(change);
        }
        Ok(Self {
            changes,
            items: items.len(),
        })
    }
}

impl<P: Platform> Vault<'_, P> {
    /// Appends what `plan` wants. It is asked again whenever the vault has
    /// changed meanwhile, and so decides on what is there when it lands; an
    /// empty plan is done. `inline` holds short contents the plan refers to.
    ///
    /// # Errors
    /// Those of `plan`, any [`crate::Tamper`], or those of a call.
    pub async fn commit(
        &mut self,
        inline: &[InlineContent],
        mut plan: impl FnMut(&Replica) -> Result<Vec<Change>>,
    ) -> Result<()> {
        // Boxed, and the same code for every plan: a browser loads it.
        Box::pin(self.commit_planned(inline, &mut plan)).await
    }

    async fn commit_planned(
        &mut self,
        inline: &[InlineContent],
        plan: &mut dyn FnMut(&Replica) -> Result<Vec<Change>>,
    ) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let changes = plan(&self.replica)?;
            if changes.is_empty() {
                return Ok(());
            }
            if self.is_due() {
                // Whoever lost access must not read what is written now.
                let before = self.replica.state().head;
                self.settle().await?;
                if self.replica.state().head != before {
                    continue;
                }
                if self.waits_for_others() {
                    return Err(ClientError::misuse(
                        "somebody has left a group through which you have this, and it needs a \
                         new key before anything is written: accept the group (`securevault \
                         group ls`), or try again once one of its members has used it",
                    ));
                }
            }
            self.require_newest_key()?;
            let draft = self.draft(changes)?;
            let hash = draft.entry.hash();
            self.let_keys_leave(&draft.entry, inline).await?;
            let request = AppendRequest {
                entry: draft.entry.clone(),
                bodies: draft
                    .records
                    .iter()
                    .map(|(_, record)| record.clone())
                    .collect(),
                inline: inline.to_vec(),
            };
            let endpoint = AppendEntry { vault: self.id() };
            match self
                .session
                .server()
                .call(&endpoint, request, Repeat::Safe)
                .await
            {
                Ok(_) => {
                    let entry = draft.entry.clone();
                    self.adopt_own(draft).await?;
                    return self.landed(&entry).await;
                }
                Err(error) if error.is_refusal(ErrorCode::Conflict) => {
                    // First the pause: what is planned after it on an older
                    // state loses against whoever does not pause, every time.
                    self.pause().await;
                    // An earlier attempt whose answer was lost may have landed.
                    if self.sync().await?.contains(&hash) {
                        return self.landed(&draft.entry).await;
                    }
                }
                Err(error) => return Err(self.perhaps_taken_away(withheld(error))),
            }
        }
        Err(ClientError::misuse(
            "others change this vault too fast to get a word in; try again later",
        ))
    }

    /// Appends what `plan` wants for each of `items`, in as few entries as
    /// possible: those are limited in number of changes and in bytes. `None`
    /// leaves an item out. Like [`Self::commit`], it is asked again when the
    /// vault has changed meanwhile. A server that can take less at a time, as
    /// on a database over its quota, gets less.
    ///
    /// # Errors
    /// As [`Self::commit`]; what came before the failure has landed.
    pub(crate) async fn commit_each<T>(
        &mut self,
        items: &[T],
        plan: impl Fn(&Replica, &T) -> Result<Option<Change>>,
    ) -> Result<()> {
        let plan = |replica: &Replica, item: usize| match items.get(item) {
            Some(item) => plan(replica, item),
            None => Ok(None),
        };
        // As in `commit`.
        Box::pin(self.commit_items(items.len(), &plan)).await
    }

    async fn commit_items(
        &mut self,
        count: usize,
        plan: &dyn Fn(&Replica, usize) -> Result<Option<Change>>,
    ) -> Result<()> {
        let (mut from, mut most) = (0, count);
        while from < count {
            let next = from..count.min(from.saturating_add(most));
            let mut landed = 0;
            let done = self
                .commit(&[], |replica| {
                    let batch = Batch::first(next.clone(), |item| plan(replica, item))?;
                    landed = batch.items;
                    Ok(batch.changes)
                })
                .await;
            match done {
                Err(error) if error.is_refusal(ErrorCode::TooLarge) && landed > 1 => {
                    most = landed / 2;
                }
                done => {
                    done?;
                    from += landed;
                }
            }
        }
        Ok(())
    }

    fn draft(&self, changes: Vec<Change>) -> Result<Draft> {
        let vault_id = self.id();
        let epoch = self.replica.state().membership.epoch;
        let content_suite = self.replica.content_suite();
        let key = self.replica.newest_key()?;
        let mut random = self.session.platform().random();
        let (mut touched, mut records, mut ops) = (Touched::new(), Vec::new(), Vec::new());
        for change in changes {
            let node_id = change.node_id();
            let old = self.replica.leaf(&node_id);
            if let Some(leaf) = old {
                touched.insert(node_id, leaf);
            }
            match change {
                Change::Delete(node_id) => ops.push(StateOp::Delete(node_id)),
                Change::Put {
                    payload,
                    added,
                    dropped,
                    ..
                } => {
                    let rev = old.map_or(0, |leaf| leaf.rev) + 1;
                    let context = RecordContext {
                        vault_id,
                        node_id,
                        epoch,
                        rev,
                        content_suite,
                    };
                    let record = seal_record(key, &context, &payload, &mut random)?;
                    let record_hash = Statement::Body.hash(&record);
                    ops.push(StateOp::Put(PutOp {
                        node_id,
                        rev,
                        record_hash,
                        added,
                        dropped,
                    }));
                    records.push((node_id, record));
                }
            }
        }
        let path = self.access();
        let path =
            path.ok_or_else(|| ClientError::misuse("you have no access to this any more"))?;
        if path.role < Role::Contributor {
            return Err(ClientError::misuse("you may read this, but not change it"));
        }
        let author = Author {
            uid: self.session.uid(),
            path,
            keys: self.session.keys(),
            now_ms: self.session.platform().now_ms(),
        };
        let state = self.replica.state();
        let entry = compose(state, &author, epoch, Ops::state(ops), &touched)?;
        // Bodies go in the order in which the entry names them.
        records.sort_by_key(|(node_id, _)| *node_id);
        Ok(Draft {
            entry,
            touched,
            records,
        })
    }

    async fn adopt_own(&mut self, draft: Draft) -> Result<()> {
        let step = apply(
            self.replica.state(),
            &draft.touched,
            self.others.principals(),
            &draft.entry,
        )
        .map_err(impossible)?;
        self.replica.state = step.state;
        let mut records: BTreeMap<NodeId, Vec<u8>> = draft.records.into_iter().collect();
        let touched = step.leaves.iter().map(|(node, _)| *node).collect();
        for (node, leaf) in step.leaves {
            match leaf.zip(records.remove(&node)) {
                Some((leaf, record)) => self.replica.admit(node, leaf, record)?,
                None => self.replica.forget(&node),
            }
        }
        self.persist(None, Vec::new(), touched, &BTreeMap::new())
            .await
    }

    pub(super) async fn pause(&self) {
        let platform = self.session.platform();
        let factor = rand_core::Rng::next_u64(&mut platform.random()) % 4;
        platform.sleep(PAUSE_MS * factor).await;
    }
}
