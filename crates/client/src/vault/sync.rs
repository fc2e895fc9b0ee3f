//! Following the log: every entry is replayed by `ledger::apply`, and only
//! then are the records it names fetched and opened.

use std::collections::{BTreeMap, BTreeSet};

use sv_api::endpoint::{GetBodies, GetEntries};
use sv_api::vault::BodiesRequest;
use sv_api::wire::Empty;
use sv_ledger::bootstrap::{MembershipChain, replay};
use sv_ledger::enc::Statement;
use sv_ledger::entry::{Entry, Via};
use sv_ledger::id::{Hash, NodeId, VaultId};
use sv_ledger::limits::PAGE;
use sv_ledger::state::{Head, Leaf, Membership, VaultState};

use super::cache::Frame;
use super::others::{self, lacks};
use super::replica::{Node, Replica};
use super::seen::Seen;
use super::{Vault, withheld};
use crate::account::Session;
use crate::call::Repeat;
use crate::error::{Result, Tamper};
use crate::port::Platform;

/// How often to look again when records vanish because newer ones came.
const ATTEMPTS: u32 = 8;

/// Entries that were replayed but whose records are not here yet.
struct Ahead {
    state: VaultState,
    /// Touched nodes, with their leaf or that they are gone.
    leaves: BTreeMap<NodeId, Option<Leaf>>,
    chain: Vec<Entry>,
    /// What was known before the server was asked: of this vault's membership …
    seen: Seen,
    /// … and of that of vaults that are members.
    below: BTreeMap<VaultId, u64>,
}

