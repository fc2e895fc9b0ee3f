//! The replica at rest: a journal whose frames are each a step of what was
//! verified. What a crash cuts off the log brings again.

use sv_core::local::Purpose;
use sv_ledger::codec::{ParseError, Reader, Writer};
use sv_ledger::entry::Entry;
use sv_ledger::genesis::Genesis;
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::limits::{BODY_LEN, ENTRY_LEN, MEMBERS};
use sv_ledger::state::{Leaf, Role, VaultState};

use super::replica::{Replica, Sealed};
use crate::account::Session;
use crate::error::{Result, Tamper};
use crate::journal::Journal;
use crate::port::Platform;

/// Bytes of a journal below which it is never rewritten.
const COMPACT_ABOVE: u64 = 1 << 20;

/// The journal of one vault.
pub(super) struct CacheFile {
    /// None if nothing is to be kept.
    journal: Option<Journal>,
    /// Bytes when it was last written as a whole.
    compact_bytes: u64,
}

/// What changed of one node: its leaf and sealed record, or that it is gone.
pub(super) type NodeChange = (NodeId, Option<(Leaf, Vec<u8>)>);

/// One verified step of a replica.
pub(super) struct Frame {
    /// Only in the first frame.
    pub(super) genesis: Option<Genesis>,
    /// The newest key, sealed for this device, where it is new.
    pub(super) kept_key: Option<Vec<u8>>,
    /// Membership entries that are new.
    pub(super) chain: Vec<Entry>,
    /// The state after it.
    pub(super) state: VaultState,
    /// Nodes that changed.
    pub(super) nodes: Vec<NodeChange>,
}

impl CacheFile {
    /// An empty journal.
    pub(super) fn new(vault_id: &VaultId) -> Self {
        Self {
            journal: Some(Journal::new(name(vault_id), Purpose::Cache)),
            compact_bytes: 0,
        }
    }

    /// A journal of a replica that is only looked at.
    pub(super) const fn detached() -> Self {
        Self {
            journal: None,
            compact_bytes: 0,
        }
    }

    /// Restores a replica; `None` if this device has none.
    pub(super) async fn load<P: Platform>(
        session: &Session<P>,
        vault_id: &VaultId,
    ) -> Result<Option<(Replica, Self)>> {
        let (journal, frames) = Journal::load(session, name(vault_id), Purpose::Cache).await?;
        let compact_bytes = journal.bytes() / 2;
        let frames = frames
            .iter()
            .map(|frame| Frame::parse(frame))
            .collect::<Result<_, _>>()
            .map_err(|_| Tamper::LocalState("vault cache"))?;
        let replica = replay(session, frames)?;
        Ok(replica.map(|replica| {
            (
                replica,
                Self {
                    journal: Some(journal),
                    compact_bytes,
                },
            )
        }))
    }

    /// Whether most of the journal is about what is no longer so.
    pub(super) fn is_wasteful(&self) -> bool {
        let bytes = self.journal.as_ref().map_or(0, Journal::bytes);
        bytes > COMPACT_ABOVE && bytes > 4 * self.compact_bytes
    }

    /// Forgets everything.
    pub(super) async fn remove<P: Platform>(&mut self, session: &Session<P>) -> Result<()> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        let empty = Journal::new(journal.name().to_owned(), Purpose::Cache);
        std::mem::replace(journal, empty).remove(session).await
    }

    /// Adds a step.
    pub(super) async fn append<P: Platform>(
        &mut self,
        session: &Session<P>,
        frame: &Frame,
    ) -> Result<()> {
        match &mut self.journal {
            Some(journal) => journal.append(session, &frame.to_bytes()).await,
            None => Ok(()),
        }
    }

    /// Starts the journal again from one frame that holds everything.
    pub(super) async fn rewrite<P: Platform>(
        &mut self,
        session: &Session<P>,
        frame: &Frame,
    ) -> Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.rewrite(session, &frame.to_bytes()).await?;
            self.compact_bytes = journal.bytes();
        }
        Ok(())
    }
}

