//! Making vaults: genesis, entry 1 and what else belongs to a birth.

use rand_core::CryptoRng;
use sv_api::account::NewVault;
use sv_core::record::{Payload, RecordContext, seal_record};
use sv_core::vault_key::{EnvelopeHeader, seal_envelope};
use sv_core::{AccountKeys, VaultKey};
use sv_ledger::apply::{Touched, apply, next_leaves};
use sv_ledger::enc::Statement;
use sv_ledger::entry::{Entry, EntryBody, Ops, PutOp, StateOp};
use sv_ledger::genesis::{Genesis, GenesisBody, VaultKind};
use sv_ledger::handle::Handle;
use sv_ledger::id::{InstanceId, NodeId, VaultId};
use sv_ledger::membership_op::{EpochOp, MembershipOp};
use sv_ledger::principals::{Path, Principals};
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::{Head, Role, VaultState};

use crate::error::{ClientError, Result};

/// Makes an account's first vaults.
pub struct NewVaultBuilder<'a> {
    /// The server.
    pub instance: InstanceId,
    /// The account's keys.
    pub keys: &'a AccountKeys,
    /// Now.
    pub now_ms: u64,
}

/// A vault that exists only here so far.
pub struct VaultBirth {
    genesis: Genesis,
    state: VaultState,
    entries: Vec<Entry>,
    bodies: Vec<Vec<u8>>,
}

impl NewVaultBuilder<'_> {
    /// The account vault: keys, and the signed handle.
    ///
    /// # Errors
    /// [`ClientError::Misuse`], never for reasons of the values.
    pub fn account(&self, handle: &Handle, random: &mut impl CryptoRng) -> Result<VaultBirth> {
        let genesis = self.genesis(
            VaultKind::Account,
            ContentSuite::Blocks,
            VaultId::ZERO,
            random,
        );
        let (id, generation) = (genesis.vault_id(), self.keys.generation());
        let key = self.keys.vault_key();
        let epoch = EpochOp {
            commitment: key.commitment(&id, generation),
            kem_pk: self.keys.public().kem_pk.clone(),
            previous_key: None,
            envelopes: Vec::new(),
        };
        let ops = vec![
            MembershipOp::Epoch(epoch),
            MembershipOp::Handle(handle.clone()),
        ];
        self.born(genesis, id, ops, Vec::new())
    }

    /// The drive: a fresh key, sealed to the account.
    ///
    /// # Errors
    /// [`ClientError::Misuse`], never for reasons of the values.
    pub fn drive(&self, uid: VaultId, random: &mut impl CryptoRng) -> Result<VaultBirth> {
        self.owned(VaultKind::Drive, ContentSuite::Blocks, uid, random)
    }

    /// Any vault but an account's: a fresh key, sealed to the account that
    /// owns it.
    ///
    /// # Errors
    /// [`ClientError::Misuse`], never for reasons of the values.
    pub fn owned(
        &self,
        kind: VaultKind,
        suite: ContentSuite,
        uid: VaultId,
        random: &mut impl CryptoRng,
    ) -> Result<VaultBirth> {
        let genesis = self.genesis(kind, suite, uid, random);
        let key = VaultKey::generate(random)?;
        let (id, public) = (genesis.vault_id(), self.keys.public());
        let header = EnvelopeHeader {
            vault_id: id,
            epoch: 1,
            granter: uid,
            granter_generation: self.keys.generation(),
            principal: uid,
            principal_generation: self.keys.generation(),
            principal_head: Head::NONE,
            kem_hash: public.kem_pk.hash(),
            role: Role::Owner,
            vk_commit: key.commitment(&id, 1),
            member_hash: genesis.hash(),
        };
        let envelope = seal_envelope(&header, &public.kem_pk, &key, random)?;
        let epoch = EpochOp {
            commitment: header.vk_commit,
            kem_pk: key.kem_public(),
            previous_key: None,
            envelopes: vec![Statement::Body.hash(&envelope)],
        };
        self.born(
            genesis,
            uid,
            vec![MembershipOp::Epoch(epoch)],
            vec![envelope],
        )
    }

    fn genesis(
        &self,
        kind: VaultKind,
        content_suite: ContentSuite,
        creator: VaultId,
        random: &mut impl CryptoRng,
    ) -> Genesis {
        let mut nonce = [0; 32];
        random.fill_bytes(&mut nonce);
        let public = self.keys.public();
        let body = GenesisBody {
            kind,
            content_suite,
            instance_id: self.instance,
            creator,
            creator_generation: self.keys.generation(),
            sign_pk: public.sign_pk,
            kem_pk: public.kem_pk.clone(),
            nonce,
            timestamp_ms: self.now_ms,
        };
        let signature = self.keys.sign(Statement::Genesis, &body.hash());
        body.with_signature(signature)
    }

    fn born(
        &self,
        genesis: Genesis,
        author: VaultId,
        ops: Vec<MembershipOp>,
        bodies: Vec<Vec<u8>>,
    ) -> Result<VaultBirth> {
        let state = VaultState::begin(&genesis).map_err(impossible)?;
        let mut birth = VaultBirth {
            genesis,
            state,
            entries: Vec::new(),
            bodies,
        };
        birth.append(
            author,
            1,
            Ops::Membership(ops),
            self.keys,
            self.now_ms,
            &Touched::new(),
        )?;
        Ok(birth)
    }
}

