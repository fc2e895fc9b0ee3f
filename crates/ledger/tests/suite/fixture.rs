//! A builder of honest logs, and the pieces to make dishonest ones of.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use sv_ledger::apply::{Reject, Touched, next_leaves};
use sv_ledger::bootstrap::{MembershipChain, ShownMembership, replay};
use sv_ledger::enc::Statement;
use sv_ledger::entry::{ContentAdded, Entry, EntryBody, Ops, PutOp, StateOp, Via};
use sv_ledger::genesis::{Genesis, GenesisBody, KEM_PUBLIC_KEY_LEN, KemPublicKey, VaultKind};
use sv_ledger::handle::Handle;
use sv_ledger::id::{ContentId, Hash, InstanceId, NodeId, SignPublicKey, UnlockerId, VaultId};
use sv_ledger::membership_op::{
    EpochOp, GrantOp, MembershipOp, PREVIOUS_KEY_LEN, PrincipalKeys, RekeyOp, RoleOp,
};
use sv_ledger::principals::Principals;
use sv_ledger::sealed::{ContentSuite, block_count, content_len};
use sv_ledger::state::{Head, Leaf, Member, Membership, Role, VaultState};
use sv_ledger::unlock::{Unlocker, UnlockerKind, Unlockers, UnlockersBody};

/// Bytes of a member in a stored state.
pub(crate) const MEMBER_LEN: usize = 32 + 1 + 8 + (4 + 32 + 32 + 40) + 1;

pub(crate) const START_MS: u64 = 1_790_000_000_000;

/// Someone who signs.
#[derive(Clone)]
pub(crate) struct Author {
    pub(crate) id: VaultId,
    pub(crate) generation: u32,
    key: SigningKey,
}

impl Author {
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            id: VaultId::new([seed; 32]),
            generation: 1,
            key: SigningKey::from_bytes(&[seed; 32]),
        }
    }

    pub(crate) fn sign_pk(&self) -> SignPublicKey {
        SignPublicKey::new(self.key.verifying_key().to_bytes())
    }

    pub(crate) fn signature(&self, statement: Statement, hash: &Hash) -> [u8; 64] {
        self.key.sign(&statement.signing_input(hash)).to_bytes()
    }

    pub(crate) fn sign(&self, body: EntryBody) -> Entry {
        let signature = self.signature(Statement::Entry, &body.hash());
        body.with_signature(signature)
    }

    pub(crate) fn sign_genesis(&self, body: GenesisBody) -> Genesis {
        let signature = self.signature(Statement::Genesis, &body.hash());
        body.with_signature(signature)
    }

    pub(crate) fn sign_unlockers(&self, body: UnlockersBody) -> Unlockers {
        let signature = self.signature(Statement::Unlockers, &body.hash());
        body.with_signature(signature)
    }

    /// Fills the KEM key of this generation.
    fn kem_seed(&self) -> u8 {
        self.key.to_bytes()[0]
    }

    /// The keys by which others name this person.
    pub(crate) fn keys(&self) -> PrincipalKeys {
        PrincipalKeys {
            generation: self.generation,
            sign_pk: self.sign_pk(),
            kem_hash: kem(self.kem_seed()).hash(),
            head: Head::NONE,
        }
    }

    /// The same person with the keys of the next generation.
    pub(crate) fn rotated(&self) -> Self {
        let seed = self.key.to_bytes()[0].wrapping_add(100);
        Self {
            id: self.id,
            generation: self.generation + 1,
            key: SigningKey::from_bytes(&[seed; 32]),
        }
    }

    pub(crate) fn member(&self, role: Role) -> Member {
        Member {
            role,
            expires_ms: 0,
            keys: self.keys(),
            is_sealed: true,
        }
    }
}

pub(crate) fn kem(fill: u8) -> KemPublicKey {
    KemPublicKey::new([fill; KEM_PUBLIC_KEY_LEN])
}

pub(crate) fn node(n: u8) -> NodeId {
    NodeId::new([n; 16])
}

pub(crate) fn content(n: u8, size: u64) -> ContentAdded {
    ContentAdded {
        content_id: ContentId::new([n; 16]),
        sealed_len: content_len(size).unwrap(),
        block_count: block_count(size).unwrap(),
        blocks_root: Hash::new([n; 32]),
    }
}

pub(crate) fn put(n: u8, rev: u64) -> StateOp {
    let mut record = [n; 32];
    record[..8].copy_from_slice(&rev.to_be_bytes());
    StateOp::Put(PutOp {
        node_id: node(n),
        rev,
        record_hash: Hash::new(record),
        added: Vec::new(),
        dropped: Vec::new(),
    })
}

pub(crate) fn delete(n: u8) -> StateOp {
    StateOp::Delete(node(n))
}