fn name(vault_id: &VaultId) -> String {
    format!(
        "vaults/{}",
        data_encoding::HEXLOWER.encode(vault_id.as_bytes())
    )
}

/// Folds frames into the replica they describe.
fn replay<P: Platform>(session: &Session<P>, frames: Vec<Frame>) -> Result<Option<Replica>> {
    let mut genesis = None;
    let mut kept_key = None;
    let mut chain = Vec::new();
    let mut newest = None;
    let mut nodes = std::collections::BTreeMap::new();
    for frame in frames {
        genesis = frame.genesis.or(genesis);
        kept_key = frame.kept_key.or(kept_key);
        chain.extend(frame.chain);
        newest = Some(frame.state);
        for (node, change) in frame.nodes {
            match change {
                Some(record) => nodes.insert(node, record),
                None => nodes.remove(&node),
            };
        }
    }
    let (Some(genesis), Some(state)) = (genesis, newest) else {
        return Ok(None);
    };
    let sealed = Sealed {
        genesis,
        chain,
        state,
    };
    let mut replica = sealed.unseal_kept(session.keys(), kept_key)?;
    for (node, (leaf, record)) in nodes {
        replica.admit(node, leaf, record)?;
    }
    Ok(Some(replica))
}

impl Frame {
    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        write_optional(
            &mut w,
            self.genesis.as_ref().map(Genesis::to_bytes).as_deref(),
        );
        write_optional(&mut w, self.kept_key.as_deref());
        w.u32(self.chain.len() as u32);
        self.chain.iter().for_each(|entry| {
            w.bytes(&entry.to_bytes());
        });
        w.bytes(&self.state.to_bytes());
        w.u32(self.nodes.len() as u32);
        for (node, change) in &self.nodes {
            w.raw(node.as_bytes());
            match change {
                None => w.u8(0),
                Some((leaf, record)) => w
                    .u8(1)
                    .u64(leaf.rev)
                    .raw(leaf.record_hash.as_bytes())
                    .raw(leaf.creator.as_bytes())
                    .u8(leaf.creator_role.tag())
                    .bytes(record),
            };
        }
        w.into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        let genesis = read_optional(&mut r, ENTRY_LEN)?
            .map(Genesis::parse)
            .transpose()?;
        let kept_key = read_optional(&mut r, BODY_LEN)?.map(<[u8]>::to_vec);
        let mut chain = Vec::new();
        for _ in 0..r.u32()? {
            chain.push(Entry::parse(r.bytes(ENTRY_LEN, "entry")?)?);
        }
        let state = VaultState::parse(r.bytes(MEMBERS * 256, "state")?)?;
        let mut nodes = Vec::new();
        for _ in 0..r.u32()? {
            let node = r.node_id()?;
            let change = match r.u8()? {
                0 => None,
                1 => {
                    let (rev, record_hash, creator) = (r.u64()?, r.hash()?, r.vault_id()?);
                    let creator_role = Role::from_tag(r.u8()?)?;
                    let leaf = Leaf {
                        rev,
                        record_hash,
                        creator,
                        creator_role,
                    };
                    Some((leaf, r.bytes(BODY_LEN, "record")?.to_vec()))
                }
                _ => return Err(ParseError::Malformed("node")),
            };
            nodes.push((node, change));
        }
        r.finish()?;
        Ok(Self {
            genesis,
            kept_key,
            chain,
            state,
            nodes,
        })
    }
}

fn write_optional(w: &mut Writer, bytes: Option<&[u8]>) {
    match bytes {
        None => w.u8(0),
        Some(bytes) => w.u8(1).bytes(bytes),
    };
}

fn read_optional<'a>(r: &mut Reader<'a>, max: usize) -> Result<Option<&'a [u8]>, ParseError> {
    match r.u8()? {
        0 => Ok(None),
        1 => r.bytes(max, "field").map(Some),
        _ => Err(ParseError::Malformed("field")),
    }
}
