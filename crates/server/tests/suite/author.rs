//! People who sign entries, with nothing but the ledger and Ed25519.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer, SigningKey};
use sv_api::account::NewVault;
use sv_api::vault::{AppendRequest, InlineContent};
use sv_ledger::apply::{Touched, apply, next_leaves};
use sv_ledger::codec::SUITE;
use sv_ledger::enc::Statement;
use sv_ledger::entry::{ContentAdded, Entry, EntryBody, Ops, PutOp, StateOp};
use sv_ledger::genesis::{Genesis, GenesisBody, KEM_PUBLIC_KEY_LEN, KemPublicKey, VaultKind};
use sv_ledger::handle::Handle;
use sv_ledger::id::{ContentId, Hash, InstanceId, NodeId, SignPublicKey, VaultId};
use sv_ledger::limits::RECORD_PAD;
use sv_ledger::membership_op::{EpochOp, MembershipOp};
use sv_ledger::principals::Principals;
use sv_ledger::sealed::{ContentSuite, ENVELOPE_LEN, box_len};
use sv_ledger::state::{Leaf, VaultState};

pub(crate) const INSTANCE: InstanceId = InstanceId::new([77; 32]);

#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) key: SigningKey,
    pub(crate) uid: VaultId,
    pub(crate) account: NewVault,
}

impl Person {
    pub(crate) fn new(seed: u8, now_ms: u64) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let genesis = genesis(&key, VaultKind::Account, VaultId::ZERO, [seed; 32], now_ms);
        let mut person = Self {
            uid: genesis.vault_id(),
            key,
            account: NewVault {
                genesis: genesis.to_bytes().into(),
                entries: Vec::new(),
                bodies: Vec::new(),
            },
        };
        let log = Log::begin(&person, &genesis);
        let handle = Handle::parse(&format!("person{seed}")).unwrap();
        let ops = vec![
            MembershipOp::Epoch(epoch(seed, Vec::new())),
            MembershipOp::Handle(handle),
        ];
        let entry = log.sign(Ops::Membership(ops), now_ms);
        person.account.entries.push(entry.to_bytes().into());
        person
    }

    pub(crate) fn drive(&self, nonce: u8, now_ms: u64) -> (NewVault, Log) {
        let genesis = genesis(&self.key, VaultKind::Drive, self.uid, [nonce; 32], now_ms);
        let mut log = Log::begin(self, &genesis);
        let envelope = envelope(nonce);
        let ops = vec![MembershipOp::Epoch(epoch(
            nonce,
            vec![body_hash(&envelope)],
        ))];
        let entry = log.sign(Ops::Membership(ops), now_ms);
        log.accept(&entry);
        let new = NewVault {
            genesis: genesis.to_bytes().into(),
            entries: vec![entry.to_bytes().into()],
            bodies: vec![envelope.into()],
        };
        (new, log)
    }

    pub(crate) fn sign(&self, body: EntryBody) -> Entry {
        let signed = self.key.sign(&Statement::Entry.signing_input(&body.hash()));
        body.with_signature(signed.to_bytes())
    }
}

/// One device's view of a vault.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) person: Person,
    pub(crate) state: VaultState,
    pub(crate) leaves: BTreeMap<NodeId, Leaf>,
}

impl Log {
    fn begin(person: &Person, genesis: &Genesis) -> Self {
        Self {
            person: person.clone(),
            state: VaultState::begin(genesis).unwrap(),
            leaves: BTreeMap::new(),
        }
    }

    pub(crate) fn vault_id(&self) -> VaultId {
        self.state.vault_id()
    }

    /// The unsigned next entry, its digest right.
    pub(crate) fn body(&self, ops: Ops, now_ms: u64) -> EntryBody {
        let membership = &self.state.membership;
        let mut accumulator = self.state.accumulator.clone();
        let mut epoch = membership.epoch;
        match &ops {
            Ops::State(ops) => {
                let touched: Touched = self.leaves.clone();
                let author = &membership.members[&self.person.uid];
                let next = next_leaves(ops, &touched, self.person.uid, author.role);
                for (node, leaf) in next.unwrap_or_default() {
                    if let Some(old) = touched.get(&node) {
                        accumulator.remove(&self.vault_id(), &node, old);
                    }
                    if let Some(new) = leaf {
                        accumulator.insert(&self.vault_id(), &node, &new);
                    }
                }
            }
            Ops::Membership(_) => epoch += 1,
        }
        EntryBody {
            vault_id: self.vault_id(),
            seq: self.state.head.seq + 1,
            prev_hash: self.state.head.hash,
            member_seq: membership.head.seq,
            member_hash: membership.head.hash,
            epoch,
            author: self.person.uid,
            author_generation: 1,
            via: Vec::new(),
            timestamp_ms: now_ms,
            ops,
            state_digest: accumulator.digest(&self.vault_id()),
        }
    }

    pub(crate) fn sign(&self, ops: Ops, now_ms: u64) -> Entry {
        self.person.sign(self.body(ops, now_ms))
    }

    /// Takes an entry as appended.
    pub(crate) fn accept(&mut self, entry: &Entry) {
        let touched = self.leaves.clone();
        let next = apply(&self.state, &touched, &Principals::new(), entry).unwrap();
        self.state = next.state;
        for (node, leaf) in next.leaves {
            match leaf {
                Some(leaf) => self.leaves.insert(node, leaf),
                None => self.leaves.remove(&node),
            };
        }
    }

