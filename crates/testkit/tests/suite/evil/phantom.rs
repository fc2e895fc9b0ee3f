//! A vault that a server makes up in somebody's name, and shows on the wire:
//! everything in it is signed and sealed as it must be, by keys of its own.

use std::collections::BTreeMap;

use sv_api::Base64;
use sv_api::account::NewVault;
use sv_api::endpoint::{
    GetBodies, GetCheckpoint, GetEntries, GetLeaves, GetMembership, ListVaults,
};
use sv_api::vault::{
    Bodies, BodiesRequest, EntryPage, LeafPage, MembershipLog, VaultHead, VaultHeads,
};
use sv_api::wire::{Empty, Wire};
use sv_client::account::Session;
use sv_client::call::Repeat;
use sv_client::people::Person;
use sv_client::port::{HttpResponse, Platform as _};
use sv_client::vault::NewVaultBuilder;
use sv_core::vault_key::{EnvelopeHeader, open_envelope, seal_envelope};
use sv_core::{AccountKeys, AccountRootKey, KemPublicKey, VaultKey};
use sv_ledger::apply::{Touched, apply};
use sv_ledger::bootstrap::MembershipChain;
use sv_ledger::enc::Statement;
use sv_ledger::entry::{Entry, EntryBody, Ops};
use sv_ledger::genesis::{Genesis, VaultKind};
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::membership_op::{EpochOp, GrantOp, MembershipOp, PrincipalKeys};
use sv_ledger::principals::Principals;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::{Member, Role, VaultState};
use sv_testkit::{Exchange, TestPlatform};

/// The vault, and the server's keys that stand for its creator.
#[derive(Clone)]
pub(crate) struct Phantom {
    creator: VaultId,
    genesis: Genesis,
    entries: Vec<Entry>,
    bodies: BTreeMap<Hash, Vec<u8>>,
    state: VaultState,
    /// The accounts of those in it, as they are.
    accounts: BTreeMap<VaultId, MembershipLog>,
}

/// What signs and seals in the creator's name.
pub(crate) struct Forger {
    keys: AccountKeys,
    key: VaultKey,
    session: TestPlatform,
}

impl Forger {
    /// What is sealed to whoever the server says is the creator.
    pub(crate) const fn kem_pk(&self) -> &KemPublicKey {
        &self.keys.public().kem_pk
    }
}

/// A vault that says it is by `creator`.
pub(crate) async fn in_the_name_of(
    creator: &Session<TestPlatform>,
    session: &Session<TestPlatform>,
) -> (Phantom, Forger) {
    let mut accounts = BTreeMap::new();
    for one in [creator, session] {
        let (vault, of) = (one.uid(), one.uid());
        let asked = GetMembership { vault, of, from: 0 };
        let log = one.server().call(&asked, Empty {}, Repeat::Safe).await;
        accounts.insert(of, log.unwrap());
    }
    let creator = creator.uid();
    let platform = session.platform().clone();
    let mut random = platform.random();
    let root = AccountRootKey::generate(&mut random).unwrap();
    let keys = AccountKeys::derive(&root, 1);
    let builder = NewVaultBuilder {
        instance: session.profile().instance.id,
        keys: &keys,
        now_ms: platform.now_ms(),
    };
    let (kind, suite) = (VaultKind::Shared, ContentSuite::Blocks);
    let new = builder.owned(kind, suite, creator, &mut random).unwrap();
    let new = NewVault::from(new);
    let genesis = Genesis::parse(&new.genesis.0).unwrap();
    let entries: Vec<Entry> = new
        .entries
        .iter()
        .map(|Base64(bytes)| Entry::parse(bytes).unwrap())
        .collect();
    let envelope = new.bodies[0].0.clone();
    let chain =
        MembershipChain::verify(&genesis.vault_id(), &genesis, &entries, &Principals::new())
            .unwrap();
    let header = chain.envelope(&creator).unwrap();
    let header = EnvelopeHeader::named(genesis.vault_id(), &header);
    let key = open_envelope(&header, keys.kem(), &envelope).unwrap();
    let state = apply(
        &VaultState::begin(&genesis).unwrap(),
        &Touched::new(),
        &Principals::new(),
        &entries[0],
    )
    .unwrap()
    .state;
    let phantom = Phantom {
        creator,
        genesis,
        entries,
        bodies: BTreeMap::from([(Statement::Body.hash(&envelope), envelope)]),
        state,
        accounts,
    };
    let session = platform;
    (phantom, Forger { keys, key, session })
}

impl Phantom {
    pub(crate) fn vault_id(&self) -> VaultId {
        self.state.vault_id()
    }

    /// Gives somebody access, with their real keys.
    pub(crate) fn grant(&mut self, forger: &Forger, person: &Person, role: Role) {
        let keys = PrincipalKeys {
            generation: person.identity.generation,
            sign_pk: person.identity.sign_pk,
            kem_hash: person.identity.kem_hash,
            head: person.head,
        };
        let member = Member {
            role,
            expires_ms: 0,
            keys,
            is_sealed: true,
        };
        let membership = &self.state.membership;
        let header = EnvelopeHeader {
            vault_id: self.vault_id(),
            epoch: membership.epoch,
            granter: self.creator,
            granter_generation: 1,
            principal: person.identity.uid,
            principal_generation: member.keys.generation,
            principal_head: member.keys.head,
            kem_hash: member.keys.kem_hash,
            role,
            vk_commit: membership.commitment,
            member_hash: membership.head.hash,
        };
        let mut random = forger.session.random();
        let envelope = seal_envelope(&header, &person.kem_pk, &forger.key, &mut random).unwrap();
        let hash = Statement::Body.hash(&envelope);
        self.bodies.insert(hash, envelope);
        self.append(
            forger,
            MembershipOp::Grant(GrantOp {
                principal: person.identity.uid,
                role,
                expires_ms: 0,
                keys,
                envelope: hash,
            }),
        );
    }

