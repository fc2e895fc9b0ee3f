//! Moves one old user after the other: into a vault of their own, with its
//! shares, which is theirs once they are here.
//!
//! The order makes the record true whatever happens: what is about to be done
//! is written down first where it could not be found again, and everything that
//! is done can be done twice.

use std::collections::{BTreeMap, BTreeSet};

use sv_client::ClientError;
use sv_client::people::{Person, Trust};
use sv_client::sharing::{self, Invitee, Last, create_vault, draft_vault};
use sv_client::transfer::UploadPlan;
use sv_client::tree::{LOST_AND_FOUND, Place};
use sv_core::Name;
use sv_ledger::genesis::VaultKind;
use sv_ledger::handle::Handle;
use sv_ledger::id::VaultId;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;
use sv_original::{Database, Lot, Moving, PlannedItem, Record, Stage, Taken};

use super::items::{OldItems, upload_item};
use super::records::{Records, vault_path};
use super::report::{Outcome, State};
use super::{Account, Session};
use crate::context::{Context, open_at};
use crate::failure::{Failure, Result};
use crate::progress::watch;

/// What a move works with.
pub(super) struct Mover<'a, 's> {
    pub(super) context: &'a Context,
    pub(super) session: &'s Session,
    pub(super) account: Account<'s>,
    pub(super) database: &'a Database,
    pub(super) records: Records<'s>,
    /// What the vaults are called by those who get them.
    pub(super) title: Name,
    /// Nobody gets anything whose keys the mover did not compare.
    pub(super) verified_only: bool,
    /// Who has an account, of those who were asked for.
    pub(super) people: BTreeMap<Handle, Option<Person>>,
}

/// Somebody who is to get something.
pub(super) enum Receiver {
    /// The mover.
    Me,
    /// They can have it.
    Person(Box<Person>),
    /// They have an account, and nobody compared its keys, as was asked for.
    NotVerified,
    /// They have no account yet.
    Nobody,
}