pub(crate) fn epoch_op(envelopes: usize, is_first: bool) -> MembershipOp {
    MembershipOp::Epoch(EpochOp {
        commitment: Hash::new([0xC0; 32]),
        kem_pk: kem(0x4B),
        previous_key: (!is_first).then_some([0x50; PREVIOUS_KEY_LEN]),
        envelopes: vec![Hash::new([0xE0; 32]); envelopes],
    })
}

/// The key of an account's epoch: its person's own.
pub(crate) fn account_epoch(person: &Author, is_first: bool) -> MembershipOp {
    let MembershipOp::Epoch(mut op) = epoch_op(0, is_first) else {
        unreachable!()
    };
    op.kem_pk = kem(person.kem_seed());
    MembershipOp::Epoch(op)
}

pub(crate) fn handle_op(name: &str) -> MembershipOp {
    MembershipOp::Handle(Handle::parse(name).unwrap())
}

/// A grant to whoever has those keys, with an envelope.
pub(crate) fn grant_op(principal: VaultId, keys: PrincipalKeys, role: Role) -> MembershipOp {
    MembershipOp::Grant(GrantOp {
        principal,
        role,
        expires_ms: 0,
        keys,
        envelope: Hash::new([0xE1; 32]),
    })
}

pub(crate) fn grant(person: &Author, role: Role) -> MembershipOp {
    grant_op(person.id, person.keys(), role)
}

/// A grant that ends.
pub(crate) fn grant_until(person: &Author, role: Role, expires_ms: u64) -> MembershipOp {
    let MembershipOp::Grant(op) = grant(person, role) else {
        unreachable!()
    };
    MembershipOp::Grant(GrantOp { expires_ms, ..op })
}

pub(crate) fn role_op(principal: VaultId, role: Role) -> MembershipOp {
    MembershipOp::Role(RoleOp {
        principal,
        role,
        expires_ms: 0,
    })
}

/// The new keys of a person, who holds them.
pub(crate) fn rekey_person(vault_id: VaultId, person: &Author) -> MembershipOp {
    let keys = person.keys();
    let hash = RekeyOp::hash(&vault_id, &person.id, &keys);
    MembershipOp::Rekey(RekeyOp {
        principal: person.id,
        keys,
        proof: person.signature(Statement::Rekey, &hash),
    })
}

pub(crate) fn rekey_vault(membership: &Membership) -> MembershipOp {
    MembershipOp::Rekey(RekeyOp {
        principal: membership.vault_id,
        keys: membership.principal(),
        proof: [0; 64],
    })
}

pub(crate) fn via(membership: &Membership) -> Via {
    Via {
        vault_id: membership.vault_id,
        head: membership.head,
    }
}

pub(crate) fn genesis_body(kind: VaultKind, author: &Author) -> GenesisBody {
    GenesisBody {
        kind,
        content_suite: ContentSuite::Blocks,
        instance_id: InstanceId::new([0x11; 32]),
        creator: match kind {
            VaultKind::Account => VaultId::ZERO,
            VaultKind::Drive | VaultKind::Shared | VaultKind::Group => author.id,
        },
        creator_generation: author.generation,
        sign_pk: author.sign_pk(),
        kem_pk: kem(author.kem_seed()),
        nonce: [0x22; 32],
        timestamp_ms: START_MS,
    }
}

pub(crate) fn unlockers_body(uid: VaultId) -> UnlockersBody {
    UnlockersBody {
        uid,
        version: 1,
        generation: 1,
        password_record: Hash::new([0x0F; 32]),
        recovery_auth: Author::new(0x7E).sign_pk(),
        unlockers: vec![
            Unlocker {
                id: UnlockerId::new([1; 16]),
                kind: UnlockerKind::Password,
                wrap_hash: Hash::new([0xA1; 32]),
            },
            Unlocker {
                id: UnlockerId::new([2; 16]),
                kind: UnlockerKind::Recovery,
                wrap_hash: Hash::new([0xA2; 32]),
            },
        ],
    }
}

/// What a vault held after some of its entries.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Moment {
    pub(crate) state: VaultState,
    pub(crate) leaves: BTreeMap<NodeId, Leaf>,
}

impl Moment {
    pub(crate) fn begin(genesis: &Genesis) -> Result<Self, Reject> {
        Ok(Self {
            state: VaultState::begin(genesis)?,
            leaves: BTreeMap::new(),
        })
    }

    pub(crate) fn step(&self, entry: &Entry) -> Result<Self, Reject> {
        self.step_among(entry, &Principals::new())
    }

    pub(crate) fn step_among(
        &self,
        entry: &Entry,
        principals: &Principals,
    ) -> Result<Self, Reject> {
        let leaf = |n: &NodeId| self.leaves.get(n).copied();
        let done = replay(&self.state, leaf, principals, entry)?;
        let mut leaves = self.leaves.clone();
        for (node, leaf) in done.leaves {
            match leaf {
                Some(leaf) => leaves.insert(node, leaf),
                None => leaves.remove(&node),
            };
        }
        Ok(Self {
            state: done.state,
            leaves,
        })
    }

