//! Where the records of the move are kept: files of a vault of the mover's own,
//! one for each old user. So they are sealed like everything else, go on from
//! any of the mover's devices, and are there to be looked at.

use std::path::PathBuf;

use sv_client::ClientError;
use sv_client::drive::Drive;
use sv_client::path::RemotePath;
use sv_client::progress::Reporter;
use sv_client::sharing::{Last, create_vault, draft_vault};
use sv_client::transfer::{DownloadPlan, OnConflict, UploadItem, UploadPlan};
use sv_core::Name;
use sv_core::record::Kind;
use sv_ledger::genesis::VaultKind;
use sv_ledger::sealed::ContentSuite;
use sv_original::Record;

use super::{Account, Session};
use crate::context::{Context, open_at};
use crate::failure::{Failure, Result};
use crate::local::{BufferTarget, MemoryFiles};
use crate::platform::{NativePlatform, now_ms};

/// The vault with the records.
pub(super) struct Records<'s> {
    drive: Drive<'s, NativePlatform>,
    last_ms: u64,
}

impl<'s> Records<'s> {
    /// Opens it, or makes it.
    pub(super) async fn open(
        context: &Context,
        session: &'s Session,
        account: &mut Account<'s>,
        name: &Name,
    ) -> Result<Self> {
        let path = vault_path(name)?;
        let known = account.shared_vaults().into_iter().map(|(_, known)| known);
        let mut known = known.filter(|known| known.name == *name && !known.is_declined);
        let opened = match known.next() {
            None => None,
            Some(known) => match open_at(context, session, &path, Last::Through).await {
                Ok(opened) => Some(opened),
                // A crash came between its record and the vault.
                Err(Failure::Client(ClientError::NoAccess)) => {
                    account.reconsider_share(known.vault_id).await?;
                    None
                }
                Err(failure) => return Err(failure),
            },
        };
        let (drive, _) = match opened {
            Some(opened) => opened,
            None => {
                let draft = draft_vault(session, VaultKind::Shared, ContentSuite::Blocks)?;
                account.record_share(draft.vault_id(), name).await?;
                create_vault(session, draft).await?;
                open_at(context, session, &path, Last::Through).await?
            }
        };
        let owner = drive.vault().replica().state().membership.owner();
        if owner != Some(&session.uid()) {
            return Err(Failure::usage(format!(
                "vault:{name} is somebody else's; choose another name with --records"
            )));
        }
        Ok(Self { drive, last_ms: 0 })
    }

    /// What is known of an old user; nothing at first.
    pub(super) async fn load(&self, user: i64) -> Result<Record> {
        let path = file(user)?;
        match self.drive.find_place(&path) {
            Err(ClientError::NotFound(_)) => return Ok(Record::default()),
            found => found?,
        };
        let target = BufferTarget::default();
        let plan = DownloadPlan::new(&self.drive, &path, None)?;
        plan.run(&self.drive, &target, &Reporter::silent()).await?;
        let bytes = target.into_bytes();
        Record::parse(&bytes).map_err(|error| Failure::local(path, error))
    }

    /// Writes it down; the one before stays as a version.
    pub(super) async fn save(&mut self, user: i64, record: &Record) -> Result {
        let path = file(user)?;
        let bytes = record.to_bytes().map_err(|e| Failure::local(&path, e))?;
        // Same size and time would count as the same file.
        self.last_ms = now_ms().max(self.last_ms + 1);
        let item = UploadItem {
            names: path.names().to_vec(),
            kind: Kind::File,
            size: Some(bytes.len() as u64),
            modified_ms: self.last_ms,
            executable: false,
            local: PathBuf::new(),
        };
        let mut plan = UploadPlan::new(&self.drive, &RemotePath::ROOT, vec![item])?;
        for conflict in plan.conflicts() {
            plan.decide(conflict.index, OnConflict::Replace)?;
        }
        let (files, silent) = (MemoryFiles(bytes), Reporter::silent());
        let done = plan.run(&mut self.drive, &files, &silent).await?;
        match done.unreadable.into_iter().next() {
            None => Ok(()),
            Some((_, why)) => Err(Failure::local(path, why)),
        }
    }
}

/// The root of a vault by its name here.
pub(super) fn vault_path(name: &Name) -> Result<RemotePath> {
    Ok(format!("vault:{name}").parse()?)
}

fn file(user: i64) -> Result<RemotePath> {
    Ok(format!("/{user}.json").parse()?)
}
