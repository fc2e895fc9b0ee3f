//! Shares of single items, and giving it all to whose it is.
//!
//! Items are shared while they are the mover's. Whoever could read one and has
//! no account yet is waited for: the mover stays a manager of that one item's
//! vault, which is its owner's by then, until they have signed up. Of
//! everything else the mover is out.

use std::collections::BTreeMap;

use sv_api::ErrorCode;
use sv_client::ClientError;
use sv_client::path::RemotePath;
use sv_client::people::Person;
use sv_client::sharing::{self, After, Invitee, Last, Terms, hand_over};
use sv_ledger::handle::Handle;
use sv_ledger::id::VaultId;
use sv_ledger::state::Role;
use sv_original::{ItemShare, Lot, Moving, PlannedItem, Record, Stage, Stored};

use super::mover::{Mover, Receiver};
use super::records::vault_path;
use super::report::{Outcome, State};
use crate::context::open_at;
use crate::failure::{Failure, Result};

const TERMS: Terms = Terms {
    role: Role::Viewer,
    expires_ms: 0,
    with_history: false,
};
const NOT_VERIFIED: &str = "nobody compared their keys: `securevault verify` first";

impl Mover<'_, '_> {
    /// Shares the items that others could read with those who are here or can
    /// be waited for, and goes on with those who were waited for.
    pub(super) async fn share(
        &mut self,
        moving: &Moving,
        record: &mut Record,
        outcome: &mut Outcome,
    ) -> Result {
        let before = record.clone();
        for lot in &mut record.lots {
            let paths = self.paths_to_share(moving, lot).await?;
            for item in &moving.items {
                let Some(stored) = lot.items.get_mut(&item.id) else {
                    continue;
                };
                for name in &item.nobody {
                    outcome.not_share(&stored.name, name, "left out, as was decided");
                }
                if let Some(path) = paths.get(&item.id) {
                    self.share_item(path, item, stored, outcome).await?;
                } else {
                    let why = match lot.stage {
                        Stage::Open => "the item was removed here".to_owned(),
                        _ => format!("it is with {} by now, who can share it", lot.owner),
                    };
                    for reader in new_readers(item, stored) {
                        outcome.not_share(&stored.name, reader.as_str(), &why);
                    }
                }
                self.go_on(item, stored, outcome).await?;
            }
        }
        if *record != before {
            self.records.save(moving.user, record).await?;
        }
        Ok(())
    }

    /// Where those items of a lot are that somebody is to read who cannot yet;
    /// none if it is no longer here.
    async fn paths_to_share(
        &mut self,
        moving: &Moving,
        lot: &Lot,
    ) -> Result<BTreeMap<i64, RemotePath>> {
        let mut paths = BTreeMap::new();
        let is_due = |item: &&PlannedItem| {
            let stored = lot.items.get(&item.id);
            stored.is_some_and(|stored| new_readers(item, stored).next().is_some())
        };
        let due: Vec<&PlannedItem> = moving.items.iter().filter(is_due).collect();
        if lot.stage != Stage::Open || due.is_empty() {
            return Ok(paths);
        }
        let known = lot.vault.and_then(|vault| self.known_name(&vault));
        let Some(name) = known else {
            return Ok(paths);
        };
        let root = vault_path(&name)?;
        let (drive, _) = open_at(self.context, self.session, &root, Last::Through).await?;
        for item in due {
            let node = lot.items.get(&item.id).and_then(|stored| stored.node);
            if let Some(path) = node.and_then(|node| drive.tree().path(&node)) {
                paths.insert(item.id, format!("vault:{name}{path}").parse()?);
            }
        }
        Ok(paths)
    }

    async fn share_item(
        &mut self,
        path: &RemotePath,
        item: &PlannedItem,
        stored: &mut Stored,
        outcome: &mut Outcome,
    ) -> Result {
        let (mut invitees, mut readers) = (Vec::new(), BTreeMap::new());
        for reader in new_readers(item, stored) {
            match self.receiver(reader).await? {
                Receiver::Me => {}
                Receiver::Person(person) => invitees.push(Invitee::Person(person)),
                Receiver::Nobody if !self.verified_only => {
                    invitees.push(Invitee::Pending(reader.clone()));
                }
                Receiver::Nobody => {
                    outcome.not_share(&stored.name, reader.as_str(), "no account here yet");
                    continue;
                }
                Receiver::NotVerified => {
                    outcome.not_share(&stored.name, reader.as_str(), NOT_VERIFIED);
                    continue;
                }
            }
            let has_access = !matches!(invitees.last(), Some(Invitee::Pending(h)) if h == reader);
            readers.insert(reader.to_string(), has_access);
        }
        if readers.is_empty() {
            return Ok(());
        }
        let done = sharing::share(self.session, &mut self.account, path, &invitees, &TERMS).await?;
        let vault = done.vault_id;
        let vault = vault.ok_or_else(|| Failure::Local(format!("{path}: was not shared")))?;
        let share = stored.share.get_or_insert_with(|| ItemShare {
            vault,
            readers: BTreeMap::new(),
            is_over: false,
        });
        share.readers.extend(readers);
        Ok(())
    }