    pub(crate) fn leaf_list(&self) -> Vec<(NodeId, Leaf)> {
        self.leaves.iter().map(|(n, l)| (*n, *l)).collect()
    }

    /// Runs entries until one is refused.
    pub(crate) fn run<'a>(
        self,
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> Result<Self, Reject> {
        entries.into_iter().try_fold(self, |m, e| m.step(e))
    }

    /// What an honest `author` would sign next for `ops`.
    ///
    /// Operations that no honest client would sign keep the digest as it is.
    pub(crate) fn compose(&self, author: &Author, ops: Ops) -> EntryBody {
        self.compose_as(author, None, Vec::new(), ops)
    }

    /// The same through other vaults, with the role that this gives.
    pub(crate) fn compose_as(
        &self,
        author: &Author,
        role: Option<Role>,
        via: Vec<Via>,
        ops: Ops,
    ) -> EntryBody {
        let membership = &self.state.membership;
        let vault_id = self.state.vault_id();
        let mut accumulator = self.state.accumulator.clone();
        let mut epoch = membership.epoch;
        match &ops {
            Ops::Membership(ops) => {
                epoch += u32::from(ops.iter().any(|op| matches!(op, MembershipOp::Epoch(_))));
            }
            Ops::State(ops) => {
                let touched: Touched = ops
                    .iter()
                    .filter_map(|op| self.leaves.get_key_value(op.node_id()))
                    .map(|(n, l)| (*n, *l))
                    .collect();
                let member = membership.members.get(&author.id);
                let role = role.unwrap_or(member.map_or(Role::Owner, |m| m.role));
                let next = next_leaves(ops, &touched, author.id, role).unwrap_or_default();
                for (node, leaf) in next {
                    if let Some(old) = touched.get(&node) {
                        accumulator.remove(&vault_id, &node, old);
                    }
                    if let Some(new) = leaf {
                        accumulator.insert(&vault_id, &node, &new);
                    }
                }
            }
        }
        EntryBody {
            vault_id,
            seq: self.state.head.seq + 1,
            prev_hash: self.state.head.hash,
            member_seq: membership.head.seq,
            member_hash: membership.head.hash,
            epoch,
            author: author.id,
            author_generation: author.generation,
            via,
            timestamp_ms: START_MS + self.state.head.seq,
            ops,
            state_digest: accumulator.digest(&vault_id),
        }
    }
}

/// An honest log and everything it ever was.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) owner: Author,
    pub(crate) genesis: Genesis,
    pub(crate) entries: Vec<Entry>,
    /// `moments[k]` is the vault after `k` entries.
    pub(crate) moments: Vec<Moment>,
    /// What it may name of other vaults.
    pub(crate) principals: Principals,
}

impl Log {
    /// A drive with its first key.
    pub(crate) fn drive(seed: u8) -> Self {
        Self::of_kind(VaultKind::Drive, seed)
    }

    /// A vault with its first key that is no account.
    pub(crate) fn of_kind(kind: VaultKind, seed: u8) -> Self {
        let owner = Author::new(seed);
        let genesis = owner.sign_genesis(genesis_body(kind, &owner));
        let mut log = Self::begin(owner, genesis);
        log.append(Ops::Membership(vec![epoch_op(1, true)]));
        log
    }

    /// An account with its first key and its handle.
    pub(crate) fn account(seed: u8, handle: &str) -> Self {
        let mut owner = Author::new(seed);
        let genesis = owner.sign_genesis(genesis_body(VaultKind::Account, &owner));
        owner.id = genesis.vault_id();
        let mut log = Self::begin(owner, genesis);
        let epoch = account_epoch(&log.owner, true);
        log.append(Ops::Membership(vec![epoch, handle_op(handle)]));
        log
    }

    pub(crate) fn begin(owner: Author, genesis: Genesis) -> Self {
        let moments = vec![Moment::begin(&genesis).unwrap()];
        Self {
            owner,
            genesis,
            entries: Vec::new(),
            moments,
            principals: Principals::new(),
        }
    }

    pub(crate) fn now(&self) -> &Moment {
        self.moments.last().unwrap()
    }

    /// The owner's next entry, not appended.
    pub(crate) fn compose(&self, ops: Ops) -> EntryBody {
        self.now().compose(&self.owner, ops)
    }

    pub(crate) fn append(&mut self, ops: Ops) -> Entry {
        let entry = self.owner.sign(self.compose(ops));
        self.push(entry.clone());
        entry
    }

