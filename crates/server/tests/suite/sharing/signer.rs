//! People who sign entries of shared vaults and groups, with nothing but the
//! ledger and Ed25519.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use sv_api::account::NewVault;
use sv_api::vault::AppendRequest;
use sv_ledger::apply::{Touched, apply, next_leaves};
use sv_ledger::enc::Statement;
use sv_ledger::entry::{Entry, EntryBody, Ops, StateOp, Via};
use sv_ledger::genesis::{Genesis, GenesisBody, KEM_PUBLIC_KEY_LEN, KemPublicKey, VaultKind};
use sv_ledger::id::{Hash, InstanceId, NodeId, SignPublicKey, VaultId};
use sv_ledger::membership_op::{
    EpochOp, GrantOp, MembershipOp, PREVIOUS_KEY_LEN, PrincipalKeys, RoleOp,
};
use sv_ledger::principals::Principals;
use sv_ledger::sealed::{ContentSuite, ENVELOPE_LEN};
use sv_ledger::state::{Leaf, Role, VaultState};

use crate::author::{Put, body_hash};

/// Somebody with an account.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) uid: VaultId,
    pub(crate) key: SigningKey,
    pub(crate) keys: PrincipalKeys,
    kem_pk: KemPublicKey,
}

impl Signer {
    /// The owner of an account as it was made.
    pub(crate) fn of(key: &SigningKey, account: &NewVault) -> Self {
        let genesis = Genesis::parse(&account.genesis.0).unwrap();
        let mut state = VaultState::begin(&genesis).unwrap();
        for entry in &account.entries {
            let entry = Entry::parse(&entry.0).unwrap();
            state = apply(&state, &Touched::new(), &Principals::new(), &entry)
                .unwrap()
                .state;
        }
        Self {
            uid: genesis.vault_id(),
            key: key.clone(),
            keys: state.membership.principal(),
            kem_pk: genesis.body().kem_pk.clone(),
        }
    }

    fn sign(&self, body: EntryBody) -> Entry {
        let signed = self.key.sign(&Statement::Entry.signing_input(&body.hash()));
        body.with_signature(signed.to_bytes())
    }
}

/// A shared vault or a group, as everybody there sees it.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) state: VaultState,
    leaves: BTreeMap<NodeId, Leaf>,
    /// Other vaults that its entries name.
    principals: Principals,
    sealed: u16,
}

impl Shared {
    /// A new one, and what makes the server know it.
    pub(crate) fn begin(
        owner: &Signer,
        kind: VaultKind,
        instance_id: InstanceId,
        now_ms: u64,
    ) -> (NewVault, Self) {
        Self::begin_of(owner, kind, ContentSuite::Blocks, instance_id, now_ms)
    }

