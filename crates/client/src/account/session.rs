//! An open account on this device.

use sv_api::account::{AccountStatus, SessionList};
use sv_api::endpoint::{DeleteAccount, EndSession, GetAccount, ListSessions, Logout};
use sv_api::wire::Empty;
use sv_core::AccountKeys;
use sv_ledger::id::{SessionId, VaultId};

use super::profile::{Profile, Stage};
use crate::call::{Repeat, Server};
use crate::error::{ClientError, Result};
use crate::port::{Keychain, Platform, Storage};

/// A logged-in account: its keys and its session.
pub struct Session<P> {
    platform: P,
    profile: Profile,
    keys: AccountKeys,
    called_off_deletion: bool,
}

impl<P: Platform> Session<P> {
    /// Opens the account that is logged in on this device. Asks nobody, unless
    /// the log-in kept no key here: then the server for its half.
    ///
    /// # Errors
    /// [`ClientError::NotLoggedIn`] if there is none; those of a call.
    pub async fn resume(platform: P) -> Result<Self> {
        let profile = Profile::load(&platform)
            .await?
            .ok_or(ClientError::NotLoggedIn)?;
        if profile.stage != Stage::Full {
            return Err(ClientError::NotLoggedIn);
        }
        let root = profile.open_root(&platform).await?;
        let keys = AccountKeys::derive(&root, profile.generation);
        Ok(Self {
            platform,
            profile,
            keys,
            called_off_deletion: false,
        })
    }

    /// The same after a log-in, which may have called off a deletion.
    pub(super) async fn begin(platform: P, called_off_deletion: bool) -> Result<Self> {
        Ok(Self {
            called_off_deletion,
            ..Self::resume(platform).await?
        })
    }

    /// Where this client runs.
    pub const fn platform(&self) -> &P {
        &self.platform
    }

    /// What this device keeps of the account.
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The account's id.
    pub const fn uid(&self) -> VaultId {
        self.profile.uid
    }

    pub(crate) const fn keys(&self) -> &AccountKeys {
        &self.keys
    }

    /// The server, as this session sees it.
    pub fn server(&self) -> Server<'_, P> {
        Server::in_session(&self.platform, self.profile.token.as_deref())
    }

    pub(super) async fn update(&mut self, change: impl FnOnce(&mut Profile)) -> Result<()> {
        change(&mut self.profile);
        self.profile.save(&self.platform).await
    }

    /// Takes a list of unlockers for the newest, on a person's word.
    pub(crate) async fn start_over_at_unlockers(&mut self, version: u64) -> Result<()> {
        self.update(|profile| profile.unlockers_version = version)
            .await
    }

    /// What the server says of the account.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn status(&self) -> Result<AccountStatus> {
        self.server()
            .call(&GetAccount, Empty {}, Repeat::Safe)
            .await
    }

    /// Every device that is logged in.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn sessions(&self) -> Result<SessionList> {
        self.server()
            .call(&ListSessions, Empty {}, Repeat::Safe)
            .await
    }

    /// Logs another device out.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn end_session(&self, session: SessionId) -> Result<()> {
        self.server()
            .call(&EndSession { session }, Empty {}, Repeat::Safe)
            .await
            .map(drop)
    }

    /// Has the account and all it holds deleted after a grace period, in which
    /// logging in calls it off. Wants a fresh [`super::Reproof`]. Every session
    /// ends; what is on this device is left for [`Self::wipe`]. Gives the time
    /// from which on the account goes, Unix milliseconds.
    ///
    /// # Errors
    /// Those of a call.
    pub async fn request_deletion(&self) -> Result<u64> {
        let server = self.server();
        let deletion = server.call(&DeleteAccount, Empty {}, Repeat::Never).await?;
        Ok(deletion.deleted_from_ms)
    }

    /// Whether the log-in that opened this called the account's deletion off.
    pub const fn has_called_off_deletion(&self) -> bool {
        self.called_off_deletion
    }

    /// Ends the session and wipes the keys and the cache from this device,
    /// also when the server cannot be told.
    ///
    /// # Errors
    /// [`ClientError::Local`] if something could not be wiped. The outcome of
    /// telling the server is the value.
    pub async fn log_out(self) -> Result<Result<()>> {
        let told = self
            .server()
            .call(&Logout, Empty {}, Repeat::Never)
            .await
            .map(drop);
        self.wipe().await?;
        Ok(told)
    }

    /// Wipes the keys and the cache from this device, without telling anybody.
    ///
    /// # Errors
    /// [`ClientError::Local`] if something could not be wiped.
    pub async fn wipe(self) -> Result<()> {
        self.platform.keychain().wipe().await?;
        self.platform.storage().clear().await?;
        self.profile.logged_out().save(&self.platform).await
    }
}