    /// Gives access to those who were waited for and have come.
    async fn go_on(
        &mut self,
        item: &PlannedItem,
        stored: &mut Stored,
        outcome: &mut Outcome,
    ) -> Result {
        let Some(share) = &mut stored.share else {
            return Ok(());
        };
        for reader in share.waited_for() {
            let handle = Handle::parse(&reader).map_err(|e| Failure::local(&reader, e))?;
            let is_wanted = item.readers.contains(&handle);
            let person = match self.receiver(&handle).await? {
                _ if !is_wanted => None,
                Receiver::Person(person) => Some(person),
                Receiver::Me => continue,
                Receiver::NotVerified => {
                    outcome.not_share(&stored.name, &reader, NOT_VERIFIED);
                    continue;
                }
                Receiver::Nobody => continue,
            };
            match self.let_in(share, &handle, person.as_deref()).await {
                Err(Failure::Client(ClientError::NoAccess)) => {
                    // Its owner put the mover out.
                    share.is_over = true;
                    self.wait_no_longer(share.vault).await?;
                    break;
                }
                done => done?,
            }
        }
        for (reader, has_access) in &share.readers {
            let row = (stored.name.clone(), reader.clone());
            match (has_access, share.is_over) {
                (true, _) => outcome.shared.push(row),
                (false, false) => outcome.pending.push(row),
                (false, true) => outcome.not_share(&row.0, &row.1, "its owner can share it"),
            }
        }
        Ok(())
    }

    async fn wait_no_longer(&mut self, vault: VaultId) -> Result {
        for invitation in self.account.pending(&vault) {
            let withdrawn = self.account.withdraw_invitation(&invitation.handle, vault);
            withdrawn.await?;
        }
        Ok(())
    }

    /// Grants access to somebody who was waited for, or, if it is not to be any
    /// more, waits no longer.
    async fn let_in(
        &mut self,
        share: &mut ItemShare,
        handle: &Handle,
        person: Option<&Person>,
    ) -> Result {
        if let Some(person) = person {
            let mut vault = self.account.open_beside(share.vault).await?;
            let members = &vault.replica().state().membership.members;
            if !members.contains_key(&person.identity.uid) {
                vault.grant(&[person.grantee(Role::Viewer)]).await?;
            }
            share.readers.insert(handle.to_string(), true);
        } else {
            share.readers.remove(handle.as_str());
        }
        let withdrawn = self.account.withdraw_invitation(handle, share.vault);
        withdrawn.await?;
        Ok(())
    }

    /// Gives every lot to whose it is, and leaves what is theirs already once
    /// nobody is waited for there.
    pub(super) async fn hand_over(
        &mut self,
        moving: &Moving,
        record: &mut Record,
        outcome: &mut Outcome,
    ) -> Result {
        for index in 0..record.lots.len() {
            let Some(lot) = record.lots.get_mut(index) else {
                continue;
            };
            let owner = Handle::parse(&lot.owner).map_err(|e| Failure::local(&lot.owner, e))?;
            let Receiver::Person(person) = self.receiver(&owner).await? else {
                continue;
            };
            if lot.stage == Stage::Open {
                // From here on some of it may be out of reach.
                lot.stage = Stage::Leaving;
                self.records.save(moving.user, record).await?;
            }
            let Some(lot) = record.lots.get_mut(index) else {
                continue;
            };
            let before = lot.clone();
            match self.hand_over_lot(lot, &person).await {
                Ok(()) => {
                    lot.close();
                    outcome.state = State::HandedOver;
                    outcome.vault = None;
                }
                Err(Failure::Client(ClientError::Refused(refusal)))
                    if refusal.code == ErrorCode::QuotaExceeded =>
                {
                    outcome.state = State::Refused(format!("{owner} has no room for it"));
                }
                Err(failure) => return Err(failure),
            }
            if *lot != before {
                self.records.save(moving.user, record).await?;
            }
        }
        Ok(())
    }

    /// The shared items first: while the mover has the vault around them, what
    /// was interrupted is found again.
    async fn hand_over_lot(&mut self, lot: &mut Lot, person: &Person) -> Result {
        let me = self.session.profile().handle.clone();
        for share in lot.items.values_mut().filter_map(|i| i.share.as_mut()) {
            let is_waiting = share.waits();
            let after = match (is_waiting, share.readers.contains_key(&me)) {
                (true, _) => After::Stay(Role::Manager),
                (false, true) => After::Stay(Role::Viewer),
                (false, false) => After::Leave,
            };
            let is_done = share.is_over || (is_waiting && lot.stage == Stage::Over);
            if !is_done {
                give(hand_over(&mut self.account, share.vault, person, after).await)?;
                share.is_over = !is_waiting;
            }
        }
        match lot.vault.filter(|_| lot.stage != Stage::Over) {
            None => Ok(()),
            Some(vault) => give(hand_over(&mut self.account, vault, person, After::Leave).await),
        }
    }
}

/// Readers who have nothing to do with the item here so far.
fn new_readers<'i>(item: &'i PlannedItem, stored: &'i Stored) -> impl Iterator<Item = &'i Handle> {
    let is_known = |reader: &&Handle| {
        let share = stored.share.as_ref();
        share.is_some_and(|share| share.readers.contains_key(reader.as_str()))
    };
    item.readers.iter().filter(move |reader| !is_known(reader))
}

/// What was left before is handed over.
fn give(done: Result<(), ClientError>) -> Result {
    match done {
        Err(ClientError::NoAccess) => Ok(()),
        done => Ok(done?),
    }
}
