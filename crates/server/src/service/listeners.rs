//! Who listens for changes at this server, and what each has yet to be told.
//! A vault's heads only grow, so what a slow listener missed is made up for
//! by the newest head, and a head that is told twice is told once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sv_ledger::id::VaultId;
use sv_ledger::state::Head;
use tokio::sync::Notify;

/// A session's token, hashed.
type TokenHash = [u8; 32];

/// Everybody who listens at this server. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listeners(Arc<Mutex<Registry>>);

#[derive(Debug, Default)]
struct Registry {
    /// By uid and a number of their own.
    listeners: BTreeMap<(VaultId, u64), Listener>,
    last: u64,
    /// Counts the looks at the database.
    looks: u64,
    /// Whether somebody looks at the database for them.
    is_watched: bool,
}

#[derive(Debug)]
struct Listener {
    session: TokenHash,
    heads: BTreeMap<VaultId, Known>,
    /// Vaults that it may no longer see, to be told.
    lost: BTreeSet<VaultId>,
    has_ended: bool,
    wake: Arc<Notify>,
}

/// What a listener knows of a vault.
#[derive(Debug)]
struct Known {
    newest: Head,
    is_told: bool,
    /// How many looks there had been when it was heard of: an older look
    /// could not know of it.
    since: u64,
}

/// Something that a listener is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Where a vault's head is.
    Head(VaultId, Head),
    /// A vault that may no longer be read.
    Lost(VaultId),
}

/// One who listens; no longer once it is dropped.
#[derive(Debug)]
pub struct Listening {
    key: (VaultId, u64),
    wake: Arc<Notify>,
    listeners: Listeners,
}

impl Listeners {
    /// A new listener.
    pub(super) fn add(&self, uid: VaultId, session: TokenHash) -> Listening {
        let mut registry = self.lock();
        registry.last += 1;
        let key = (uid, registry.last);
        let wake = Arc::new(Notify::new());
        let listener = Listener {
            session,
            heads: BTreeMap::new(),
            lost: BTreeSet::new(),
            has_ended: false,
            wake: wake.clone(),
        };
        registry.listeners.insert(key, listener);
        Listening {
            key,
            wake,
            listeners: self.clone(),
        }
    }

    /// Tells every listener of a user where a vault's head is.
    pub(crate) fn tell(&self, uid: VaultId, vault_id: VaultId, head: Head) {
        let mut registry = self.lock();
        let looks = registry.looks;
        let of_user = registry.listeners.range_mut((uid, 0)..=(uid, u64::MAX));
        of_user.for_each(|(_, listener)| listener.tell(vault_id, head, looks));
    }

    /// Whether anybody listens.
    pub(crate) fn has_any(&self) -> bool {
        !self.lock().listeners.is_empty()
    }

    /// Begins a look at what everybody may see; gives its number.
    pub(super) fn begin_look(&self) -> u64 {
        let mut registry = self.lock();
        registry.looks += 1;
        registry.looks
    }

    /// Tells every listener of a user which vaults it may no longer see: those
    /// that a look did not find.
    pub(super) fn forget_others(&self, uid: VaultId, seen: &BTreeSet<VaultId>, look: u64) {
        let mut registry = self.lock();
        let of_user = registry.listeners.range_mut((uid, 0)..=(uid, u64::MAX));
        of_user.for_each(|(_, listener)| listener.forget_others(seen, look));
    }

    /// Ends the listeners whose session is not among those alive.
    pub(super) fn keep(&self, asked: &[TokenHash], alive: &[TokenHash]) {
        let mut registry = self.lock();
        for listener in registry.listeners.values_mut() {
            let session = &listener.session;
            if asked.contains(session) && !alive.contains(session) {
                listener.has_ended = true;
                listener.wake.notify_one();
            }
        }
    }

    /// Who listens, and by which sessions; each once.
    pub(super) fn present(&self) -> (Vec<VaultId>, Vec<TokenHash>) {
        let registry = self.lock();
        let mut users: Vec<_> = registry.listeners.keys().map(|(uid, _)| *uid).collect();
        users.dedup();
        let sessions = registry.listeners.values().map(|l| l.session);
        let mut sessions: Vec<_> = sessions.collect();
        sessions.sort_unstable();
        sessions.dedup();
        (users, sessions)
    }

    /// Whether the caller is to watch from now on: nobody does yet.
    pub(super) fn begin_watch(&self) -> bool {
        !std::mem::replace(&mut self.lock().is_watched, true)
    }

