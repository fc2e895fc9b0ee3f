//! Keys of contents that leave the device: each is sealed in the record that
//! an entry brings. If the vault has another key by the time that lands,
//! whoever had the one before may have seen it, and the content is to be put
//! anew (spec: `records.md` §7).
//!
//! What may land in another run of the program is noted in a journal before it
//! leaves: contents that are resumed, and those that are to be put anew.

use std::collections::{BTreeMap, BTreeSet};

use sv_core::local::Purpose;
use sv_ledger::codec::{ParseError, Reader, Writer};
use sv_ledger::entry::{Entry, StateOp};
use sv_ledger::id::{ContentId, VaultId};

use super::{Replica, Vault};
use crate::account::Session;
use crate::error::{Result, Tamper};
use crate::journal::Journal;
use crate::port::Platform;

/// Contents of one vault whose keys have left, or are about to.
pub(super) struct Leaving {
    journal: Journal,
    /// The journal as it stands.
    noted: Vec<u8>,
    /// Of what has not landed, the epoch in which it left first, and whether
    /// it may be resumed.
    pending: BTreeMap<ContentId, (u32, bool)>,
    /// Those that left before a newer key of the vault.
    exposed: BTreeSet<ContentId>,
}

impl Leaving {
    async fn load<P: Platform>(session: &Session<P>, vault_id: &VaultId) -> Result<Self> {
        let id = data_encoding::HEXLOWER.encode(vault_id.as_bytes());
        let name = format!("leaving/{id}");
        let (journal, frames) = Journal::load(session, name, Purpose::Resume).await?;
        let mut leaving = Self {
            journal,
            noted: Vec::new(),
            pending: BTreeMap::new(),
            exposed: BTreeSet::new(),
        };
        if let Some(frame) = frames.last() {
            leaving
                .read(frame)
                .map_err(|_| Tamper::LocalState("leaving"))?;
            leaving.noted = frame.to_vec();
        }
        Ok(leaving)
    }

    fn read(&mut self, frame: &[u8]) -> Result<(), ParseError> {
        let mut r = Reader::new(frame);
        for _ in 0..r.u32()? {
            self.exposed.insert(r.content_id()?);
        }
        while !r.rest().is_empty() {
            self.pending.insert(r.content_id()?, (r.u32()?, true));
        }
        Ok(())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u32(self.exposed.len() as u32);
        for id in &self.exposed {
            w.raw(id.as_bytes());
        }
        let resumed = self
            .pending
            .iter()
            .filter(|(_, (_, is_resumed))| *is_resumed);
        for (id, (epoch, _)) in resumed {
            w.raw(id.as_bytes()).u32(*epoch);
        }
        w.into_bytes()
    }

    /// Notes what leaves with an entry that is about to be sent.
    fn leave(&mut self, entry: &Entry, replica: &Replica) {
        let epoch = entry.body().epoch;
        let mut again = BTreeSet::new();
        for added in added(entry) {
            let is_resumed = added.block_count > 1;
            let first = self.pending.entry(added.content_id);
            if first.or_insert((epoch, is_resumed)).0 < epoch {
                again.insert(added.content_id);
            }
        }
        if again.is_empty() {
            return;
        }
        // Whoever had the key before could read what was in the vault already.
        let records = replica.nodes().values().filter_map(|node| node.record());
        for version in records.flat_map(|record| &record.versions) {
            again.remove(&version.content_id);
        }
        self.exposed.append(&mut again);
    }

    async fn save<P: Platform>(&mut self, session: &Session<P>) -> Result<()> {
        let is_empty =
            self.exposed.is_empty() && self.pending.values().all(|(_, is_resumed)| !is_resumed);
        let now = if is_empty {
            Vec::new()
        } else {
            self.to_bytes()
        };
        if now == self.noted {
            return Ok(());
        }
        match is_empty {
            true => self.journal.clear(session).await?,
            false => self.journal.rewrite(session, &now).await?,
        }
        self.noted = now;
        Ok(())
    }
}

impl<P: Platform> Vault<'_, P> {
    /// Before an entry is sent: notes the keys that leave with it.
    pub(super) async fn let_keys_leave(&mut self, entry: &Entry) -> Result<()> {
        if added(entry).next().is_none() || !self.is_left_by_keys() {
            return Ok(());
        }
        let mut leaving = self.take_leaving().await?;
        leaving.leave(entry, &self.replica);
        let saved = leaving.save(self.session).await;
        self.leaving = Some(leaving);
        saved
    }

    /// After an entry has landed.
    pub(super) async fn landed(&mut self, entry: &Entry) -> Result<()> {
        let Some(leaving) = &mut self.leaving else {
            return Ok(());
        };
        for added in added(entry) {
            leaving.pending.remove(&added.content_id);
        }
        leaving.save(self.session).await
    }

    /// Contents that have landed although their keys left under an older key
    /// of the vault.
    pub(crate) async fn exposed(&mut self) -> Result<BTreeSet<ContentId>> {
        if !self.is_left_by_keys() {
            return Ok(BTreeSet::new());
        }
        let leaving = self.take_leaving().await?;
        let landed = leaving.exposed.iter().copied();
        let landed = landed.filter(|id| !leaving.pending.contains_key(id));
        let landed = landed.collect();
        self.leaving = Some(leaving);
        Ok(landed)
    }

    /// Forgets contents that were put anew.
    pub(crate) async fn forget_exposed(&mut self, contents: &BTreeSet<ContentId>) -> Result<()> {
        let mut leaving = self.take_leaving().await?;
        leaving.exposed.retain(|id| !contents.contains(id));
        let saved = leaving.save(self.session).await;
        self.leaving = Some(leaving);
        saved
    }

    /// Whether others may have a key of it.
    const fn is_left_by_keys(&self) -> bool {
        self.replica.state().membership.kind.is_shareable()
    }

    async fn take_leaving(&mut self) -> Result<Leaving> {
        match self.leaving.take() {
            Some(leaving) => Ok(leaving),
            None => Leaving::load(self.session, &self.id()).await,
        }
    }
}

fn added(entry: &Entry) -> impl Iterator<Item = &sv_ledger::entry::ContentAdded> {
    entry.state_ops().iter().flat_map(|op| match op {
        StateOp::Put(put) => put.added.as_slice(),
        StateOp::Delete(_) => &[],
    })
}
