//! What was done in a vault, by whom and when: entries of its log, all of them
//! verified, whose times are those that the authors state; and downloads, of
//! which there is only the server's word.

use std::collections::{BTreeMap, btree_map};

use sv_api::endpoint::{GetEntries, ListAccesses};
use sv_api::share::ContentAccess;
use sv_api::wire::Empty;
use sv_ledger::apply::Reject;
use sv_ledger::bootstrap::MembershipChain;
use sv_ledger::entry::{Entry, StateOp};
use sv_ledger::id::{AccessId, ContentId, NodeId, VaultId};
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::state::Role;

use crate::call::Repeat;
use crate::error::{ClientError, Result, Tamper};
use crate::people::Person;
use crate::port::Platform;
use crate::vault::{Replica, Vault};

/// What happened in a vault, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// One after the other. Entries stand in the order of the log, whatever
    /// time they state; downloads between them by time.
    pub events: Vec<Event>,
    /// Whether an honest server tells this account of everybody's downloads,
    /// and not only of its own.
    pub has_all_downloads: bool,
}

/// One thing that happened, marked for what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An entry of the log: signed by its author, and verified here.
    Verified(Activity),
    /// A download. Nothing proves it, and there may have been others.
    ServerSays(Download),
}

impl Event {
    /// When, Unix milliseconds: as its author states, or as the server says.
    pub const fn at_ms(&self) -> u64 {
        match self {
            Self::Verified(activity) => activity.at_ms,
            Self::ServerSays(download) => download.last_ms,
        }
    }
}

/// A content that was fetched, as the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Who is said to have fetched it.
    pub who: VaultId,
    /// Whether the verified log, or that of a group in it, has or had them as
    /// a member. Of anybody else the server could name whom it likes.
    pub was_member: bool,
    /// What was fetched.
    pub content_id: ContentId,
    /// The file it is a version of, if it is still there.
    pub node: Option<NodeId>,
    /// Whether it is that file's newest version.
    pub is_current: bool,
    /// When the first block was asked for, Unix milliseconds.
    pub first_ms: u64,
    /// When the last was.
    pub last_ms: u64,
    /// How many blocks; one that was asked for twice counts twice.
    pub blocks: u64,
}

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
    entry: Box<Entry>,
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
    /// The newest `count` things that happened: entries of the log and, in a
    /// vault that is shared, what the server says of downloads.
    ///
    /// # Errors
    /// Any [`Tamper`], [`ClientError::Misbehaved`], or those of a call.
    pub async fn timeline(&self, count: u64) -> Result<Timeline> {
        let activity = self.activity(count).await?;
        let is_shared = self.replica().state().membership.kind.is_shareable();
        let downloads = match is_shared {
            true => self.downloads(count).await?,
            false => Vec::new(),
        };
        let has_role = self.access().is_some_and(|path| path.role >= Role::Manager);
        Ok(Timeline {
            events: merge(activity, downloads, count),
            has_all_downloads: is_shared && has_role,
        })
    }

    /// The newest `count` downloads that the server tells of, newest first.
    async fn downloads(&self, count: u64) -> Result<Vec<Download>> {
        let files = contents(self.replica());
        let mut before = AccessId::new([0xff; AccessId::LEN]);
        let mut found: Vec<Download> = Vec::new();
        while (found.len() as u64) < count {
            let request = ListAccesses {
                vault: self.id(),
                before,
            };
            let server = self.session().server();
            let page = server.call(&request, Empty {}, Repeat::Safe).await?;
            for access in &page.accesses {
                if access.access_id >= before {
                    let what = "downloads in another order".to_owned();
                    return Err(ClientError::Misbehaved(what));
                }
                before = access.access_id;
                found.push(self.download(access, &files));
            }
            if !page.more || page.accesses.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    fn download(
        &self,
        access: &ContentAccess,
        files: &BTreeMap<ContentId, (NodeId, bool)>,
    ) -> Download {
        let file = files.get(&access.content_id);
        Download {
            who: access.uid,
            was_member: self.had_member(&access.uid),
            content_id: access.content_id,
            node: file.map(|(node, _)| *node),
            is_current: file.is_some_and(|(_, is_current)| *is_current),
            first_ms: access.first_ms,
            last_ms: access.last_ms,
            blocks: access.blocks,
        }
    }

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
        let mut chains = BTreeMap::new();
        for entry in entries.iter().rev() {
            if entry.hash() != named {
                return Err(Tamper::Fork(entry.body().seq).into());
            }
            // The hash does not cover the signature, and whose it is is told.
            let via = entry.body().via.last().map(|via| via.vault_id);
            if let btree_map::Entry::Vacant(place) = chains.entry(via) {
                place.insert(self.chain_behind(via.as_ref())?);
            }
            let chain = chains.get(&via).and_then(Option::as_ref);
            if chain.is_some_and(|chain| !is_by_its_author(chain, entry)) {
                return Err(Tamper::Log(Reject::Signature).into());
            }
            named = entry.body().prev_hash;
            found.push(activity(entry));
        }
        Ok(found)
    }
}