impl<'s> Mover<'_, 's> {
    /// Asks for many people at once.
    pub(super) async fn look_up(&mut self, handles: BTreeSet<Handle>) -> Result {
        let handles: Vec<Handle> = handles.into_iter().collect();
        let found = self.account.find_people(&handles).await?;
        self.people.extend(handles.into_iter().zip(found));
        Ok(())
    }

    /// Everybody who can have something.
    pub(super) fn receivers(&self) -> impl Iterator<Item = &Person> {
        let people = self.people.values().flatten();
        let others = people.filter(|person| person.identity.uid != self.session.uid());
        others.filter(|person| !self.verified_only || person.trust == Trust::Verified)
    }

    pub(super) async fn receiver(&mut self, handle: &Handle) -> Result<Receiver> {
        if !self.people.contains_key(handle) {
            self.look_up(BTreeSet::from([handle.clone()])).await?;
        }
        Ok(match self.people.get(handle).cloned().flatten() {
            None => Receiver::Nobody,
            Some(person) if person.identity.uid == self.session.uid() => Receiver::Me,
            Some(person) if self.verified_only && person.trust != Trust::Verified => {
                Receiver::NotVerified
            }
            Some(person) => Receiver::Person(Box::new(person)),
        })
    }

    /// Stores what is not stored yet, in the lot that takes it, and invites
    /// whose it is.
    pub(super) async fn store(
        &mut self,
        moving: &Moving,
        record: &mut Record,
        outcome: &mut Outcome,
    ) -> Result {
        let missing = record.missing(&moving.items);
        outcome.there = (moving.items.len() - missing.len()) as u64;
        if record.open().is_none() {
            // What never opens is no reason for another vault.
            if !self.any_opens(&missing, outcome).await {
                outcome.state = match record.lots.last().map(|lot| lot.stage) {
                    None => State::Nothing,
                    Some(Stage::Over) => State::HandedOver,
                    Some(Stage::Open | Stage::Leaving) => State::Ready,
                };
                return Ok(());
            }
            record.lots.push(Lot::new(moving.handle.to_string()));
        }
        if record.open().is_none() {
            return Ok(());
        }
        let name = self.vault_of(moving, record).await?;
        let Some(lot) = record.open() else {
            return Ok(());
        };
        outcome.vault = Some(name.to_string());
        outcome.state = self.invite(moving, lot).await?;
        if !missing.is_empty() {
            self.upload(moving, record, &missing, &name, outcome)
                .await?;
        }
        self.records.save(moving.user, record).await
    }

    /// Whether anything of it can be moved; if not, why.
    async fn any_opens(&self, missing: &[&PlannedItem], outcome: &mut Outcome) -> bool {
        for item in missing {
            match self.database.plaintext(item.id).await {
                Ok(_) => {
                    outcome.bad.clear();
                    return true;
                }
                Err(why) => {
                    let name = item.name(&mut Taken::default());
                    outcome.refuse(item.id, name.as_str(), &why.to_string());
                }
            }
        }
        false
    }

    /// What the vault of the open lot is called here. It is made if it is not
    /// there yet, and written down before that: twice, as it may be made here
    /// and not be written down any more.
    async fn vault_of(&mut self, moving: &Moving, record: &mut Record) -> Result<Name> {
        let nothing = || Failure::Local(format!("{}: nothing to store", moving.handle));
        let title = match record.lots.len() {
            0 | 1 => self.title.clone(),
            number => {
                let title = format!("{} ({number})", self.title);
                Name::parse(&title).map_err(|e| Failure::local(title, e))?
            }
        };
        let lot = record.open().ok_or_else(nothing)?;
        if let Some(vault) = lot.vault {
            match self.account.open_beside(vault).await {
                Err(ClientError::NoAccess) if lot.items.is_empty() => {
                    self.account.reconsider_share(vault).await?;
                }
                opened => {
                    opened?.set_title(&title).await?;
                    return self.known_name(&vault).ok_or_else(nothing);
                }
            }
        }
        let draft = draft_vault(self.session, VaultKind::Shared, ContentSuite::Blocks)?;
        let vault = draft.vault_id();
        lot.vault = Some(vault);
        self.records.save(moving.user, record).await?;
        let wanted = format!("{title} ({})", moving.handle);
        let wanted = Name::parse(&wanted).map_err(|e| Failure::local(wanted, e))?;
        let name = self.account.record_share(vault, &wanted).await?;
        create_vault(self.session, draft).await?;
        let mut vault = self.account.open_beside(vault).await?;
        vault.set_title(&title).await?;
        Ok(name)
    }

    pub(super) fn known_name(&self, vault: &VaultId) -> Option<Name> {
        let known = self.account.shared_vaults().into_iter();
        let mut known = known.map(|(_, known)| known);
        let known = known.find(|known| known.vault_id == *vault && !known.is_declined);
        known.map(|known| known.name)
    }

    /// Invites whose lot it is, if they have no account yet; who it is may have
    /// been decided anew.
    async fn invite(&mut self, moving: &Moving, lot: &mut Lot) -> Result<State> {
        let Some(vault_id) = lot.vault else {
            return Ok(State::Nothing);
        };
        let mut vault = self.account.open_beside(vault_id).await?;
        if lot.owner != moving.handle.as_str() {
            self.take_back(&vault, &lot.owner).await?;
            lot.owner = moving.handle.to_string();
        }
        let invited = self.account.pending(&vault_id);
        match self.receiver(&moving.handle).await? {
            Receiver::Me => Ok(State::Yours),
            Receiver::Person(_) => Ok(State::Ready),
            Receiver::NotVerified => Ok(State::NotVerified),
            Receiver::Nobody => {
                let is_invited = invited.iter().any(|i| i.handle == moving.handle);
                // An invitation is for whoever signs up under that name.
                if !is_invited && !self.verified_only {
                    let invitee = [Invitee::Pending(moving.handle.clone())];
                    let account = &mut self.account;
                    sharing::give_access(account, &mut vault, &invitee, Role::Manager, 0).await?;
                }
                Ok(State::Waiting)
            }
        }
    }

    /// Somebody else was meant.
    async fn take_back(&mut self, vault: &Account<'s>, before: &str) -> Result {
        let handle = Handle::parse(before).map_err(|e| Failure::local(before, e))?;
        if let Receiver::Person(person) = self.receiver(&handle).await? {
            let members = &vault.replica().state().membership.members;
            if members.contains_key(&person.identity.uid) {
                let name = self.known_name(&vault.id());
                let name = name.map_or_else(String::new, |name| name.to_string());
                return Err(Failure::Local(format!(
                    "{before} has access to vault:{name} already, and somebody else is to have it \
                     now: take it from them first, with `securevault unshare 'vault:{name}' \
                     {before}`"
                )));
            }
        }
        self.account
            .withdraw_invitation(&handle, vault.id())
            .await?;
        Ok(())
    }

    async fn upload(
        &mut self,
        moving: &Moving,
        record: &mut Record,
        missing: &[&PlannedItem],
        name: &Name,
        outcome: &mut Outcome,
    ) -> Result {
        let root = vault_path(name)?;
        let (mut drive, root) = open_at(self.context, self.session, &root, Last::Through).await?;
        let rows = drive.tree().rows(Place::Root);
        let Some(lot) = record.open() else {
            return Ok(());
        };
        let shown = rows.iter().map(|row| row.name.as_str());
        let noted = lot.items.values().map(|stored| stored.name.as_str());
        let mut taken: Taken = shown.chain(noted).chain([LOST_AND_FOUND]).collect();
        lot.name(missing, &mut taken);
        self.records.save(moving.user, record).await?;
        let Some(lot) = record.open() else {
            return Ok(());
        };
        let (mut items, mut wanted) = (Vec::new(), BTreeMap::new());
        for item in missing {
            let Some(name) = lot.name_of(item.id) else {
                continue;
            };
            let path = root.join(name.clone());
            match drive.find_node(&path) {
                // It came, and that was not written down any more.
                Ok((node, _)) => {
                    if let Some(stored) = lot.items.get_mut(&item.id) {
                        stored.node = Some(node);
                    }
                    outcome.there += 1;
                }
                Err(_) => {
                    items.push(upload_item(item, name.clone()));
                    wanted.insert(path.to_string(), (item.id, name));
                }
            }
        }
        let plan = UploadPlan::new(&drive, &root, items)?;
        let files = OldItems {
            database: self.database,
        };
        let done = watch(
            &self.context.out,
            "What was moved is there: the same command goes on from there.",
            async |reporter| plan.run(&mut drive, &files, reporter).await,
        )
        .await?;
        outcome.moved += done.uploaded;
        for (path, why) in &done.unreadable {
            if let Some((id, name)) = wanted.remove(path) {
                outcome.refuse(id, name.as_str(), &why.to_string());
            }
        }
        for (id, name) in wanted.into_values() {
            let (node, _) = drive.find_node(&root.join(name))?;
            if let Some(stored) = lot.items.get_mut(&id) {
                stored.node = Some(node);
            }
        }
        Ok(())
    }
}
