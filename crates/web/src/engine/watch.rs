//! Opening the drive and following it: what other devices change is seen as
//! it happens.

use serde::Deserialize;
use sv_api::endpoint::EVENTS_PATH;
use sv_api::vault::VaultHead;
use sv_client::ClientError;
use sv_client::drive::Drive;
use sv_client::port::Platform;
use sv_client::vault::publish_pins;

use super::open::{Job, Open};
use crate::bridge::{Connection, Failure};

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
        let mut drive = Drive::open(self.session).await?;
        if let Err(error @ ClientError::Tampered(_)) = drive.expire_trash().await {
            return Err(error);
        }
        self.opened(drive);
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
            let heads = events.iter().filter_map(|data| {
                let mut text = serde_json::Deserializer::from_str(data);
                VaultHead::deserialize(&mut text).ok()
            });
            let heads: Vec<VaultHead> = heads.collect();
            self.catch_up(&heads).await?;
        }
        Ok(())
    }

    /// Brings the drive to its newest state, if these heads are not in it.
    async fn catch_up(&self, heads: &[VaultHead]) -> Result<(), ClientError> {
        if heads.is_empty() {
            return Ok(());
        }
        let mut drive = self.drive().await;
        let state = drive.vault().replica().state();
        let (id, seq) = (state.vault_id(), state.head.seq);
        if heads
            .iter()
            .any(|head| head.vault_id == id && head.seq != seq)
        {
            let done = drive.refresh().await;
            self.renew(&drive);
            done?;
        }
        Ok(())
    }
}
