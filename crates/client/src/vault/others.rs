//! Other vaults that a vault's log names: groups and shares that are its
//! members. Their chains are fetched and verified together with its own
//! (spec: `log.md` §6).

use std::collections::{BTreeMap, BTreeSet};

use sv_api::endpoint::GetMembership;
use sv_api::wire::Empty;
use sv_core::error::EnvelopeError;
use sv_core::vault_key::{EnvelopeHeader, open_envelope};
use sv_core::{KemPublicKey, KemSecretKey};
use sv_ledger::bootstrap::{Chains, MembershipChain, ShownMembership};
use sv_ledger::entry::{Entry, Via};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::principals::{Path, Principals};
use sv_ledger::state::Membership;

use super::keyring::Keyring;
use super::sync::fetch_bodies;
use super::withheld;
use crate::account::Session;
use crate::call::Repeat;
use crate::error::{ClientError, Result, Tamper};
use crate::port::{Platform, Storage};

/// Vaults that are followed from one: far more than people make.
const VAULTS: usize = 1024;

/// Fetches what a server shows of a vault's membership.
pub(crate) async fn show<P: Platform>(
    session: &Session<P>,
    vault: VaultId,
) -> Result<ShownMembership> {
    let log = session
        .server()
        .call(&GetMembership { vault }, Empty {}, Repeat::Safe)
        .await
        .map_err(withheld)?;
    let shown = ShownMembership {
        vault_id: vault,
        genesis: log.genesis,
        entries: log.entries,
    };
    require_instance(session, &shown)?;
    Ok(shown)
}

/// A vault of another server has no business here.
pub(crate) fn require_instance<P: Platform>(
    session: &Session<P>,
    shown: &ShownMembership,
) -> Result<()> {
    if shown.genesis.body().instance_id == session.profile().instance.id {
        Ok(())
    } else {
        Err(Tamper::Identity.into())
    }
}

/// Verifies chains together with those of every vault that they name, which
/// are fetched. `also` are heads that other entries name.
pub(super) async fn verify<P: Platform>(
    session: &Session<P>,
    first: Vec<ShownMembership>,
    also: Vec<Via>,
) -> Result<Chains> {
    let mut shown = first;
    let mut known: BTreeSet<VaultId> = shown.iter().map(|one| one.vault_id).collect();
    let mut named: Vec<VaultId> = also.iter().map(|via| via.vault_id).collect();
    named.extend(shown.iter().flat_map(|one| named_in(&one.entries)));
    while let Some(vault) = named.pop() {
        if !known.insert(vault) {
            continue;
        }
        if known.len() > VAULTS {
            return Err(ClientError::misuse(
                "too many vaults are members of one another",
            ));
        }
        let next = show(session, vault).await?;
        named.extend(named_in(&next.entries));
        shown.push(next);
    }
    Ok(Chains::verify(shown, also)?)
}

fn named_in(entries: &[Entry]) -> Vec<VaultId> {
    let named = entries.iter().flat_map(Entry::named_heads);
    named.map(|via| via.vault_id).collect()
}

/// What opens the envelope of a vault's key: the account's own key, or that
/// of a vault through which it has access.
pub(super) enum Receiver<'a> {
    /// The account.
    Person(VaultId, &'a KemSecretKey),
    /// A vault that is a member, in the generation on record.
    Vault(VaultId, KemSecretKey),
}

impl Receiver<'_> {
    pub(super) const fn id(&self) -> &VaultId {
        match self {
            Self::Person(id, _) | Self::Vault(id, _) => id,
        }
    }

    pub(super) const fn kem(&self) -> &KemSecretKey {
        match self {
            Self::Person(_, kem) => kem,
            Self::Vault(_, kem) => kem,
        }
    }
}

/// Finds what opens the key of a vault for this account.
///
/// # Errors
/// [`Tamper::VaultKey`] if nothing does, or those of a call.
pub(super) async fn receiver<'s, P: Platform>(
    session: &'s Session<P>,
    membership: &Membership,
    chains: &Chains,
) -> Result<Receiver<'s>> {
    let uid = session.uid();
    if membership.members.contains_key(&uid) {
        return Ok(Receiver::Person(uid, session.keys().kem()));
    }
    let mut paths = membership.paths(&uid, chains.principals());
    paths.sort_by_key(|path| path.via.len());
    for path in paths {
        let Some(first) = path.via.first() else {
            continue;
        };
        let member = membership.members.get(&first.vault_id);
        let Some(member) = member.filter(|member| member.is_sealed) else {
            continue;
        };
        let inner = chains.of(&first.vault_id).ok_or(Tamper::VaultKey)?;
        let (keyring, _) = Box::pin(open_keys(session, inner, chains)).await?;
        if let Some(key) = keyring.get(member.keys.generation) {
            return Ok(Receiver::Vault(first.vault_id, key.kem()));
        }
    }
    Err(Tamper::VaultKey.into())
}

