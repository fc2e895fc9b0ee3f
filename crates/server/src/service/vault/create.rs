//! The birth of a vault: genesis and first entries through the same admission
//! as an append, in the unit of work of whoever signs up.

use std::collections::BTreeMap;

use sv_api::account::NewVault;
use sv_api::vault::Appended;
use sv_api::{Base64, ErrorCode};
use sv_ledger::apply::Reject;
use sv_ledger::codec::ParseError;
use sv_ledger::entry::Entry;
use sv_ledger::genesis::{Genesis, VaultKind};
use sv_ledger::handle::Handle;
use sv_ledger::id::{InstanceId, NodeId, SignPublicKey, VaultId};
use sv_ledger::limits::BODY_LEN;
use sv_ledger::principals::Principals;
use sv_ledger::state::{Leaf, Membership, VaultState};

use super::admission::{Verified, admit};
use super::prepare::{PreparedEntry, rejected};
use super::principals::check_people;
use super::{Vaults, is_timely};
use crate::db::{Query, Write};
use crate::service::audit::{self, Event};
use crate::service::{Error, Result};
use crate::store::{entries, members, vaults};

/// Entries that a vault may be born with.
const FIRST_ENTRIES: usize = 8;

/// A vault that is valid, but not stored yet.
#[derive(Debug, Clone)]
pub struct PreparedVault {
    genesis: Genesis,
    born: VaultState,
    entries: Vec<PreparedEntry>,
}

impl PreparedVault {
    /// Parses and checks a new vault. Pure and costly: call it where it may
    /// block, before the unit of work.
    ///
    /// # Errors
    /// [`Error::Rejected`] or [`Error::Refused`].
    pub fn prepare(new: &NewVault, instance: &InstanceId, now_ms: u64) -> Result<Self> {
        let genesis = Genesis::parse(&new.genesis.0).map_err(malformed)?;
        if genesis.body().instance_id != *instance {
            return Err(rejected("the vault was made for another server"));
        }
        let timestamps = |ms| is_timely(ms, now_ms);
        if !timestamps(genesis.body().timestamp_ms) {
            return Err(ErrorCode::ClockSkew.into());
        }
        if new.entries.is_empty() || new.entries.len() > FIRST_ENTRIES {
            return Err(rejected("a new vault with too few or too many entries"));
        }
        let born = VaultState::begin(&genesis)?;
        let mut bodies = new.bodies.iter();
        let mut state = born.clone();
        let mut known: BTreeMap<NodeId, Leaf> = BTreeMap::new();
        let mut entries = Vec::new();
        for Base64(bytes) in &new.entries {
            let entry = Entry::parse(bytes).map_err(malformed)?;
            if !timestamps(entry.body().timestamp_ms) {
                return Err(ErrorCode::ClockSkew.into());
            }
            if entry.body().author != genesis.owner() {
                return Err(Reject::NotAMember.into());
            }
            let its_bodies = take_bodies(&mut bodies, entry.body_hashes().len())?;
            let nodes = entry.state_ops().iter().map(|op| *op.node_id());
            let touched = nodes
                .filter_map(|node| known.get(&node).map(|leaf| (node, *leaf)))
                .collect();
            let prepared = PreparedEntry::new(
                &state,
                &touched,
                &Principals::new(),
                entry,
                its_bodies,
                Vec::new(),
            )?;
            for (node, leaf) in &prepared.transition.leaves {
                match leaf {
                    Some(leaf) => known.insert(*node, *leaf),
                    None => known.remove(node),
                };
            }
            state = prepared.transition.state.clone();
            entries.push(prepared);
        }
        if bodies.next().is_some() {
            return Err(rejected(
                "the new vault came with bodies that nothing names",
            ));
        }
        Ok(Self {
            genesis,
            born,
            entries,
        })
    }

    /// The vault's id; of an account vault, the uid.
    pub fn vault_id(&self) -> VaultId {
        self.genesis.vault_id()
    }

    /// Who owns it.
    pub fn owner(&self) -> VaultId {
        self.genesis.owner()
    }

    /// What it is for.
    pub fn kind(&self) -> VaultKind {
        self.genesis.body().kind
    }

    /// The creator's signing key.
    pub fn sign_public_key(&self) -> SignPublicKey {
        self.genesis.body().sign_pk
    }

    /// The creator's key generation.
    pub fn creator_generation(&self) -> u32 {
        self.genesis.body().creator_generation
    }

