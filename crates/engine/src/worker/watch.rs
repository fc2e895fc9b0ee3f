//! Opening the drive, and following whatever is open: what other devices and
//! other people change is seen as it happens.

use serde::Deserialize;
use sv_api::endpoint::EVENTS_PATH;
use sv_api::vault::{LostVault, VaultHead};
use sv_client::ClientError;
use sv_client::drive::Drive;
use sv_client::port::Platform;
use sv_client::vault::{Vault, publish_pins};
use sv_ledger::id::VaultId;

use super::open::{Job, Open};
use crate::worker::failure::Failure;
use sv_bridge::{Connection, Event, ShareId};

/// Milliseconds before the server is tried again, the first time and at most.
const AGAIN_MS: u64 = 500;
const AGAIN_AT_MOST_MS: u64 = 15_000;

impl Open<'_> {
    /// Opens the drive, and follows it for as long as the account is open.
    pub(super) async fn follow(&self) {
        let mut pause = AGAIN_MS;
        while let Err(error) = self.open_drive().await {
            if !self.is_passing(&error) {
                return;
            }
            self.browser().sleep(pause).await;
            pause = (pause * 2).min(AGAIN_AT_MOST_MS);
        }
        pause = AGAIN_MS;
        while !self.is_halted() {
            match self.listen(&mut pause).await {
                Err(error) if !self.is_passing(&error) => return,
                _ => self.connection(Connection::Offline),
            }
            self.browser().sleep(pause).await;
            pause = (pause * 2).min(AGAIN_AT_MOST_MS);
        }
    }

    async fn open_drive(&self) -> Result<(), ClientError> {
        // Before this engine has vaults of its own open: it opens them too.
        // If it fails otherwise, it is due again at the next start.
        if let Err(error @ ClientError::Tampered(_)) = publish_pins(self.session, false).await {
            return Err(error);
        }
        let account = Vault::account(self.session).await?;
        let mut drive = Drive::of(account.open_drive().await?, String::new());
        if let Err(error @ ClientError::Tampered(_)) = drive.expire_trash().await {
            return Err(error);
        }
        self.opened(account, drive);
        Ok(())
    }

    /// Whether it is worth trying again. If not, it has been told.
    fn is_passing(&self, error: &ClientError) -> bool {
        let failure = Failure::from(error.clone());
        let is_passing = !failure.is_fatal() && !failure.is_session_over();
        if is_passing {
            self.connection(Connection::Offline);
        } else {
            self.notice(&failure);
        }
        is_passing
    }

    /// Follows until the stream ends.
    async fn listen(&self, pause: &mut u64) -> Result<(), ClientError> {
        let stream = self.browser().http().events(EVENTS_PATH).await;
        let mut stream = match stream {
            Ok(stream) => stream,
            Err((401 | 403, _)) => {
                self.start(Job::Ended);
                return Err(ClientError::NotLoggedIn);
            }
            Err((_, error)) => return Err(error.into()),
        };
        while let Some(events) = stream.next().await? {
            self.connection(Connection::Live);
            *pause = AGAIN_MS;
            let mut has_shares = false;
            for data in &events {
                let mut text = serde_json::Deserializer::from_str(data);
                if let Ok(head) = VaultHead::deserialize(&mut text) {
                    has_shares |= self.catch_up(head.vault_id, Some(head.seq)).await?;
                    continue;
                }
                let mut text = serde_json::Deserializer::from_str(data);
                if let Ok(lost) = LostVault::deserialize(&mut text) {
                    has_shares |= self.catch_up(lost.vault_id, None).await?;
                }
            }
            if has_shares {
                self.outlet.tell(&Event::Shares);
            }
        }
        Ok(())
    }

    /// Takes the news that a vault has come to an entry, or is not to be had
    /// any more. What the server says so is looked at, never believed. Gives
    /// whether it is about what is shared, beyond what is open.
    async fn catch_up(&self, vault: VaultId, seq: Option<u64>) -> Result<bool, ClientError> {
        let is_news = match seq {
            Some(seq) => self.told.borrow_mut().insert(vault, seq) != Some(seq),
            None => self.told.borrow_mut().remove(&vault).is_some(),
        };
        if vault == self.session.uid() {
            let mut account = self.account_vault().await;
            if Some(account.replica().state().head.seq) != seq {
                account.sync().await?;
                self.renew_known(&account);
                return Ok(true);
            }
            return Ok(false);
        }
        let mut is_open = false;
        for space in self.open_spaces() {
            let (is_it, is_through_it) = {
                let drive = space.drive().await;
                let state = drive.vault().replica().state();
                let is_it = state.vault_id() == vault;
                is_open |= is_it;
                let mut inner = state.membership.vault_members();
                let is_through_it = inner.any(|(id, _)| *id == vault);
                (is_it && Some(state.head.seq) != seq, is_through_it)
            };
            if is_it || (is_news && is_through_it) {
                self.refresh(&space).await?;
            }
        }
        if is_news && !is_open {
            self.reopen(ShareId(vault));
        }
        Ok(is_news && (!is_open || seq.is_none()))
    }
}