/// Opens a vault's keys with whatever of this account's opens them; the
/// newest one also as this device keeps it, but for an account vault.
///
/// # Errors
/// Any [`Tamper`], or those of a call.
pub(super) async fn open_keys<P: Platform>(
    session: &Session<P>,
    chain: &MembershipChain,
    chains: &Chains,
) -> Result<(Keyring, Option<Vec<u8>>)> {
    let membership = chain.latest()?;
    if membership.kind == VaultKind::Account {
        return Ok((Keyring::account(chain, session.keys())?, None));
    }
    let receiver = receiver(session, membership, chains).await?;
    let named = chain.envelope(receiver.id()).ok_or(Tamper::VaultKey)?;
    let envelope = fetch_bodies(session, membership.vault_id, vec![named.hash])
        .await?
        .pop()
        .ok_or(Tamper::Missing("the key of a vault"))?;
    let header = EnvelopeHeader::named(membership.vault_id, &named);
    // These are the bytes that the log names, so what is wrong with them is
    // their author's doing and not the server's.
    let newest =
        open_envelope(&header, receiver.kem(), &envelope).map_err(|error| match error {
            EnvelopeError::UnsupportedSuite(suite) => Tamper::UnsupportedSuite(suite),
            EnvelopeError::Tampered => Tamper::Envelope(named.granter),
        })?;
    let (local, mut random) = (session.keys().local_key(), session.platform().random());
    let (vault_id, epoch) = (membership.vault_id, membership.epoch);
    let kept = newest.seal_at_rest(local, &vault_id, epoch, &mut random)?;
    Ok((Keyring::from_newest(chain, newest), Some(kept)))
}

/// The best way in which this account can act on a vault now.
pub(super) fn best_path<P: Platform>(
    session: &Session<P>,
    membership: &Membership,
    principals: &Principals,
) -> Option<Path> {
    let now_ms = session.platform().now_ms();
    membership.best_path(&session.uid(), principals, now_ms)
}

/// Public keys that vault keys are sealed to, by their hash. They prove
/// themselves, so they are kept on the device as they are.
pub(super) async fn kem_keys<P: Platform>(
    session: &Session<P>,
    wanted: &[(VaultId, Hash)],
    chains: &Chains,
) -> Result<BTreeMap<Hash, KemPublicKey>> {
    let storage = session.platform().storage();
    let mut found = BTreeMap::new();
    for (principal, hash) in wanted {
        let name = format!("kem/{}", data_encoding::HEXLOWER.encode(hash.as_bytes()));
        let kept = storage.read(&name).await?;
        let kept = kept.and_then(|bytes| bytes.try_into().ok());
        let kept = kept
            .map(KemPublicKey::new)
            .filter(|key| key.hash() == *hash);
        let key = match kept {
            Some(key) => key,
            None => {
                let key = match chains.of(principal) {
                    Some(chain) => kem_in(chain.entries(), hash),
                    None => kem_in(&show(session, *principal).await?.entries, hash),
                };
                let key = key.ok_or(Tamper::Missing("the public key of a member"))?;
                storage.write(&name, key.as_bytes()).await?;
                key
            }
        };
        found.insert(*hash, key);
    }
    Ok(found)
}

fn kem_in(entries: &[Entry], hash: &Hash) -> Option<KemPublicKey> {
    let keys = entries.iter().rev().filter_map(Entry::epoch_op);
    let mut keys = keys.map(|op| &op.kem_pk);
    keys.find(|key| key.hash() == *hash).cloned()
}

/// Whether an entry cannot be judged with the memberships at hand.
pub(super) fn lacks(principals: &Principals, entry: &Entry) -> bool {
    entry
        .named_heads()
        .any(|via| principals.at(&via.vault_id, &via.head).is_none())
}