    /// The handle that an account vault announces.
    pub fn handle(&self) -> Option<&Handle> {
        self.entries.iter().find_map(|p| p.entry.handle_op())
    }

    /// The state after its first entries.
    pub fn state(&self) -> &VaultState {
        self.entries
            .last()
            .map_or(&self.born, |last| &last.transition.state)
    }
}

impl Vaults {
    /// Makes a vault that others can be given access to. The same request
    /// again succeeds without effect.
    ///
    /// # Errors
    /// [`ErrorCode::Rejected`] for a vault of another kind, of another owner,
    /// or signed by keys that are not the account's.
    pub async fn create(
        &self,
        uid: VaultId,
        instance: InstanceId,
        new: NewVault,
    ) -> Result<Appended> {
        let now_ms = self.clock.now_ms();
        let preparing = move || PreparedVault::prepare(&new, &instance, now_ms);
        let vault = tokio::task::spawn_blocking(preparing).await??;
        if !vault.kind().is_shareable() {
            return Err(rejected("such a vault comes with its account alone"));
        }
        let seq = vault.state().head.seq;
        let made = || async {
            let mut write = self.db.write().await?;
            if is_there(&mut write, &vault).await? {
                return Ok(false);
            }
            check_creator(&mut write, &vault, uid).await?;
            for entry in &vault.entries {
                check_people(&mut write, &entry.entry).await?;
            }
            create_vault(&mut write, &vault, uid, now_ms).await?;
            write.commit().await?;
            Ok::<_, Error>(true)
        };
        if self.db.retry(made).await? {
            self.announce(vault.state()).await;
        }
        Ok(Appended { seq })
    }
}

/// Whether exactly this vault was made before.
async fn is_there(q: &mut impl Query, vault: &PreparedVault) -> Result<bool> {
    let last = vault.state().head;
    let there = entries::hash_at(q, vault.vault_id(), last.seq).await?;
    Ok(there == Some(last.hash))
}

/// The genesis is signed by the keys that the account has now.
async fn check_creator(q: &mut impl Query, vault: &PreparedVault, uid: VaultId) -> Result<()> {
    let account = vaults::memberships(q, [uid].into_iter()).await?;
    let keys = account.first().map(Membership::principal);
    let genesis = vault.genesis.body();
    let is_own = keys.is_some_and(|keys| {
        (keys.generation, keys.sign_pk, keys.kem_hash)
            == (
                genesis.creator_generation,
                genesis.sign_pk,
                genesis.kem_pk.hash(),
            )
    });
    match is_own {
        true => Ok(()),
        false => Err(rejected(
            "the vault is signed by other keys than the account's",
        )),
    }
}

/// Stores a new vault for a user whose quota row is there. The caller
/// commits.
///
/// # Errors
/// [`Error::Rejected`] if another owns it, [`ErrorCode::Conflict`] if it is
/// there already, or whatever an append is refused for.
pub async fn create_vault(
    write: &mut Write,
    vault: &PreparedVault,
    uid: VaultId,
    now_ms: u64,
) -> Result<VaultId> {
    if vault.owner() != uid {
        return Err(Reject::Creator.into());
    }
    let vault_id = vault.vault_id();
    match vaults::insert(write, &vault.genesis, &vault.born, now_ms).await {
        Err(crate::db::Error::Exists) => return Err(ErrorCode::Conflict.into()),
        done => done?,
    }
    let born = &vault.born.membership.members;
    members::replace(write, vault_id, &BTreeMap::new(), born).await?;
    let event = Event::by(uid, audit::Kind::VaultCreated).about(*vault_id.as_bytes());
    audit::note(write, now_ms, event).await?;
    for entry in &vault.entries {
        admit(write, entry, &Verified::new(), uid, uid, now_ms).await?;
    }
    Ok(vault_id)
}

fn take_bodies<'a>(
    bodies: &mut impl Iterator<Item = &'a Base64>,
    count: usize,
) -> Result<Vec<Vec<u8>>> {
    let taken: Vec<_> = bodies
        .take(count)
        .map(|Base64(bytes)| bytes.clone())
        .collect();
    if taken.iter().any(|body| body.len() > BODY_LEN) {
        return Err(ErrorCode::TooLarge.into());
    }
    Ok(taken)
}

fn malformed(error: ParseError) -> Error {
    Error::refused_because(ErrorCode::BadRequest, error.to_string())
}