/// The file of each content, and whether that is its newest.
fn contents(replica: &Replica) -> BTreeMap<ContentId, (NodeId, bool)> {
    let mut found = BTreeMap::new();
    for (id, node) in replica.nodes() {
        let versions = node.record().map_or(&[][..], |record| &record.versions);
        for (index, version) in versions.iter().enumerate() {
            let is_current = index + 1 == versions.len();
            let known: &mut (NodeId, bool) =
                found.entry(version.content_id).or_insert((*id, is_current));
            known.1 |= is_current;
        }
    }
    found
}

/// Both lists by time, each in its own order.
fn merge(activity: Vec<Activity>, downloads: Vec<Download>, count: u64) -> Vec<Event> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut activity = activity.into_iter().peekable();
    let mut downloads = downloads.into_iter().peekable();
    let next = || {
        let is_download = match (activity.peek(), downloads.peek()) {
            (Some(entry), Some(download)) => download.last_ms > entry.at_ms,
            (entry, _) => entry.is_none(),
        };
        match is_download {
            true => downloads.next().map(Event::ServerSays),
            false => activity.next().map(Event::Verified),
        }
    };
    std::iter::from_fn(next).take(count).collect()
}

/// Whether an entry is signed with a key that its author has had, by the log of
/// the vault in which they are a member.
fn is_by_its_author(chain: &MembershipChain, entry: &Entry) -> bool {
    let author = entry.body().author;
    let born = chain.after(0);
    let born = born.and_then(|begin| begin.members.get(&author).map(|m| m.keys.sign_pk));
    let ops = chain.entries().iter().flat_map(Entry::membership_ops);
    let named = ops.filter_map(|op| match op {
        MembershipOp::Grant(op) if op.principal == author => Some(op.keys.sign_pk),
        MembershipOp::Rekey(op) if op.principal == author => Some(op.keys.sign_pk),
        _ => None,
    });
    born.into_iter()
        .chain(named)
        .any(|key| entry.is_signed_by(&key))
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
        entry: Box::new(entry.clone()),
    }
}

#[cfg(test)]
mod tests {
    use sv_ledger::entry::{EntryBody, Ops};
    use sv_ledger::id::Hash;

    use super::*;

    fn entry(seq: u64, at_ms: u64) -> Activity {
        let body = EntryBody {
            vault_id: VaultId::ZERO,
            seq,
            prev_hash: Hash::ZERO,
            member_seq: 0,
            member_hash: Hash::ZERO,
            epoch: 1,
            author: VaultId::ZERO,
            author_generation: 1,
            via: Vec::new(),
            timestamp_ms: at_ms,
            ops: Ops::Membership(Vec::new()),
            state_digest: Hash::ZERO,
        };
        activity(&body.with_signature([0; 64]))
    }

    fn download(last_ms: u64) -> Download {
        Download {
            who: VaultId::ZERO,
            was_member: true,
            content_id: ContentId::new([1; 16]),
            node: None,
            is_current: false,
            first_ms: 0,
            last_ms,
            blocks: 1,
        }
    }

    fn order(activity: Vec<Activity>, downloads: Vec<Download>, count: u64) -> Vec<String> {
        let name = |event| match event {
            Event::Verified(entry) => format!("entry {}", entry.seq),
            Event::ServerSays(download) => format!("at {}", download.last_ms),
        };
        let merged = merge(activity, downloads, count).into_iter();
        merged.map(name).collect()
    }

    #[test]
    fn downloads_stand_between_entries_by_time() {
        let entries = vec![entry(3, 30), entry(2, 20), entry(1, 10)];
        let downloads = vec![download(40), download(20), download(15), download(5)];
        let all = order(entries.clone(), downloads.clone(), 99);
        let expected = [
            "at 40", "entry 3", "entry 2", "at 20", "at 15", "entry 1", "at 5",
        ];
        assert_eq!(all, expected);
        assert_eq!(order(entries, downloads.clone(), 2), ["at 40", "entry 3"]);
        assert_eq!(order(Vec::new(), downloads, 1), ["at 40"]);
    }

    #[test]
    fn entries_keep_the_order_of_the_log_whatever_they_state() {
        let entries = vec![entry(3, 10), entry(2, 99), entry(1, 20)];
        let all = order(entries, vec![download(50)], 99);
        assert_eq!(all, ["at 50", "entry 3", "entry 2", "entry 1"]);
    }
}
