//! Other vaults that a vault's log names: groups and shares that are its
//! members. Their chains are fetched and verified together with its own
//! (spec: `log.md` §6).

use std::collections::{BTreeMap, BTreeSet};

use sv_api::endpoint::GetMembership;
use sv_api::vault::MembershipLog;
use sv_api::wire::Empty;
use sv_core::vault_key::{EnvelopeHeader, open_envelope};
use sv_core::{KemPublicKey, KemSecretKey};
use sv_ledger::apply::Reject;
use sv_ledger::bootstrap::{Chains, MembershipChain, ShownMembership};
use sv_ledger::entry::{Entry, Via};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::limits::{MEMBERSHIP_LEN, NAMED_VAULTS};
use sv_ledger::principals::{Path, Principals};
use sv_ledger::state::Membership;

use super::keyring::Keyring;
use super::sync::fetch_bodies;
use super::withheld;
use crate::account::Session;
use crate::call::{Repeat, Server};
use crate::error::{ClientError, Result, Tamper};
use crate::port::{Platform, Storage};

/// Vaults that are followed from one: all that a server takes in for it, and
/// as many again for what was written at the same time.
const VAULTS: usize = 2 * NAMED_VAULTS;

/// Fetches what a server shows of a vault's membership, page by page.
pub(crate) async fn membership<P: Platform>(
    server: &Server<'_, P>,
    vault: VaultId,
) -> Result<MembershipLog> {
    let len = |log: &MembershipLog| {
        log.entries
            .iter()
            .map(|e| e.to_bytes().len())
            .sum::<usize>()
    };
    let mut log = membership_page(server, vault, 0).await?;
    let mut read = len(&log);
    while log.more {
        let last = log.entries.last().map_or(0, |entry| entry.body().seq);
        let next = membership_page(server, vault, last.saturating_add(1)).await?;
        if next.genesis != log.genesis {
            return Err(Tamper::Log(Reject::WrongVault).into());
        }
        read += len(&next);
        if read > MEMBERSHIP_LEN {
            return Err(ClientError::Misbehaved(
                "it lists changes of who has access without end".to_owned(),
            ));
        }
        log.entries.extend(next.entries);
        (log.more, log.is_gone) = (next.more, next.is_gone);
    }
    Ok(log)
}

/// Some of it. Each page goes on where the one before it ended, or a server
/// could keep us reading for ever.
async fn membership_page<P: Platform>(
    server: &Server<'_, P>,
    vault: VaultId,
    from: u64,
) -> Result<MembershipLog> {
    let page = server
        .call(&GetMembership { vault, from }, Empty {}, Repeat::Safe)
        .await
        .map_err(withheld)?;
    let seqs: Vec<u64> = page.entries.iter().map(|e| e.body().seq).collect();
    let goes_on = seqs.first().map_or(!page.more, |first| *first >= from);
    if goes_on && seqs.is_sorted_by(|a, b| a < b) {
        Ok(page)
    } else {
        Err(Tamper::Log(Reject::NotNext).into())
    }
}

/// The same, to be verified.
pub(crate) async fn show<P: Platform>(
    session: &Session<P>,
    vault: VaultId,
) -> Result<ShownMembership> {
    let log = membership(&session.server(), vault).await?;
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

/// Vaults whose keys were opened on the way to another's; none of one that is
/// under way. Each is opened once, however many ways lead through it.
type Opened = BTreeMap<VaultId, Option<Keyring>>;

/// Finds what opens the key of a vault for this account.
///
/// # Errors
/// [`Tamper::VaultKey`] if nothing does, or those of a call.
async fn receiver<'s, P: Platform>(
    session: &'s Session<P>,
    membership: &Membership,
    chains: &Chains,
    opened: &mut Opened,
) -> Result<Receiver<'s>> {
    let uid = session.uid();
    if membership.members.contains_key(&uid) {
        return Ok(Receiver::Person(uid, session.keys().kem()));
    }
    for first in membership.entrances(&uid, chains.principals()) {
        let member = membership.members.get(&first);
        let Some(member) = member.filter(|member| member.is_sealed) else {
            continue;
        };
        if !opened.contains_key(&first) {
            opened.insert(first, None);
            let inner = chains.of(&first).ok_or(Tamper::VaultKey)?;
            let inner = Box::pin(open_within(session, inner, chains, opened)).await?;
            opened.insert(first, Some(inner.0));
        }
        let keyring = opened.get(&first).and_then(Option::as_ref);
        if let Some(key) = keyring.and_then(|keys| keys.get(member.keys.generation)) {
            return Ok(Receiver::Vault(first, key.kem()));
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
    open_within(session, chain, chains, &mut Opened::new()).await
}

async fn open_within<P: Platform>(
    session: &Session<P>,
    chain: &MembershipChain,
    chains: &Chains,
    opened: &mut Opened,
) -> Result<(Keyring, Option<Vec<u8>>)> {
    let membership = chain.latest()?;
    if membership.kind == VaultKind::Account {
        return Ok((Keyring::account(chain, session.keys())?, None));
    }
    let receiver = receiver(session, membership, chains, opened).await?;
    let named = chain.envelope(receiver.id()).ok_or(Tamper::VaultKey)?;
    let envelope = fetch_bodies(session, membership.vault_id, vec![named.hash])
        .await?
        .pop()
        .ok_or(Tamper::Missing("the key of a vault"))?;
    let header = EnvelopeHeader::named(membership.vault_id, &named);
    let newest = open_envelope(&header, receiver.kem(), &envelope)?;
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
        let name = kem_file(hash);
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

/// Keeps a public key that was verified, so that a new key can be sealed to it
/// whether or not the server still shows whose it is.
pub(super) async fn keep_kem_key<P: Platform>(
    session: &Session<P>,
    key: &KemPublicKey,
) -> Result<()> {
    let storage = session.platform().storage();
    Ok(storage
        .write(&kem_file(&key.hash()), key.as_bytes())
        .await?)
}

fn kem_file(hash: &Hash) -> String {
    format!("kem/{}", data_encoding::HEXLOWER.encode(hash.as_bytes()))
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
