//! Changes, told to whoever listens. What this server does is told at once.
//! What other servers on the same database do is found by looking: while
//! anybody listens, one statement a second asks for the heads of all they may
//! see, and another which of their sessions are alive.

use std::time::Duration;

use super::Result;
use super::account::session::{Full, Session};
use super::listeners::{Listeners, Listening};
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
        let mut snapshot = self.db.read().await?;
        for (vault_id, head) in vaults::heads_of(&mut snapshot, session.uid()).await? {
            self.listeners.tell(session.uid(), vault_id, head);
        }
        drop(snapshot);
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
                tracing::warn!(%error, "changes by other servers cannot be seen for now");
            }
            is_failing = looked.is_err();
        }
    }

    async fn look(&self) -> Result<()> {
        let (users, sessions) = self.listeners.present();
        let mut snapshot = self.db.read().await?;
        let values = |hashes: &[[u8; 32]]| hashes.iter().map(|hash| Value::from(*hash)).collect();
        let now_ms = self.clock.now_ms();
        let alive = session::alive_among(&mut snapshot, values(&sessions), now_ms).await?;
        self.listeners.keep(&sessions, &alive);
        let users = users.into_iter().map(Value::from).collect();
        for (uid, vault_id, head) in vaults::heads_of_all(&mut snapshot, users).await? {
            self.listeners.tell(uid, vault_id, head);
        }
        Ok(())
    }
}