    /// The same, with a choice of how contents are kept.
    pub(crate) fn begin_of(
        owner: &Signer,
        kind: VaultKind,
        content_suite: ContentSuite,
        instance_id: InstanceId,
        now_ms: u64,
    ) -> (NewVault, Self) {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).unwrap();
        let body = GenesisBody {
            kind,
            content_suite,
            instance_id,
            creator: owner.uid,
            creator_generation: owner.keys.generation,
            sign_pk: SignPublicKey::new(owner.key.verifying_key().to_bytes()),
            kem_pk: owner.kem_pk.clone(),
            nonce,
            timestamp_ms: now_ms,
        };
        let signed = owner
            .key
            .sign(&Statement::Genesis.signing_input(&body.hash()));
        let genesis = body.with_signature(signed.to_bytes());
        let mut shared = Self {
            state: VaultState::begin(&genesis).unwrap(),
            leaves: BTreeMap::new(),
            principals: Principals::new(),
            sealed: 0,
        };
        let first = shared.change(owner, &[], Vec::new(), true, now_ms);
        shared.accept(&first.entry);
        let new = NewVault {
            genesis: genesis.to_bytes().into(),
            entries: vec![first.entry.to_bytes().into()],
            bodies: first.bodies.into_iter().map(Into::into).collect(),
        };
        (new, shared)
    }

    pub(crate) fn vault_id(&self) -> VaultId {
        self.state.vault_id()
    }

    /// What others name it by.
    pub(crate) fn keys(&self) -> PrincipalKeys {
        self.state.membership.principal()
    }

    /// A step of the way through it.
    pub(crate) fn via(&self) -> Via {
        Via {
            vault_id: self.vault_id(),
            head: self.state.membership.head,
        }
    }

    /// Learns how another vault stands.
    pub(crate) fn knows(&mut self, other: &Self) {
        self.principals.insert(other.state.membership.clone());
    }

    /// An envelope that nobody has seen, as far as a server can tell.
    fn envelope(&mut self) -> Vec<u8> {
        self.sealed += 1;
        let mut bytes = self.sealed.to_be_bytes().repeat(ENVELOPE_LEN / 2);
        bytes.splice(..32, *self.vault_id().as_bytes());
        bytes
    }

    /// Operations on who has access, and with a new key if it is wanted.
    pub(crate) fn change(
        &mut self,
        author: &Signer,
        via: &[Via],
        mut ops: Vec<MembershipOp>,
        new_key: bool,
        now_ms: u64,
    ) -> AppendRequest {
        let mut bodies = Vec::new();
        ops.sort_by_key(|op| op.principal().copied());
        for op in &mut ops {
            if let MembershipOp::Grant(grant) = op {
                let envelope = self.envelope();
                grant.envelope = body_hash(&envelope);
                bodies.push(envelope);
            }
        }
        let epoch = self.state.membership.epoch;
        if new_key {
            let left = |op: &MembershipOp| match op {
                MembershipOp::Revoke(id) | MembershipOp::Expire(id) => Some(*id),
                _ => None,
            };
            let gone: Vec<_> = ops.iter().filter_map(left).collect();
            let members = self.state.membership.members.keys();
            let count = members.filter(|id| !gone.contains(id)).count();
            let envelopes: Vec<_> = (0..count).map(|_| self.envelope()).collect();
            let [_, low] = self.sealed.to_be_bytes();
            ops.push(MembershipOp::Epoch(EpochOp {
                commitment: Hash::new([low; 32]),
                kem_pk: KemPublicKey::new([low; KEM_PUBLIC_KEY_LEN]),
                previous_key: (epoch > 0).then_some([low; PREVIOUS_KEY_LEN]),
                envelopes: envelopes.iter().map(|e| body_hash(e)).collect(),
            }));
            bodies.extend(envelopes);
        }
        let epoch = epoch + u32::from(new_key);
        let digest = self.state.digest();
        AppendRequest {
            entry: self.sign(author, via, Ops::Membership(ops), epoch, digest, now_ms),
            bodies,
            inline: Vec::new(),
        }
    }

    /// Changes of records.
    pub(crate) fn put(
        &self,
        author: &Signer,
        via: &[Via],
        role: Role,
        changes: Vec<Put>,
        now_ms: u64,
    ) -> AppendRequest {
        let epoch = self.state.membership.epoch;
        let (mut ops, mut bodies, mut inline) = (Vec::new(), BTreeMap::new(), Vec::new());
        for change in changes {
            let rev = self.leaves.get(&change.node).map_or(0, |leaf| leaf.rev) + 1;
            let (op, record, block) = change.into_parts(rev, epoch);
            bodies.insert(*op.node_id(), record);
            ops.push(op);
            inline.extend(block);
        }
        ops.sort_by_key(|op| *op.node_id());
        let digest = self.digest_after(&ops, author.uid, role);
        AppendRequest {
            entry: self.sign(author, via, Ops::State(ops), epoch, digest, now_ms),
            bodies: bodies.into_values().collect(),
            inline,
        }
    }

    /// Removes a record.
    pub(crate) fn delete(&self, author: &Signer, node: NodeId, now_ms: u64) -> AppendRequest {
        let ops = vec![StateOp::Delete(node)];
        let epoch = self.state.membership.epoch;
        let digest = self.digest_after(&ops, author.uid, Role::Editor);
        AppendRequest {
            entry: self.sign(author, &[], Ops::State(ops), epoch, digest, now_ms),
            bodies: Vec::new(),
            inline: Vec::new(),
        }
    }

    fn digest_after(&self, ops: &[StateOp], author: VaultId, role: Role) -> Hash {
        let touched: Touched = self.leaves.clone();
        let mut sum = self.state.accumulator.clone();
        let vault_id = self.vault_id();
        // What may not be is signed all the same: the server is to refuse it.
        let next = next_leaves(ops, &touched, author, role.max(Role::Editor)).unwrap();
        for (node, leaf) in next {
            if let Some(old) = touched.get(&node) {
                sum.remove(&vault_id, &node, old);
            }
            if let Some(mut new) = leaf {
                if !touched.contains_key(&node) {
                    new.creator_role = role;
                }
                sum.insert(&vault_id, &node, &new);
            }
        }
        sum.digest(&vault_id)
    }

    fn sign(
        &self,
        author: &Signer,
        via: &[Via],
        ops: Ops,
        epoch: u32,
        state_digest: Hash,
        timestamp_ms: u64,
    ) -> Entry {
        let membership = &self.state.membership;
        author.sign(EntryBody {
            vault_id: self.vault_id(),
            seq: self.state.head.seq + 1,
            prev_hash: self.state.head.hash,
            member_seq: membership.head.seq,
            member_hash: membership.head.hash,
            epoch,
            author: author.uid,
            author_generation: author.keys.generation,
            via: via.to_vec(),
            timestamp_ms,
            ops,
            state_digest,
        })
    }

    /// Takes an entry as appended.
    pub(crate) fn accept(&mut self, entry: &Entry) {
        let next = apply(&self.state, &self.leaves, &self.principals, entry).unwrap();
        self.state = next.state;
        for (node, leaf) in next.leaves {
            match leaf {
                Some(leaf) => self.leaves.insert(node, leaf),
                None => self.leaves.remove(&node),
            };
        }
    }
}

/// Access for somebody; the envelope comes with the entry.
pub(crate) fn grant(principal: VaultId, keys: PrincipalKeys, role: Role) -> MembershipOp {
    grant_until(principal, keys, role, 0)
}

pub(crate) fn grant_until(
    principal: VaultId,
    keys: PrincipalKeys,
    role: Role,
    expires_ms: u64,
) -> MembershipOp {
    MembershipOp::Grant(GrantOp {
        principal,
        role,
        expires_ms,
        keys,
        envelope: Hash::ZERO,
    })
}

pub(crate) fn role(principal: VaultId, role: Role) -> MembershipOp {
    MembershipOp::Role(RoleOp {
        principal,
        role,
        expires_ms: 0,
    })
}
