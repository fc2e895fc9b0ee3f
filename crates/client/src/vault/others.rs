//! Other vaults that a vault's log names: groups and shares that are its
//! members. Their chains are fetched and verified together with its own
//! (spec: `log.md` §6).

use std::collections::{BTreeMap, BTreeSet};

use sv_api::endpoint::GetMembership;
use sv_api::vault::MembershipLog;
use sv_api::wire::Empty;
use sv_core::vault_key::{EnvelopeHeader, open_envelope};
use sv_core::{KemPublicKey, KemSecretKey, VaultKey};
use sv_ledger::apply::Reject;
use sv_ledger::bootstrap::{Chains, MembershipChain, ShownMembership};
use sv_ledger::entry::{Entry, Via};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::limits::{MEMBERSHIP_LEN, NAMED_VAULTS};
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::principals::{Path, Principals};
use sv_ledger::state::Membership;

use super::keyring::Keyring;
use super::seen::Seen;
use super::sync::fetch_bodies;
use super::{Vault, withheld};
use crate::account::Session;
use crate::call::{Repeat, Server};
use crate::error::{ClientError, Result, Tamper};
use crate::port::{Platform, Storage};

/// Vaults that are followed from one: all that a server takes in for it, and
/// as many again to which another leads that is to be given access.
const VAULTS: usize = 2 * NAMED_VAULTS;

impl<P: Platform> Vault<'_, P> {
    /// Whether the log, or that of a vault that is a member now, has or had
    /// somebody as a member.
    pub(crate) fn had_member(&self, uid: &VaultId) -> bool {
        let granted = |entries: &[Entry]| {
            let mut ops = entries.iter().flat_map(Entry::membership_ops);
            ops.any(|op| matches!(op, MembershipOp::Grant(op) if op.principal == *uid))
        };
        *uid == self.replica.genesis.body().creator
            || granted(&self.replica.chain)
            || self.others.iter().any(|chain| {
                // Whoever made a vault is its first member.
                chain.creator() == Some(uid) || granted(chain.entries())
            })
    }
}