impl<P: Platform> Vault<'_, P> {
    /// Follows the log to its head. Gives the hashes of the entries that were
    /// new here.
    ///
    /// # Errors
    /// Any [`Tamper`], [`crate::ClientError::NoAccess`] for a vault that others
    /// took away, or those of a call. Nothing has changed then.
    pub async fn sync(&mut self) -> Result<BTreeSet<Hash>> {
        let done = self.follow_log().await;
        done.map_err(|error| self.perhaps_taken_away(error))
    }

    async fn follow_log(&mut self) -> Result<BTreeSet<Hash>> {
        let mut seen = BTreeSet::new();
        let mut ahead = Ahead {
            state: self.replica.state.clone(),
            leaves: BTreeMap::new(),
            chain: Vec::new(),
            seen: self.seen(self.id()).await?,
            below: self.seen_below().await?,
        };
        for _ in 0..ATTEMPTS {
            self.replay_to_head(&mut ahead, &mut seen).await?;
            if ahead.state.head == self.replica.state.head {
                let head = ahead.state.head;
                self.pin.raise(self.session, head, &ahead.below).await?;
                self.refresh_others().await?;
                self.look_for_key().await?;
                return Ok(seen);
            }
            let wanted: Vec<(NodeId, Leaf)> = ahead
                .leaves
                .iter()
                .filter_map(|(id, leaf)| leaf.map(|leaf| (*id, leaf)))
                .collect();
            if let Some(records) = self.fetch_records(&wanted).await? {
                self.adopt(ahead, wanted, records).await?;
                self.refresh_others().await?;
                self.look_for_key().await?;
                return Ok(seen);
            }
        }
        Err(Tamper::Missing("records").into())
    }

    async fn replay_to_head(&mut self, ahead: &mut Ahead, seen: &mut BTreeSet<Hash>) -> Result<()> {
        loop {
            let from = ahead.state.head.seq;
            let request = GetEntries {
                vault: self.id(),
                from,
            };
            let server = self.session.server();
            let page = server
                .call(&request, Empty {}, Repeat::Safe)
                .await
                .map_err(withheld)?;
            let (known, fresh) = page.entries.split_first().ok_or(Tamper::Rollback {
                shown: from.saturating_sub(1),
                seen: from,
            })?;
            if known.body().seq != from || known.hash() != ahead.state.head.hash {
                return Err(Tamper::Fork(from).into());
            }
            if fresh
                .iter()
                .any(|entry| lacks(self.others.principals(), entry))
            {
                let named = fresh.iter().flat_map(Entry::named_heads).collect();
                self.load_others(&ahead.state.membership, named).await?;
            }
            for entry in fresh {
                self.pin.check_named(entry)?;
                let leaf = |node: &NodeId| match ahead.leaves.get(node) {
                    Some(leaf) => *leaf,
                    None => self.replica.leaf(node),
                };
                let principals = self.others.principals();
                let step = replay(&ahead.state, leaf, principals, entry)?;
                self.check_against_pin(step.state.head)?;
                ahead.state = step.state;
                ahead.leaves.extend(step.leaves);
                if entry.is_membership() {
                    ahead.chain.push(entry.clone());
                }
                seen.insert(entry.hash());
            }
            if fresh.is_empty() || !page.more {
                let chain = self.replica.chain.iter().chain(&ahead.chain);
                ahead.seen.require_in(chain)?;
                return self.check_reached_pin(ahead.state.head);
            }
        }
    }

    /// Looks at the vaults that are members, as they are now.
    pub(super) async fn refresh_others(&mut self) -> Result<()> {
        let membership = self.replica.state.membership.clone();
        self.look_at_members(&membership).await
    }

    async fn look_at_members(&mut self, membership: &Membership) -> Result<()> {
        if membership.vault_members().next().is_none() {
            return Ok(());
        }
        self.load_others(membership, Vec::new()).await
    }

    /// Verifies the chains of the vaults that are members, and of those at
    /// `named`.
    async fn load_others(&mut self, membership: &Membership, mut named: Vec<Via>) -> Result<()> {
        let members = membership.vault_members();
        named.extend(members.map(|(id, member)| Via {
            vault_id: *id,
            head: member.keys.head,
        }));
        let is_kept = self.pin.is_kept();
        self.others = others::verify(self.session, self.id(), Vec::new(), named, is_kept).await?;
        let below = self.others.iter().map(MembershipChain::vault_id);
        self.pin.follow(self.session, below).await
    }

    /// How far the vaults that are members, directly or through others, are
    /// known on this device.
    async fn seen_below(&self) -> Result<BTreeMap<VaultId, u64>> {
        let members = self.replica.state.membership.vault_members();
        let mut below: BTreeSet<VaultId> = members.map(|(id, _)| *id).collect();
        below.extend(self.pin.below());
        let mut counts = BTreeMap::new();
        for id in below {
            counts.insert(id, self.seen(id).await?.count());
        }
        Ok(counts)
    }

    /// What was seen of a vault, unless this one is only looked at.
    async fn seen(&self, vault_id: VaultId) -> Result<Seen> {
        match self.pin.is_kept() {
            true => Seen::load(self.session, vault_id).await,
            false => Ok(Seen::NOTHING),
        }
    }

    fn check_against_pin(&self, head: Head) -> Result<()> {
        let differs = |pin: &Head| pin.seq == head.seq && pin.hash != head.hash;
        match self.pin.witnesses().find(differs) {
            Some(pin) => Err(Tamper::Fork(pin.seq).into()),
            None => Ok(()),
        }
    }

    fn check_reached_pin(&self, head: Head) -> Result<()> {
        match self.pin.witnesses().map(|pin| pin.seq).max() {
            Some(seen) if head.seq < seen => Err(Tamper::Rollback {
                shown: head.seq,
                seen,
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// Checks a state that did not grow out of this device's own. Heads above
    /// it are checked when the log is followed to them.
    pub(super) async fn hold_to_pin(&mut self) -> Result<()> {
        let head = self.replica.state.head;
        let seen: Vec<Head> = self.pin.witnesses().collect();
        for pin in seen.into_iter().filter(|pin| pin.seq <= head.seq) {
            self.confirm(pin).await?;
        }
        Ok(())
    }

    async fn fetch_records(&self, wanted: &[(NodeId, Leaf)]) -> Result<Option<Vec<Vec<u8>>>> {
        let hashes: Vec<Hash> = wanted.iter().map(|(_, leaf)| leaf.record_hash).collect();
        let bodies = fetch_bodies(self.session, self.id(), hashes).await?;
        Ok((bodies.len() == wanted.len()).then_some(bodies))
    }

    /// Makes what was replayed and fetched the replica's own, in memory, then
    /// in the cache, then in the pin; in memory as a whole or not at all.
    async fn adopt(
        &mut self,
        ahead: Ahead,
        wanted: Vec<(NodeId, Leaf)>,
        records: Vec<Vec<u8>>,
    ) -> Result<()> {
        let session = self.session;
        let new_epoch = ahead.chain.iter().any(|entry| entry.epoch_op().is_some());
        let touched: Vec<NodeId> = ahead.leaves.keys().copied().collect();
        if new_epoch {
            // The key may come through a group now, and this device may not have
            // looked at groups yet.
            self.look_at_members(&ahead.state.membership).await?;
            let entries = [self.replica.chain.as_slice(), &ahead.chain].concat();
            let chain = MembershipChain::resume(&self.replica.genesis, entries)?;
            let older = std::mem::take(&mut self.replica.keyring);
            let opened = others::open_keys(session, &chain, &self.others).await;
            let opened = opened.and_then(|keyring| match keyring.is_empty() && older.is_empty() {
                true => Err(Tamper::VaultKey.into()),
                false => Ok(keyring),
            });
            let keyring = match opened {
                Err(error) => {
                    self.replica.keyring = older;
                    Err(error)
                }
                // Whoever made the new key may have given it to nobody, or to
                // nobody here. What is older stays readable.
                Ok(keyring) => Ok(keyring.with(older)),
            };
            // It holds the keys before it too, so it does no harm if what
            // follows fails.
            self.replica.keep_keys(session, &chain, keyring?)?;
        }
        let nodes: Vec<(NodeId, Node)> = wanted
            .into_iter()
            .zip(records)
            .map(|((id, leaf), record)| Ok((id, self.replica.read(id, leaf, record)?)))
            .collect::<Result<_>>()?;
        self.replica.state = ahead.state;
        self.replica.chain.extend(ahead.chain.iter().cloned());
        for (id, node) in nodes {
            self.replica.insert(id, node);
        }
        for (node, leaf) in &ahead.leaves {
            if leaf.is_none() {
                self.replica.forget(node);
            }
        }
        let kept_key = self.replica.kept_key.clone().filter(|_| new_epoch);
        let below = ahead.below;
        self.persist(kept_key, ahead.chain, touched, &below).await
    }

    /// Looks whether there is a way to the newest key by now for whoever was
    /// left out of it: somebody may have given them access, or taken them into
    /// a group that has it.
    async fn look_for_key(&mut self) -> Result<()> {
        let epoch = self.replica.state.membership.epoch;
        if !self.replica.keyring.is_left_out(epoch) {
            return Ok(());
        }
        let (session, chain) = (self.session, self.replica.membership_chain()?);
        let opened = others::open_keys(session, &chain, &self.others).await?;
        if opened.lacks(epoch) {
            return Ok(());
        }
        let older = std::mem::take(&mut self.replica.keyring);
        self.replica
            .keep_keys(session, &chain, opened.with(older))?;
        let kept = self.replica.kept_key.clone();
        self.persist(kept, Vec::new(), Vec::new(), &BTreeMap::new())
            .await
    }

    /// Writes what changed to the cache, and then the pins. `below` is what
    /// was known of other vaults before the server showed this.
    pub(super) async fn persist(
        &mut self,
        kept_key: Option<Vec<u8>>,
        chain: Vec<Entry>,
        touched: Vec<NodeId>,
        below: &BTreeMap<VaultId, u64>,
    ) -> Result<()> {
        let has_members = !chain.is_empty();
        if self.cache.is_wasteful() {
            let frame = self.replica.to_frame();
            self.cache.rewrite(self.session, &frame).await?;
        } else {
            let frame = Frame {
                genesis: None,
                kept_key,
                chain,
                state: self.replica.state.clone(),
                nodes: self.replica.changes(touched),
            };
            self.cache.append(self.session, &frame).await?;
        }
        let state = &self.replica.state;
        self.pin.raise(self.session, state.head, below).await?;
        if has_members && self.pin.is_kept() && state.membership.kind.is_shareable() {
            Seen::raise(self.session, self.id(), state.membership.head).await?;
        }
        Ok(())
    }
}

/// Fetches bodies by hash, in order. Fewer come back than were asked for if
/// the server has one of them no longer.
pub(super) async fn fetch_bodies<P: Platform>(
    session: &Session<P>,
    vault: VaultId,
    hashes: Vec<Hash>,
) -> Result<Vec<Vec<u8>>> {
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let server = session.server();
    while let Some(rest) = hashes.get(bodies.len()..).filter(|rest| !rest.is_empty()) {
        let asked: Vec<Hash> = rest.iter().take(PAGE).copied().collect();
        let request = BodiesRequest {
            hashes: asked.clone(),
        };
        let page = server
            .call(&GetBodies { vault }, request, Repeat::Safe)
            .await
            .map_err(withheld)?;
        if page.bodies.is_empty() {
            break;
        }
        if page.bodies.len() > asked.len() {
            return Err(Tamper::Missing("records; others came beside them").into());
        }
        for (hash, body) in asked.iter().zip(page.bodies) {
            if Statement::Body.hash(&body) != *hash {
                return Err(Tamper::Missing("records; others came in their place").into());
            }
            bodies.push(body);
        }
    }
    Ok(bodies)
}

/// Fetches and opens the records of `leaves`; whether all of them were there.
pub(super) async fn admit_records<P: Platform>(
    session: &Session<P>,
    replica: &mut Replica,
    leaves: &[(NodeId, Leaf)],
) -> Result<bool> {
    for batch in leaves.chunks(PAGE) {
        let hashes = batch.iter().map(|(_, leaf)| leaf.record_hash).collect();
        let bodies = fetch_bodies(session, replica.state().vault_id(), hashes).await?;
        if bodies.len() != batch.len() {
            return Ok(false);
        }
        for ((node, leaf), body) in batch.iter().zip(bodies) {
            replica.admit(*node, *leaf, body)?;
        }
    }
    Ok(true)
}

/// Whether the log has grown beyond the replica.
pub(super) async fn head_has_moved<P: Platform>(
    session: &Session<P>,
    replica: &Replica,
) -> Result<bool> {
    let head = replica.state().head;
    let request = GetEntries {
        vault: replica.state().vault_id(),
        from: head.seq,
    };
    let page = session
        .server()
        .call(&request, Empty {}, Repeat::Safe)
        .await
        .map_err(withheld)?;
    Ok(page.entries.len() > 1)
}
