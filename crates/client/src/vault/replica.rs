//! What this device knows of a vault: its verified state, and its records.

use std::collections::BTreeMap;

use sv_core::AccountKeys;
use sv_core::error::RecordError;
use sv_core::record::{Payload, Record, RecordContext, open_record};
use sv_ledger::bootstrap::MembershipChain;
use sv_ledger::codec::ParseError;
use sv_ledger::enc::Statement;
use sv_ledger::entry::Entry;
use sv_ledger::genesis::{Genesis, VaultKind};
use sv_ledger::id::NodeId;
use sv_ledger::sealed::{ContentSuite, record_epoch};
use sv_ledger::state::{Leaf, VaultState};

use super::cache::{Frame, NodeChange};
use super::keyring::Keyring;
use crate::account::Session;
use crate::error::{ClientError, Result, Tamper};
use crate::port::Platform;

/// One node of a vault.
#[derive(Debug)]
pub struct Node {
    leaf: Leaf,
    /// As stored, for the cache.
    sealed: Vec<u8>,
    payload: Result<Payload, RecordError>,
}

impl Node {
    /// As the state digest commits to it.
    pub const fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// What is inside; `None` if its author sealed what the format does not
    /// allow. Such a node is quarantined, not the vault.
    pub const fn payload(&self) -> Option<&Payload> {
        match &self.payload {
            Ok(payload) => Some(payload),
            Err(_) => None,
        }
    }

    /// The record of a file, folder or note.
    pub const fn record(&self) -> Option<&Record> {
        match &self.payload {
            Ok(Payload::Node(record)) => Some(record),
            _ => None,
        }
    }
}

/// What this device knows of a vault.
pub struct Replica {
    pub(super) genesis: Genesis,
    /// Every membership entry.
    pub(super) chain: Vec<Entry>,
    pub(super) state: VaultState,
    /// The keys that others come out of, sealed for this device; none in an
    /// account vault.
    pub(super) kept_key: Option<Vec<u8>>,
    pub(super) keyring: Keyring,
    nodes: BTreeMap<NodeId, Node>,
}

/// A replica that has no keys yet.
pub(super) struct Sealed {
    pub(super) genesis: Genesis,
    pub(super) chain: Vec<Entry>,
    pub(super) state: VaultState,
}

impl Sealed {
    pub(super) fn chain(&self) -> Result<MembershipChain> {
        Ok(MembershipChain::resume(&self.genesis, self.chain.clone())?)
    }

    /// Opens it with the newest key as this device has kept it.
    pub(super) fn unseal_kept(self, keys: &AccountKeys, kept: Option<Vec<u8>>) -> Result<Replica> {
        let chain = self.chain()?;
        let keyring = match &kept {
            None => Keyring::account(&chain, keys)?,
            Some(sealed) => Keyring::open_at_rest(&chain, keys.local_key(), sealed)?,
        };
        self.unseal(keyring, kept)
    }

    /// Opens it with its keys.
    pub(super) fn unseal(self, keyring: Keyring, kept_key: Option<Vec<u8>>) -> Result<Replica> {
        let Self {
            genesis,
            chain,
            state,
        } = self;
        Ok(Replica {
            genesis,
            chain,
            state,
            kept_key,
            keyring,
            nodes: BTreeMap::new(),
        })
    }
}

impl Replica {
    /// The verified state.
    pub const fn state(&self) -> &VaultState {
        &self.state
    }

    /// Every node.
    pub const fn nodes(&self) -> &BTreeMap<NodeId, Node> {
        &self.nodes
    }

    /// Everything that was done about its members.
    pub(super) fn membership_chain(&self) -> Result<MembershipChain> {
        Ok(MembershipChain::resume(&self.genesis, self.chain.clone())?)
    }

    /// The leaf of a node, if it exists.
    pub(super) fn leaf(&self, node: &NodeId) -> Option<Leaf> {
        self.nodes.get(node).map(|node| node.leaf)
    }

    /// The record of a node.
    pub fn record(&self, node: &NodeId) -> Option<&Record> {
        self.nodes.get(node).and_then(Node::record)
    }

    /// The key epoch under which the record of a node is sealed.
    pub(crate) fn sealed_in(&self, node: &NodeId) -> Option<u32> {
        let node = self.nodes.get(node)?;
        record_epoch(&node.sealed).ok()
    }

