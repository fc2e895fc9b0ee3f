//! Changes, told to whoever listens. What this server does is told at once.
//! What other servers on the same database do is found by looking: while
//! anybody listens, one statement a second asks for the heads of all they may
//! see, and another which of their sessions are alive.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sv_ledger::id::VaultId;

use super::Result;
use super::account::session::{Full, Session};
use super::listeners::{Listeners, Listening};
use super::vault::reach::Reach;
use crate::clock::Clock;
use crate::db::{Database, Value};
use crate::secrets::random;
use crate::store::accounts::session;
use crate::store::vaults;

/// The longest pause between two looks: what happens at another server is
/// told within two seconds.
const PAUSE: Duration = Duration::from_secs(1);
/// By how many 256ths of it a pause may be shorter, so that servers that were
/// started together do not all look together.
const JITTER: u32 = 64;

/// Changes of vaults, and the ends of sessions.
#[derive(Debug, Clone)]
pub struct Events {
    db: Database,
    clock: Clock,
    listeners: Listeners,
}

impl Events {
    pub(crate) const fn new(db: Database, clock: Clock, listeners: Listeners) -> Self {
        Self {
            db,
            clock,
            listeners,
        }
    }

    /// Listens for the heads of every vault that a session may see: all of
    /// them at first, then each as it moves.
    ///
    /// # Errors
    /// [`super::Error::Database`].
    pub async fn listen(&self, session: &Session<Full>) -> Result<Listening> {
        // Before the first look, so that nothing is missed in between.
        let listening = self.listeners.add(session.uid(), session.token_hash());
        self.tell_heads(&[session.uid()]).await?;
        if self.listeners.begin_watch() {
            tokio::spawn(self.clone().watch());
        }
        Ok(listening)
    }

    /// Looks again and again, until nobody listens.
    async fn watch(self) {
        let mut is_failing = false;
        while !self.listeners.end_watch() {
            let [jitter] = random::<1>();
            tokio::time::sleep(PAUSE - PAUSE * (u32::from(jitter) % JITTER) / 256).await;
            let looked = self.look().await;
            if let (Err(error), false) = (&looked, is_failing) {
                tracing::warn!(%error, "changes by other servers cannot be seen; looking again");
            }
            is_failing = looked.is_err();
        }
    }

    async fn look(&self) -> Result<()> {
        let (users, sessions) = self.listeners.present();
        let look = self.listeners.begin_look();
        let mut snapshot = self.db.read().await?;
        let values = |hashes: &[[u8; 32]]| hashes.iter().map(|hash| Value::from(*hash)).collect();
        let now_ms = self.clock.now_ms();
        let alive = session::alive_among(&mut snapshot, values(&sessions), now_ms).await?;
        self.listeners.keep(&sessions, &alive);
        drop(snapshot);
        let seen = self.tell_heads(&users).await?;
        for (uid, vaults) in seen {
            self.listeners.forget_others(uid, &vaults, look);
        }
        Ok(())
    }

    /// Tells some people the heads of everything they may see, also through
    /// groups; gives what that is.
    async fn tell_heads(&self, users: &[VaultId]) -> Result<BTreeMap<VaultId, BTreeSet<VaultId>>> {
        let now_ms = self.clock.now_ms();
        let mut snapshot = self.db.read().await?;
        let reach = Reach::of(&mut snapshot, users, now_ms).await?;
        let heads = vaults::heads_of_all(&mut snapshot, reach.principals(), now_ms).await?;
        drop(snapshot);
        let mut seen: BTreeMap<_, BTreeSet<_>> =
            users.iter().map(|uid| (*uid, BTreeSet::new())).collect();
        for (principal, vault_id, head) in heads {
            for (uid, _) in reach.people(principal) {
                self.listeners.tell(uid, vault_id, head);
                seen.entry(uid).or_default().insert(vault_id);
            }
        }
        Ok(seen)
    }
}