    /// A membership entry by anyone.
    pub(crate) fn append_by(&mut self, author: &Author, ops: Vec<MembershipOp>) {
        let entry = author.sign(self.now().compose(author, Ops::Membership(ops)));
        self.push(entry);
    }

    pub(crate) fn membership(&self) -> &Membership {
        &self.now().state.membership
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        let next = self.now().step_among(&entry, &self.principals);
        self.moments.push(next.unwrap());
        self.entries.push(entry);
    }

    /// A new key for everyone.
    pub(crate) fn bump(&mut self) {
        let members = self.membership().members.len();
        self.append(Ops::Membership(vec![epoch_op(members, false)]));
    }

    /// The owner grants access.
    pub(crate) fn admit(&mut self, person: &Author, role: Role) {
        self.append(Ops::Membership(vec![grant(person, role)]));
    }

    /// The owner grants access to another vault, as it stands.
    pub(crate) fn admit_vault(&mut self, vault: &Self, role: Role) {
        self.principals.insert(vault.membership().clone());
        let op = grant_op(
            vault.genesis.vault_id(),
            vault.membership().principal(),
            role,
        );
        self.append(Ops::Membership(vec![op]));
    }

    /// The owner takes access away.
    pub(crate) fn revoke(&mut self, principal: VaultId) {
        let rest = self.membership().members.len() - 1;
        let ops = vec![MembershipOp::Revoke(principal), epoch_op(rest, false)];
        self.append(Ops::Membership(ops));
    }

    pub(crate) fn take(&mut self, step: &Step) {
        match step {
            Step::Bump => self.bump(),
            Step::Change(changes) => {
                let leaves = &self.now().leaves;
                let ops = changes
                    .iter()
                    .map(|(n, removes)| match leaves.get(&node(*n)) {
                        Some(_) if *removes => delete(*n),
                        old => put(*n, old.map_or(0, |l| l.rev) + 1),
                    })
                    .collect();
                self.append(Ops::state(ops));
            }
        }
    }

    /// A drive that went through `steps`.
    pub(crate) fn scheduled(steps: &[Step]) -> Self {
        let mut log = Self::drive(1);
        steps.iter().for_each(|step| log.take(step));
        log
    }

    pub(crate) fn membership_entries(&self) -> Vec<Entry> {
        let is_membership = |e: &&Entry| e.is_membership();
        self.entries.iter().filter(is_membership).cloned().collect()
    }

    pub(crate) fn chain(&self) -> MembershipChain {
        self.chain_of(&self.membership_entries()).unwrap()
    }

    /// The chain of a log that names other vaults.
    pub(crate) fn chain_among(&self, principals: &Principals) -> MembershipChain {
        let (id, entries) = (self.genesis.vault_id(), self.membership_entries());
        MembershipChain::verify(&id, &self.genesis, &entries, principals).unwrap()
    }

    /// What an honest server shows of its membership.
    pub(crate) fn shown(&self) -> ShownMembership {
        ShownMembership {
            vault_id: self.genesis.vault_id(),
            genesis: self.genesis.clone(),
            entries: self.membership_entries(),
        }
    }

    pub(crate) fn chain_of(&self, entries: &[Entry]) -> Result<MembershipChain, Reject> {
        let id = self.genesis.vault_id();
        MembershipChain::verify(&id, &self.genesis, entries, &Principals::new())
    }

    /// What a device without earlier state makes of a chain, a checkpoint at
    /// entry `at`, its leaves and the entries after it.
    pub(crate) fn bootstrap(
        &self,
        chain: &MembershipChain,
        at: usize,
        leaves: &[(NodeId, Leaf)],
        rest: &[Entry],
    ) -> Result<Moment, Reject> {
        let start = Moment {
            state: chain.checkpoint(&self.entries[at - 1], leaves, &Principals::new())?,
            leaves: leaves.iter().copied().collect(),
        };
        let end = start.run(rest)?;
        chain.confirm(&end.state)?;
        Ok(end)
    }
}

/// One step of a random schedule.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Bump,
    /// Distinct nodes; whether to remove one that exists.
    Change(BTreeMap<u8, bool>),
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let changes = proptest::collection::btree_map(1..9_u8, any::<bool>(), 1..4);
    prop_oneof![1 => Just(Step::Bump), 4 => changes.prop_map(Step::Change)]
}

pub(crate) fn schedule(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), len)
}

/// Puts, replacements, a deletion and a new key: enough for every attack.
pub(crate) fn honest() -> Log {
    let mut log = Log::drive(1);
    log.append(Ops::state(vec![put(1, 1), put(2, 1), put(3, 1)]));
    log.append(Ops::state(vec![put(1, 2)]));
    log.bump();
    log.append(Ops::state(vec![put(1, 3), delete(2)]));
    log.append(Ops::state(vec![put(4, 1)]));
    log
}