    /// Takes a sealed record in, if it is the one its leaf names.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn admit(&mut self, node_id: NodeId, leaf: Leaf, sealed: Vec<u8>) -> Result<()> {
        let node = self.read(node_id, leaf, sealed)?;
        self.insert(node_id, node);
        Ok(())
    }

    /// Opens a sealed record, if it is the one its leaf names.
    ///
    /// # Errors
    /// [`Tamper::Record`] if it is another, or [`Tamper::UnsupportedSuite`].
    pub(super) fn read(&self, node_id: NodeId, leaf: Leaf, sealed: Vec<u8>) -> Result<Node> {
        if Statement::Body.hash(&sealed) != leaf.record_hash {
            return Err(Tamper::Record(node_id).into());
        }
        let payload = self.open(node_id, &leaf, &sealed);
        if let Err(RecordError::UnsupportedSuite(suite)) = payload {
            return Err(Tamper::UnsupportedSuite(suite).into());
        }
        Ok(Node {
            leaf,
            sealed,
            payload,
        })
    }

    pub(super) fn insert(&mut self, node_id: NodeId, node: Node) {
        self.nodes.insert(node_id, node);
    }

    fn open(&self, node_id: NodeId, leaf: &Leaf, sealed: &[u8]) -> Result<Payload, RecordError> {
        let epoch = record_epoch(sealed).map_err(|error| match error {
            ParseError::UnsupportedSuite(suite) => RecordError::UnsupportedSuite(suite),
            _ => RecordError::Tampered,
        })?;
        let key = self.keyring.get(epoch).ok_or(RecordError::Tampered)?;
        let vault_id = self.state.vault_id();
        open_record(
            key,
            &RecordContext {
                vault_id,
                node_id,
                epoch,
                rev: leaf.rev,
                content_suite: self.content_suite(),
            },
            sealed,
        )
    }

    /// How the vault keeps contents, by its signed genesis.
    pub const fn content_suite(&self) -> ContentSuite {
        self.genesis.body().content_suite
    }

    pub(super) fn forget(&mut self, node_id: &NodeId) {
        self.nodes.remove(node_id);
    }

    /// Everything, as one step from nothing.
    pub(super) fn to_frame(&self) -> Frame {
        let nodes = self
            .nodes
            .iter()
            .map(|(id, node)| (*id, Some((node.leaf, node.sealed.clone()))))
            .collect();
        Frame {
            genesis: Some(self.genesis.clone()),
            kept_key: self.kept_key.clone(),
            chain: self.chain.clone(),
            state: self.state.clone(),
            nodes,
        }
    }

    /// What the cache keeps of some nodes.
    pub(super) fn changes(&self, ids: impl IntoIterator<Item = NodeId>) -> Vec<NodeChange> {
        ids.into_iter()
            .map(|id| {
                (
                    id,
                    self.nodes
                        .get(&id)
                        .map(|node| (node.leaf, node.sealed.clone())),
                )
            })
            .collect()
    }

    /// Takes these keys as what is known, and seals them for this device.
    pub(super) fn keep_keys<P: Platform>(
        &mut self,
        session: &Session<P>,
        chain: &MembershipChain,
        keyring: Keyring,
    ) -> Result<()> {
        if self.state.membership.kind != VaultKind::Account {
            let (local, mut random) = (session.keys().local_key(), session.platform().random());
            self.kept_key = Some(keyring.seal_at_rest(chain, local, &mut random)?);
        }
        self.keyring = keyring;
        self.open_again();
        Ok(())
    }

    /// Opens what did not open before: its key may have come since.
    fn open_again(&mut self) {
        let nodes = self.nodes.iter();
        let shut = nodes.filter(|(_, node)| node.payload.is_err());
        let opened: Vec<(NodeId, Payload)> = shut
            .filter_map(|(id, node)| {
                let payload = self.open(*id, &node.leaf, &node.sealed).ok()?;
                Some((*id, payload))
            })
            .collect();
        for (id, payload) in opened {
            if let Some(node) = self.nodes.get_mut(&id) {
                node.payload = Ok(payload);
            }
        }
    }

    /// The key for new records.
    pub(super) fn newest_key(&self) -> Result<&sv_core::VaultKey> {
        self.keyring
            .get(self.state.membership.epoch)
            .ok_or(ClientError::Tampered(Tamper::VaultKey))
    }
}
