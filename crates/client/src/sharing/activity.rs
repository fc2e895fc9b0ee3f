//! What was done in a vault, by whom and when, from entries that were all
//! verified. Times are those that the authors state.

use sv_api::endpoint::GetEntries;
use sv_api::wire::Empty;
use sv_ledger::entry::{Entry, StateOp};
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::state::Role;

use crate::call::Repeat;
use crate::error::{Result, Tamper};
use crate::people::Person;
use crate::port::Platform;
use crate::vault::Vault;

/// One entry of a vault's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its number.
    pub seq: u64,
    /// Who signed it.
    pub author: VaultId,
    /// The group or share through which they did.
    pub via: Option<VaultId>,
    /// When, as its author states, Unix milliseconds.
    pub at_ms: u64,
    /// What it did.
    pub deeds: Vec<Deed>,
    entry: Entry,
}

impl Activity {
    /// Whether the keys that it is signed with are that person's: a manager
    /// can let in somebody else under their name.
    pub fn is_signed_by(&self, person: &Person) -> bool {
        let body = self.entry.body();
        let key = person.sign_key(body.author_generation);
        body.author == person.identity.uid && key.is_some_and(|key| self.entry.is_signed_by(key))
    }
}

/// One thing that an entry did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Made a node.
    Added(NodeId),
    /// Changed a node.
    Changed(NodeId),
    /// Removed a node for good.
    Removed(NodeId),
    /// Gave access.
    Granted(VaultId, Role),
    /// Gave another role or expiry.
    RoleChanged(VaultId, Role),
    /// Took access away.
    Revoked(VaultId),
    /// Ended access whose time was up.
    Expired(VaultId),
    /// Brought a member's new keys.
    Rekeyed(VaultId),
    /// Gave up their own access.
    Left,
    /// Made somebody the owner.
    Transferred(VaultId),
    /// Made a new key.
    NewKey,
}

impl<P: Platform> Vault<'_, P> {
    /// The newest `count` entries, newest first. They are those of the log
    /// that was verified to this head: each is named by the hash in the next.
    ///
    /// # Errors
    /// Any [`Tamper`], or those of a call.
    pub async fn activity(&self, count: u64) -> Result<Vec<Activity>> {
        let head = self.replica().state().head;
        let mut from = head.seq.saturating_sub(count.saturating_sub(1)).max(1);
        let mut entries: Vec<Entry> = Vec::new();
        while from <= head.seq {
            let request = GetEntries {
                vault: self.id(),
                from,
            };
            let server = self.session().server();
            let page = server.call(&request, Empty {}, Repeat::Safe).await?;
            let known = head.seq.saturating_sub(from) + 1;
            let page: Vec<Entry> = page
                .entries
                .into_iter()
                .take(usize::try_from(known).unwrap_or(usize::MAX))
                .collect();
            if page.is_empty() {
                return Err(Tamper::Missing("entries of the log").into());
            }
            from += page.len() as u64;
            entries.extend(page);
        }
        let mut named = head.hash;
        let mut found = Vec::new();
        for entry in entries.iter().rev() {
            if entry.hash() != named {
                return Err(Tamper::Fork(entry.body().seq).into());
            }
            named = entry.body().prev_hash;
            found.push(activity(entry));
        }
        Ok(found)
    }
}

fn activity(entry: &Entry) -> Activity {
    let body = entry.body();
    let state = entry.state_ops().iter().map(|op| match op {
        StateOp::Put(put) if put.rev == 1 => Deed::Added(put.node_id),
        StateOp::Put(put) => Deed::Changed(put.node_id),
        StateOp::Delete(id) => Deed::Removed(*id),
    });
    let membership = entry.membership_ops().iter().filter_map(|op| {
        Some(match op {
            MembershipOp::Grant(op) => Deed::Granted(op.principal, op.role),
            MembershipOp::Role(op) => Deed::RoleChanged(op.principal, op.role),
            MembershipOp::Revoke(id) => Deed::Revoked(*id),
            MembershipOp::Expire(id) => Deed::Expired(*id),
            MembershipOp::Rekey(op) => Deed::Rekeyed(op.principal),
            MembershipOp::Leave => Deed::Left,
            MembershipOp::Transfer(id) => Deed::Transferred(*id),
            MembershipOp::Epoch(_) => Deed::NewKey,
            MembershipOp::Handle(_) => return None,
        })
    });
    Activity {
        seq: body.seq,
        author: body.author,
        via: body.via.first().map(|via| via.vault_id),
        at_ms: body.timestamp_ms,
        deeds: state.chain(membership).collect(),
        entry: entry.clone(),
    }
}