/// Fetches what a server shows of a membership, page by page: that `of` a vault
/// that this account reads, or of another to which its log leads.
pub(crate) async fn membership<P: Platform>(
    server: &Server<'_, P>,
    vault: VaultId,
    of: VaultId,
) -> Result<MembershipLog> {
    let len = |log: &MembershipLog| {
        log.entries
            .iter()
            .map(|e| e.to_bytes().len())
            .sum::<usize>()
    };
    let mut log = membership_page(server, GetMembership { vault, of, from: 0 }).await?;
    let mut read = len(&log);
    while log.more {
        let last = log.entries.last().map_or(0, |entry| entry.body().seq);
        let from = last.saturating_add(1);
        let next = membership_page(server, GetMembership { vault, of, from }).await?;
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
    asked: GetMembership,
) -> Result<MembershipLog> {
    let page = server
        .call(&asked, Empty {}, Repeat::Safe)
        .await
        .map_err(withheld)?;
    let seqs: Vec<u64> = page.entries.iter().map(|e| e.body().seq).collect();
    let goes_on = seqs
        .first()
        .map_or(!page.more, |first| *first >= asked.from);
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
    of: VaultId,
) -> Result<ShownMembership> {
    Ok(show_marked(session, vault, of).await?.0)
}

/// The same, and whether the server says that the account was deleted and its
/// log is kept for those whose logs name it.
pub(crate) async fn show_marked<P: Platform>(
    session: &Session<P>,
    vault: VaultId,
    of: VaultId,
) -> Result<(ShownMembership, bool)> {
    let log = membership(&session.server(), vault, of).await?;
    let shown = ShownMembership {
        vault_id: of,
        genesis: log.genesis,
        entries: log.entries,
    };
    require_instance(session, &shown)?;
    Ok((shown, log.is_gone))
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

/// A vault's membership as the server shows it, and what this device had seen
/// of it before it asked.
#[derive(Clone)]
pub(super) struct Look {
    /// The vault whose log leads to it.
    vault: VaultId,
    pub(super) shown: ShownMembership,
    seen: Seen,
    is_gone: bool,
}

/// Verified chains of vaults that a vault's log names, directly or not.
#[derive(Default)]
pub(super) struct Others {
    chains: Chains,
    /// Those that went with the account that owned them, as the server says.
    /// What their logs prove still holds, but nothing is done through them.
    gone: BTreeSet<VaultId>,
}

impl Others {
    /// The verified chain of a vault.
    pub(super) fn of(&self, vault_id: &VaultId) -> Option<&MembershipChain> {
        self.chains.of(vault_id)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &MembershipChain> {
        self.chains.iter()
    }

    /// Their memberships.
    pub(super) const fn principals(&self) -> &Principals {
        self.chains.principals()
    }

    /// The best way in which this account can act on a vault now.
    pub(super) fn best_path<P: Platform>(
        &self,
        session: &Session<P>,
        membership: &Membership,
    ) -> Option<Path> {
        let (uid, now_ms) = (session.uid(), session.platform().now_ms());
        match self.gone.is_empty() {
            true => membership.best_path(&uid, self.principals(), now_ms),
            false => {
                let there = self.principals().without(&self.gone);
                membership.best_path(&uid, &there, now_ms)
            }
        }
    }
}

/// Asks for the membership `of` a vault, or of another to which its log leads.
/// With `is_kept` it is held to what was seen.
pub(super) async fn look<P: Platform>(
    session: &Session<P>,
    vault: VaultId,
    of: VaultId,
    is_kept: bool,
) -> Result<Look> {
    let seen = match is_kept {
        true => Seen::load(session, of).await?,
        false => Seen::NOTHING,
    };
    let (shown, is_gone) = show_marked(session, vault, of).await?;
    Ok(Look {
        vault,
        shown,
        seen,
        is_gone,
    })
}

/// Verifies chains together with those of every vault that they name, which
/// are fetched. With `is_kept` each is held to what this device has seen of it,
/// and what is new is remembered. `also` are heads that other entries of
/// `vault` name.
pub(super) async fn verify<P: Platform>(
    session: &Session<P>,
    vault: VaultId,
    first: Vec<Look>,
    also: Vec<Via>,
    is_kept: bool,
) -> Result<Others> {
    let asked: Vec<_> = first.iter().map(|l| (l.vault, l.shown.vault_id)).collect();
    let (mut first, mut is_second) = (first, false);
    loop {
        let looks = gather(session, vault, first, &also, is_kept).await?;
        match verify_gathered(session, looks, &also, is_kept).await {
            // One was asked for after the other. If somebody changed two of
            // them meanwhile, the later may name a head of the earlier that was
            // not there yet. Whoever looks again sees it, unless it is kept from
            // them.
            Err(ClientError::Tampered(Tamper::Log(Reject::Principal))) if !is_second => {}
            outcome => return outcome,
        }
        (first, is_second) = (Vec::new(), true);
        for (vault, of) in &asked {
            first.push(look(session, *vault, *of, is_kept).await?);
        }
    }
}

/// Looks at every vault that `first` and `also` lead to.
async fn gather<P: Platform>(
    session: &Session<P>,
    vault: VaultId,
    first: Vec<Look>,
    also: &[Via],
    is_kept: bool,
) -> Result<Vec<Look>> {
    let mut looks = first;
    let mut known: BTreeSet<VaultId> = looks.iter().map(|one| one.shown.vault_id).collect();
    let mut named: Vec<(VaultId, VaultId)> = also.iter().map(|via| (vault, via.vault_id)).collect();
    named.extend(looks.iter().flat_map(named_in));
    while let Some((vault, of)) = named.pop() {
        if !known.insert(of) {
            continue;
        }
        if known.len() > VAULTS {
            return Err(ClientError::misuse(
                "too many vaults are members of one another",
            ));
        }
        let next = look(session, vault, of, is_kept).await?;
        named.extend(named_in(&next));
        looks.push(next);
    }
    Ok(looks)
}

async fn verify_gathered<P: Platform>(
    session: &Session<P>,
    looks: Vec<Look>,
    also: &[Via],
    is_kept: bool,
) -> Result<Others> {
    for look in &looks {
        look.seen.require_in(&look.shown.entries)?;
    }
    let seen: BTreeMap<VaultId, u64> = looks
        .iter()
        .map(|look| (look.shown.vault_id, look.seen.count()))
        .collect();
    let gone = looks.iter().filter(|look| look.is_gone);
    let gone = gone.map(|look| look.shown.vault_id).collect();
    let shown = looks.into_iter().map(|look| look.shown).collect();
    let chains = Chains::verify(shown, also.iter().copied())?;
    for chain in chains.iter() {
        let newest = chain.latest()?;
        let is_new = seen.get(&newest.vault_id) < Some(&newest.head.seq);
        // What is the account's alone has the pin of its log.
        if is_kept && newest.kind.is_shareable() && is_new {
            Seen::raise(session, newest.vault_id, newest.head).await?;
        }
    }
    Ok(Others { chains, gone })
}

/// What a log names, each with the vault whose log leads there.
fn named_in(look: &Look) -> Vec<(VaultId, VaultId)> {
    let named = look.shown.entries.iter().flat_map(Entry::named_heads);
    named.map(|via| (look.vault, via.vault_id)).collect()
}

/// Envelopes that are fetched at once, after the first. Whoever may write can
/// make bad ones, one entry each, and many before anybody makes a good one: so
/// all are tried that there are, which is no more work than reading the log.
const ENVELOPES: usize = 64;

/// Vaults whose keys were opened on the way to another's; none of one that is
/// under way, or of which nothing opens. Each is opened once, however many ways
/// lead through it.
type Opened = BTreeMap<VaultId, Option<Keyring>>;

/// Opens a vault's keys with whatever of this account's opens them: the
/// account's own key, or those of vaults through which it has access. A newest
/// key that opens for nobody is its author's doing, since the log names the
/// envelope by its hash, and hides nothing that is older. If nothing opens the
/// keyring is empty, but for what it knows of that.
///
/// # Errors
/// Any [`Tamper`], or those of a call.
pub(super) async fn open_keys<P: Platform>(
    session: &Session<P>,
    chain: &MembershipChain,
    others: &Others,
) -> Result<Keyring> {
    open_within(session, chain, others, &mut Opened::new()).await
}

async fn open_within<P: Platform>(
    session: &Session<P>,
    chain: &MembershipChain,
    others: &Others,
    opened: &mut Opened,
) -> Result<Keyring> {
    let membership = chain.latest()?;
    if membership.kind == VaultKind::Account {
        return Keyring::account(chain, session.keys());
    }
    let (uid, own) = (session.uid(), Opener::Own(session.keys().kem()));
    let mut keyring = Keyring::default();
    open_envelopes(session, chain, &uid, &own, &mut keyring).await?;
    for id in membership.entrances(&uid, others.principals()) {
        if keyring.is_full(membership.epoch) {
            break;
        }
        if !opened.contains_key(&id) {
            opened.insert(id, None);
            let inner = others.of(&id).ok_or(Tamper::VaultKey)?;
            let inner = Box::pin(open_within(session, inner, others, opened)).await?;
            // Another way may lead there.
            if !inner.is_empty() {
                opened.insert(id, Some(inner));
            }
        }
        if let Some(inner) = opened.get(&id).and_then(Option::as_ref) {
            let inner = Opener::Through(inner);
            open_envelopes(session, chain, &id, &inner, &mut keyring).await?;
        }
    }
    Ok(keyring)
}

/// What opens the envelopes of a member: the account's own key, or those of a
/// vault, one for each generation.
enum Opener<'a> {
    Own(&'a KemSecretKey),
    Through(&'a Keyring),
}

impl Opener<'_> {
    /// The key in an envelope, none if it gives none; none at all if it is
    /// sealed to a key that is not here.
    fn open(&self, header: &EnvelopeHeader, envelope: &[u8]) -> Option<Option<VaultKey>> {
        let open = |kem: &KemSecretKey| {
            let is_ours = kem.public().hash() == header.kem_hash;
            is_ours.then(|| open_envelope(header, kem, envelope).ok())
        };
        match self {
            Self::Own(kem) => open(kem),
            Self::Through(keys) => open(&keys.get(header.principal_generation)?.kem()),
        }
    }
}

/// Opens the envelopes of a member, newest first, as far as they give keys that
/// are not there.
async fn open_envelopes<P: Platform>(
    session: &Session<P>,
    chain: &MembershipChain,
    principal: &VaultId,
    opener: &Opener<'_>,
    keyring: &mut Keyring,
) -> Result<()> {
    let vault_id = chain.vault_id();
    let mut named = chain.envelopes(principal).into_iter();
    // The newest alone nearly always gives all the others.
    let mut at_once = 1;
    loop {
        let lacking = named.by_ref().filter(|named| keyring.lacks(named.epoch));
        let some: Vec<_> = lacking.take(at_once).collect();
        if some.is_empty() {
            return Ok(());
        }
        let hashes: Vec<Hash> = some.iter().map(|named| named.hash).collect();
        let envelopes = fetch_bodies(session, vault_id, hashes).await?;
        if envelopes.len() < some.len() {
            return Err(Tamper::Missing("the key of a vault").into());
        }
        for (named, envelope) in some.iter().zip(&envelopes) {
            if !keyring.lacks(named.epoch) {
                continue;
            }
            let header = EnvelopeHeader::named(vault_id, named);
            match opener.open(&header, envelope) {
                Some(Some(key)) => keyring.add(chain, named.epoch, key),
                Some(None) => keyring.spoil(named.epoch),
                None => {}
            }
        }
        at_once = ENVELOPES;
    }
}

/// Public keys that vault keys are sealed to.
#[derive(Default)]
pub(super) struct KemKeys {
    /// By their hash, which proves them, so they are kept on the device as
    /// they are.
    pub(super) found: BTreeMap<Hash, KemPublicKey>,
    /// People who have no account any more, as the server says.
    pub(super) gone: Vec<VaultId>,
}

/// Finds public keys that a vault's keys are sealed to.
pub(super) async fn kem_keys<P: Platform>(
    session: &Session<P>,
    vault: VaultId,
    wanted: &[(VaultId, Hash)],
    others: &Others,
) -> Result<KemKeys> {
    let storage = session.platform().storage();
    let mut keys = KemKeys::default();
    for (principal, hash) in wanted {
        let name = kem_file(hash);
        let kept = storage.read(&name).await?;
        let kept = kept.and_then(|bytes| bytes.try_into().ok());
        let kept = kept
            .map(KemPublicKey::new)
            .filter(|key| key.hash() == *hash);
        if let Some(key) = kept {
            keys.found.insert(*hash, key);
            continue;
        }
        let key = match others.of(principal) {
            Some(chain) => kem_in(chain.entries(), hash),
            None => {
                let (shown, is_gone) = show_marked(session, vault, *principal).await?;
                keys.gone.extend(is_gone.then_some(*principal));
                kem_in(&shown.entries, hash)
            }
        };
        // Of keys that nobody shows nothing is found.
        let Some(key) = key else { continue };
        storage.write(&name, key.as_bytes()).await?;
        keys.found.insert(*hash, key);
    }
    Ok(keys)
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