    /// A new key for the creator and `person`, with a KEM key of somebody's
    /// choice.
    pub(crate) fn rekey(&mut self, forger: &mut Forger, person: &Person, kem_pk: KemPublicKey) {
        let mut random = forger.session.random();
        let (vault_id, epoch) = (self.vault_id(), self.state.membership.epoch + 1);
        let key = VaultKey::generate(&mut random).unwrap();
        let mut envelopes = Vec::new();
        for (id, member) in &self.state.membership.members {
            let recipient = match *id == person.identity.uid {
                true => &person.kem_pk,
                false => forger.kem_pk(),
            };
            let header = EnvelopeHeader {
                vault_id,
                epoch,
                granter: self.creator,
                granter_generation: 1,
                principal: *id,
                principal_generation: member.keys.generation,
                principal_head: member.keys.head,
                kem_hash: member.keys.kem_hash,
                role: member.role,
                vk_commit: key.commitment(&vault_id, epoch),
                member_hash: self.state.membership.head.hash,
            };
            let envelope = seal_envelope(&header, recipient, &key, &mut random).unwrap();
            envelopes.push(Statement::Body.hash(&envelope));
            self.bodies
                .insert(Statement::Body.hash(&envelope), envelope);
        }
        let previous = key.seal_previous(&forger.key, &vault_id, epoch, &mut random);
        let op = EpochOp {
            commitment: key.commitment(&vault_id, epoch),
            kem_pk,
            previous_key: Some(previous.unwrap()),
            envelopes,
        };
        forger.key = key;
        self.append(forger, MembershipOp::Epoch(op));
    }

    /// Whatever the creator may do.
    pub(crate) fn append(&mut self, forger: &Forger, op: MembershipOp) {
        let state = &self.state;
        let body = EntryBody {
            vault_id: state.vault_id(),
            seq: state.head.seq + 1,
            prev_hash: state.head.hash,
            member_seq: state.membership.head.seq,
            member_hash: state.membership.head.hash,
            epoch: state.membership.epoch + u32::from(matches!(op, MembershipOp::Epoch(_))),
            author: self.creator,
            author_generation: 1,
            via: Vec::new(),
            timestamp_ms: forger.session.now_ms(),
            ops: Ops::Membership(vec![op]),
            state_digest: state.digest(),
        };
        let signature = forger.keys.sign(Statement::Entry, &body.hash());
        let entry = body.with_signature(signature);
        let step = apply(state, &Touched::new(), &Principals::new(), &entry);
        self.state = step.unwrap().state;
        self.entries.push(entry);
    }

    /// From now on the server shows it to that device as one of its vaults.
    pub(crate) fn show_to(&self, session: &Session<TestPlatform>) {
        let phantom = self.clone();
        let network = &session.platform().network;
        network.rewrite(move |request, mut answer| {
            if request.is::<ListVaults>() {
                let mut heads = VaultHeads::parse(&answer.body).unwrap();
                heads.vaults.push(VaultHead {
                    vault_id: phantom.vault_id(),
                    seq: phantom.state.head.seq,
                    hash: phantom.state.head.hash.as_bytes().to_vec().into(),
                });
                heads.vaults.sort_by_key(|head| head.vault_id);
                answer.body = heads.into_bytes();
            }
            Ok(phantom.answer(request).unwrap_or(answer))
        });
    }

    fn answer(&self, request: &Exchange) -> Option<HttpResponse> {
        let id = self.vault_id().to_string();
        if !request.path.contains(&id) {
            return None;
        }
        let entries = |from: usize| EntryPage {
            entries: self.entries[from..].to_vec(),
            more: false,
        };
        let body = if request.is::<GetMembership>() {
            let of: VaultId = request.path.rsplit('/').nth(1)?.parse().unwrap();
            let own = || MembershipLog {
                genesis: self.genesis.clone(),
                entries: self.entries.clone(),
                more: false,
                is_gone: false,
            };
            let account = self.accounts.get(&of).cloned();
            account.unwrap_or_else(own).into_bytes()
        } else if request.is::<GetCheckpoint>() {
            entries(self.entries.len() - 1).into_bytes()
        } else if request.is::<GetEntries>() {
            let from = request.path.rsplit('/').next().unwrap();
            let from: usize = from.parse().unwrap();
            entries(from - 1).into_bytes()
        } else if request.is::<GetLeaves>() {
            let leaves = Vec::new();
            let more = false;
            LeafPage { leaves, more }.into_bytes()
        } else if request.is::<GetBodies>() {
            let asked = BodiesRequest::parse(&request.body).unwrap().hashes;
            let bodies = asked.iter().map(|hash| self.bodies[hash].clone());
            Bodies {
                bodies: bodies.collect(),
            }
            .into_bytes()
        } else {
            return None;
        };
        Some(HttpResponse { status: 200, body })
    }
}