    /// Whether there is nobody to watch for any more; then the watch is over.
    pub(super) fn end_watch(&self) -> bool {
        let mut registry = self.lock();
        if registry.listeners.is_empty() {
            registry.is_watched = false;
        }
        !registry.is_watched
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    fn tell(&mut self, vault_id: VaultId, head: Head, looks: u64) {
        let known = self.heads.get(&vault_id);
        if known.is_none_or(|known| known.newest.seq < head.seq) {
            let known = Known {
                newest: head,
                is_told: false,
                since: known.map_or(looks, |known| known.since),
            };
            self.heads.insert(vault_id, known);
            self.lost.remove(&vault_id);
            self.wake.notify_one();
        }
    }

    fn forget_others(&mut self, seen: &BTreeSet<VaultId>, look: u64) {
        let is_lost = |(id, known): &(&VaultId, &Known)| !seen.contains(id) && known.since < look;
        let lost: Vec<_> = self
            .heads
            .iter()
            .filter(is_lost)
            .map(|(id, _)| *id)
            .collect();
        for vault_id in lost {
            self.heads.remove(&vault_id);
            self.lost.insert(vault_id);
            self.wake.notify_one();
        }
    }

    fn take_due(&mut self) -> Vec<News> {
        let lost = std::mem::take(&mut self.lost).into_iter().map(News::Lost);
        let due = self.heads.iter_mut().filter(|(_, known)| !known.is_told);
        let heads = due.map(|(vault_id, known)| {
            known.is_told = true;
            News::Head(*vault_id, known.newest)
        });
        lost.chain(heads).collect()
    }
}

impl Listening {
    /// What is new, at least one thing; `None` once the session has ended.
    pub async fn next(&mut self) -> Option<Vec<News>> {
        loop {
            if let Some(listener) = self.listeners.lock().listeners.get_mut(&self.key) {
                if listener.has_ended {
                    return None;
                }
                let due = listener.take_due();
                if !due.is_empty() {
                    return Some(due);
                }
            }
            self.wake.notified().await;
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.listeners.lock().listeners.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use sv_ledger::id::Hash;

    use super::*;

    const ALICE: VaultId = VaultId::new([1; 32]);
    const BOB: VaultId = VaultId::new([2; 32]);
    const VAULT: VaultId = VaultId::new([9; 32]);

    fn head(seq: u64) -> Head {
        let hash = Hash::new([seq as u8; 32]);
        Head { seq, hash }
    }

    fn heard(listening: &mut Listening) -> Option<Option<Vec<News>>> {
        listening.next().now_or_never()
    }

    #[test]
    fn only_the_newest_head_is_told_and_only_once() {
        let listeners = Listeners::default();
        let mut alice = listeners.add(ALICE, [1; 32]);
        let mut bob = listeners.add(BOB, [2; 32]);
        for seq in [3, 5, 4, 5] {
            listeners.tell(ALICE, VAULT, head(seq));
        }
        assert_eq!(
            heard(&mut alice),
            Some(Some(vec![News::Head(VAULT, head(5))]))
        );
        listeners.tell(ALICE, VAULT, head(5));
        assert_eq!(heard(&mut alice), None);
        assert_eq!(heard(&mut bob), None);
    }

    #[test]
    fn what_a_look_does_not_find_is_lost_unless_it_came_since() {
        let listeners = Listeners::default();
        let mut alice = listeners.add(ALICE, [1; 32]);
        listeners.tell(ALICE, VAULT, head(1));
        assert_eq!(
            heard(&mut alice),
            Some(Some(vec![News::Head(VAULT, head(1))]))
        );
        let look = listeners.begin_look();
        let other = VaultId::new([8; 32]);
        listeners.tell(ALICE, other, head(1));
        listeners.forget_others(ALICE, &BTreeSet::new(), look);
        let news = vec![News::Lost(VAULT), News::Head(other, head(1))];
        assert_eq!(heard(&mut alice), Some(Some(news)));
        // It is told anew to whoever may see it again.
        listeners.tell(ALICE, VAULT, head(1));
        assert_eq!(
            heard(&mut alice),
            Some(Some(vec![News::Head(VAULT, head(1))]))
        );
    }

    #[test]
    fn a_listener_ends_with_its_session() {
        let listeners = Listeners::default();
        let mut first = listeners.add(ALICE, [1; 32]);
        let (users, asked) = listeners.present();
        assert_eq!((users, asked.clone()), (vec![ALICE], vec![[1; 32]]));
        // It came after the question, so the answer says nothing of it.
        let mut second = listeners.add(ALICE, [2; 32]);
        listeners.keep(&asked, &[]);
        assert_eq!(heard(&mut first), Some(None));
        assert_eq!(heard(&mut second), None);
    }

    #[test]
    fn one_watches_while_somebody_listens() {
        let listeners = Listeners::default();
        let listening = listeners.add(ALICE, [1; 32]);
        assert!(listeners.begin_watch());
        assert!(!listeners.begin_watch());
        assert!(!listeners.end_watch());
        drop(listening);
        assert!(listeners.end_watch());
        assert!(listeners.begin_watch());
    }
}
