//! Keys of contents that leave the device: each is sealed in the record that
//! an entry brings. If the vault has another key by the time that lands,
//! whoever had the one before may have seen it, and the content is to be put
//! anew (spec: `records.md` §7).
//!
//! What may land in another run of the program is noted in a journal before it
//! leaves: contents that do not travel with their entry, and those that are to
//! be put anew.

use std::collections::{BTreeMap, BTreeSet};

use sv_api::vault::InlineContent;
use sv_core::local::Purpose;
use sv_ledger::codec::{ParseError, Reader, Writer};
use sv_ledger::entry::{ContentAdded, Entry, StateOp};
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
    /// What is not known to have landed.
    pending: BTreeMap<ContentId, Pending>,
    /// Those that left before a newer key of the vault.
    exposed: BTreeSet<ContentId>,
    /// Those that this run has tried to put anew: what did not succeed is for
    /// the next one.
    tried: BTreeSet<ContentId>,
}

#[derive(Clone, Copy)]
struct Pending {
    /// In which it left first.
    epoch: u32,
    /// Whether another run may send the same.
    is_lasting: bool,
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
            tried: BTreeSet::new(),
        };
        if let Some(frame) = frames.last() {
            leaving
                .read(frame)
                .map_err(|_| Tamper::LocalState("keys that left"))?;
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
            let (id, epoch) = (r.content_id()?, r.u32()?);
            let is_lasting = true;
            self.pending.insert(id, Pending { epoch, is_lasting });
        }
        Ok(())
    }

    /// What another run must know; nothing if there is nothing.
    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u32(self.exposed.len() as u32);
        for id in &self.exposed {
            w.raw(id.as_bytes());
        }
        let lasting = self.pending.iter().filter(|(_, one)| one.is_lasting);
        let mut is_empty = self.exposed.is_empty();
        for (id, one) in lasting {
            is_empty = false;
            w.raw(id.as_bytes()).u32(one.epoch);
        }
        match is_empty {
            true => Vec::new(),
            false => w.into_bytes(),
        }
    }

    /// Notes what leaves with an entry that is about to be sent.
    fn leave(&mut self, entry: &Entry, inline: &[InlineContent], replica: &Replica) {
        let epoch = entry.body().epoch;
        let mut again = BTreeSet::new();
        for added in added(entry) {
            let id = added.content_id;
            // What travels along is drawn anew by every run.
            let is_lasting = inline.iter().all(|inline| inline.content_id != id);
            let first = self.pending.entry(id);
            if first.or_insert(Pending { epoch, is_lasting }).epoch < epoch {
                again.insert(id);
            }
        }
        // Whoever had the key before could read what was in the vault already.
        let known = named(replica, &again);
        self.exposed.extend(again.difference(&known));
    }

    /// Those of the exposed that are in the vault now, whoever saw them land.
    fn landed(&mut self, replica: &Replica) -> BTreeSet<ContentId> {
        let pending = self.pending.keys().copied();
        let all = self.exposed.iter().copied().chain(pending).collect();
        let landed = named(replica, &all);
        self.pending.retain(|id, _| !landed.contains(id));
        let pending = &self.pending;
        self.exposed
            .retain(|id| landed.contains(id) || pending.contains_key(id));
        self.exposed.intersection(&landed).copied().collect()
    }

    async fn save<P: Platform>(&mut self, session: &Session<P>) -> Result<()> {
        let now = self.to_bytes();
        if now == self.noted {
            return Ok(());
        }
        match now.is_empty() {
            true => self.journal.clear(session).await?,
            false => self.journal.rewrite(session, &now).await?,
        }
        self.noted = now;
        Ok(())
    }
}

impl<P: Platform> Vault<'_, P> {
    /// Before an entry is sent: notes the keys that leave with it.
    pub(super) async fn let_keys_leave(
        &mut self,
        entry: &Entry,
        inline: &[InlineContent],
    ) -> Result<()> {
        if added(entry).next().is_none() || !self.is_left_by_keys() {
            return Ok(());
        }
        let mut leaving = self.take_leaving().await?;
        leaving.leave(entry, inline, &self.replica);
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

    /// Contents that are in the vault although their keys left under an older
    /// key of it, and that are not [tried](Self::tried_to_replace) yet.
    pub(crate) async fn exposed(&mut self) -> Result<BTreeSet<ContentId>> {
        if !self.is_left_by_keys() {
            return Ok(BTreeSet::new());
        }
        let mut leaving = self.take_leaving().await?;
        let landed = leaving.landed(&self.replica);
        let left = landed.difference(&leaving.tried).copied().collect();
        let saved = leaving.save(self.session).await;
        self.leaving = Some(leaving);
        saved.map(|()| left)
    }

    /// Whatever came of it, this run does not try them again.
    pub(crate) fn tried_to_replace(&mut self, mut contents: BTreeSet<ContentId>) {
        if let Some(leaving) = &mut self.leaving {
            leaving.tried.append(&mut contents);
        }
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

/// Contents that an entry adds, but those without a byte.
fn added(entry: &Entry) -> impl Iterator<Item = &ContentAdded> {
    let added = entry.state_ops().iter().flat_map(|op| match op {
        StateOp::Put(put) => put.added.as_slice(),
        StateOp::Delete(_) => &[],
    });
    added.filter(|added| added.block_count > 0)
}

/// Those of some contents that a record names.
fn named(replica: &Replica, contents: &BTreeSet<ContentId>) -> BTreeSet<ContentId> {
    if contents.is_empty() {
        return BTreeSet::new();
    }
    let records = replica.nodes().values().filter_map(|node| node.record());
    let versions = records.flat_map(|record| &record.versions);
    let ids = versions.map(|version| version.content_id);
    ids.filter(|id| contents.contains(id)).collect()
}