    /// The next append of some changes.
    pub(crate) fn request(
        &self,
        changes: Vec<Put>,
        deleted: &[NodeId],
        now_ms: u64,
    ) -> AppendRequest {
        let (mut ops, mut inline) = (Vec::new(), Vec::new());
        let mut records = BTreeMap::new();
        for change in changes {
            let rev = self.leaves.get(&change.node).map_or(0, |leaf| leaf.rev) + 1;
            records.insert(change.node, change.record.clone());
            let mut put = PutOp {
                node_id: change.node,
                rev,
                record_hash: body_hash(&change.record),
                added: change.added,
                dropped: change.dropped,
            };
            put.added.sort_by_key(|content| content.content_id);
            put.dropped.sort();
            ops.push(StateOp::Put(put));
            inline.extend(change.inline);
        }
        ops.extend(deleted.iter().copied().map(StateOp::Delete));
        ops.sort_by_key(|op| *op.node_id());
        AppendRequest {
            entry: self.sign(Ops::State(ops), now_ms),
            bodies: records.into_values().collect(),
            inline,
        }
    }
}

/// What the server can take for a record of the first epoch.
pub(crate) fn record(text: &str) -> Vec<u8> {
    let mut bytes = vec![SUITE, 0, 0, 0, 1];
    bytes.extend_from_slice(text.as_bytes());
    bytes.resize(bytes.len().max(5 + box_len(RECORD_PAD)), 0);
    bytes
}

/// What the server can take for a key envelope.
pub(crate) fn envelope(n: u8) -> Vec<u8> {
    vec![n; ENVELOPE_LEN]
}

/// A record to put.
#[derive(Clone)]
pub(crate) struct Put {
    pub(crate) node: NodeId,
    record: Vec<u8>,
    pub(crate) added: Vec<ContentAdded>,
    pub(crate) dropped: Vec<ContentId>,
    pub(crate) inline: Vec<InlineContent>,
}

impl Put {
    pub(crate) fn new(node: u32, record: &str) -> Self {
        Self::of_bytes(node, self::record(record))
    }

    pub(crate) fn of_bytes(node: u32, record: Vec<u8>) -> Self {
        Self {
            node: self::node(node),
            record,
            added: Vec::new(),
            dropped: Vec::new(),
            inline: Vec::new(),
        }
    }

    /// The operation that makes it the node's `rev`-th record, the record as
    /// one of `epoch`, and what travels along.
    pub(crate) fn into_parts(
        mut self,
        rev: u64,
        epoch: u32,
    ) -> (StateOp, Vec<u8>, Vec<InlineContent>) {
        self.record.splice(1..5, epoch.to_be_bytes());
        self.added.sort_by_key(|content| content.content_id);
        self.dropped.sort();
        let put = PutOp {
            node_id: self.node,
            rev,
            record_hash: body_hash(&self.record),
            added: self.added,
            dropped: self.dropped,
        };
        (StateOp::Put(put), self.record, self.inline)
    }

    /// With a content of one short block, which travels along.
    pub(crate) fn inline(mut self, id: u32, block: Vec<u8>) -> Self {
        self.added.push(content(id, &[&block]));
        let content_id = content_id(id);
        self.inline.push(InlineContent { content_id, block });
        self
    }

    pub(crate) fn adding(mut self, content: ContentAdded) -> Self {
        self.added.push(content);
        self
    }

    pub(crate) fn dropping(mut self, id: u32) -> Self {
        self.dropped.push(content_id(id));
        self
    }
}

pub(crate) fn node(n: u32) -> NodeId {
    NodeId::new(spread(1, n))
}

pub(crate) fn content_id(n: u32) -> ContentId {
    ContentId::new(spread(2, n))
}

/// Ids that look random to an index.
fn spread(kind: u8, n: u32) -> [u8; 16] {
    let hash = blake3::hash(&[&[kind], n.to_be_bytes().as_slice()].concat());
    hash.as_bytes()[..16].try_into().unwrap()
}

/// A content of these blocks.
pub(crate) fn content(id: u32, blocks: &[&[u8]]) -> ContentAdded {
    let hashes: Vec<u8> = blocks
        .iter()
        .flat_map(|block| *blake3::hash(block).as_bytes())
        .collect();
    ContentAdded {
        content_id: content_id(id),
        sealed_len: blocks.iter().map(|block| block.len() as u64).sum(),
        block_count: u32::try_from(blocks.len()).unwrap(),
        blocks_root: Hash::new(*blake3::hash(&hashes).as_bytes()),
    }
}

/// A sealed block around so many bytes, as far as a server can tell.
pub(crate) fn sealed(plaintext: usize, fill: u8) -> Vec<u8> {
    vec![fill; box_len(plaintext)]
}

pub(crate) fn body_hash(body: &[u8]) -> Hash {
    Statement::Body.hash(body)
}

fn genesis(
    key: &SigningKey,
    kind: VaultKind,
    creator: VaultId,
    nonce: [u8; 32],
    now_ms: u64,
) -> Genesis {
    let body = GenesisBody {
        kind,
        content_suite: ContentSuite::Blocks,
        instance_id: INSTANCE,
        creator,
        creator_generation: 1,
        sign_pk: SignPublicKey::new(key.verifying_key().to_bytes()),
        kem_pk: KemPublicKey::new([9; KEM_PUBLIC_KEY_LEN]),
        nonce,
        timestamp_ms: now_ms,
    };
    let signed = key.sign(&Statement::Genesis.signing_input(&body.hash()));
    body.with_signature(signed.to_bytes())
}

fn epoch(seed: u8, envelopes: Vec<Hash>) -> EpochOp {
    EpochOp {
        commitment: Hash::new([seed; 32]),
        kem_pk: KemPublicKey::new([9; KEM_PUBLIC_KEY_LEN]),
        previous_key: None,
        envelopes,
    }
}