impl VaultBirth {
    /// The vault's id.
    pub const fn vault_id(&self) -> VaultId {
        self.genesis.vault_id()
    }

    /// Puts a first record into an account vault.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] if the format does not allow the payload.
    pub fn put(
        &mut self,
        payload: &Payload,
        keys: &AccountKeys,
        now_ms: u64,
        random: &mut impl CryptoRng,
    ) -> Result<()> {
        let mut node = [0; NodeId::LEN];
        random.fill_bytes(&mut node);
        let node_id = NodeId::new(node);
        let (vault_id, epoch) = (self.vault_id(), self.state.membership.epoch);
        let context = RecordContext {
            vault_id,
            node_id,
            epoch,
            rev: 1,
            content_suite: self.state.membership.content_suite,
        };
        let record = seal_record(keys.vault_key(), &context, payload, random)?;
        let put = PutOp {
            node_id,
            rev: 1,
            record_hash: Statement::Body.hash(&record),
            added: Vec::new(),
            dropped: Vec::new(),
        };
        self.bodies.push(record);
        let ops = Ops::state(vec![StateOp::Put(put)]);
        self.append(vault_id, epoch, ops, keys, now_ms, &Touched::new())
    }

    fn append(
        &mut self,
        author: VaultId,
        epoch: u32,
        ops: Ops,
        keys: &AccountKeys,
        now_ms: u64,
        touched: &Touched,
    ) -> Result<()> {
        let author = Author {
            uid: author,
            path: Path {
                role: Role::Owner,
                expires_ms: 0,
                via: Vec::new(),
            },
            keys,
            now_ms,
        };
        let entry = compose(&self.state, &author, epoch, ops, touched)?;
        self.state = apply(&self.state, touched, &Principals::new(), &entry)
            .map_err(impossible)?
            .state;
        self.entries.push(entry);
        Ok(())
    }
}

impl From<VaultBirth> for NewVault {
    fn from(birth: VaultBirth) -> Self {
        Self {
            genesis: birth.genesis.to_bytes().into(),
            entries: birth
                .entries
                .iter()
                .map(|entry| entry.to_bytes().into())
                .collect(),
            bodies: birth.bodies.into_iter().map(Into::into).collect(),
        }
    }
}

/// Who signs an entry, and by what right.
pub(super) struct Author<'a> {
    pub(super) uid: VaultId,
    pub(super) path: Path,
    pub(super) keys: &'a AccountKeys,
    pub(super) now_ms: u64,
}

/// Composes and signs the entry that does `ops` after `state`.
pub(super) fn compose(
    state: &VaultState,
    author: &Author<'_>,
    epoch: u32,
    ops: Ops,
    touched: &Touched,
) -> Result<Entry> {
    let mut accumulator = state.accumulator.clone();
    if let Ops::State(ops) = &ops {
        let leaves = next_leaves(ops, touched, author.uid, author.path.role);
        for (node, leaf) in leaves.map_err(impossible)? {
            if let Some(old) = touched.get(&node) {
                accumulator.remove(&state.vault_id(), &node, old);
            }
            if let Some(new) = leaf {
                accumulator.insert(&state.vault_id(), &node, &new);
            }
        }
    }
    let body = EntryBody {
        vault_id: state.vault_id(),
        seq: state.head.seq + 1,
        prev_hash: state.head.hash,
        member_seq: state.membership.head.seq,
        member_hash: state.membership.head.hash,
        epoch,
        author: author.uid,
        author_generation: author.keys.generation(),
        via: author.path.via.clone(),
        timestamp_ms: author.now_ms,
        ops,
        state_digest: accumulator.digest(&state.vault_id()),
    };
    let signature = author.keys.sign(Statement::Entry, &body.hash());
    Ok(body.with_signature(signature))
}

/// Our own entry refused by our own check: the request made no sense.
pub(super) fn impossible(reject: sv_ledger::apply::Reject) -> ClientError {
    ClientError::misuse(format!("the change is not possible: {reject}"))
}
