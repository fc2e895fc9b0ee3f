//! What every command works with: a home, how to speak, and the account that
//! is logged in.

use std::cell::RefCell;

use sv_client::account::{Session, restore_claim};
use sv_client::drive::Drive;
use sv_client::path::RemotePath;
use sv_client::sharing::{self, Last};
use sv_client::vault::publish_pins;
use sv_client::{ClientError, Tamper};

use crate::failure::{Failure, Result};
use crate::human;
use crate::output::Output;
use crate::platform::{
    DeviceKeychain, Home, HomeLock, KeyringArgs, NativePlatform, Server, ServerArgs,
};

/// One run of the program.
pub struct Context {
    /// How it speaks.
    pub out: Output,
    /// Where it lives.
    pub home: Home,
    lock: RefCell<Option<HomeLock>>,
}

impl Context {
    /// A run in `home`.
    pub const fn new(out: Output, home: Home) -> Self {
        Self {
            out,
            home,
            lock: RefCell::new(None),
        }
    }

    /// Has the home to itself from now on.
    ///
    /// # Errors
    /// [`Failure::Client`] if it cannot be made or locked.
    pub fn enter(&self) -> Result {
        let mut lock = self.lock.borrow_mut();
        if lock.is_none() {
            let on_wait = || {
                self.out
                    .remark("Another command is using this home; waiting until it is done …");
            };
            *lock = Some(self.home.lock(on_wait)?);
        }
        Ok(())
    }

    /// Lets other commands have the home: what follows only moves bytes
    /// between the server and a pipe, whose other end may be one of them.
    pub fn leave(&self) {
        self.lock.borrow_mut().take();
    }

    /// The platform with the server that was given, or else the one this home
    /// belongs to.
    ///
    /// # Errors
    /// [`Failure::Usage`] if there is neither, or nothing to pin.
    pub fn platform(&self, given: &ServerArgs) -> Result<(NativePlatform, Server)> {
        self.platform_with(given, self.keychain(KeyringArgs::default()))
    }

    /// The same, to log in with: a new key of this device goes where it is
    /// wanted.
    ///
    /// # Errors
    /// Also [`Failure::Usage`] if there is a key elsewhere: keys do not move.
    pub fn platform_for_login(
        &self,
        given: &ServerArgs,
        wanted: KeyringArgs,
    ) -> Result<(NativePlatform, Server)> {
        let keychain = self.keychain(wanted);
        if let Some(place) = keychain.elsewhere() {
            return Err(Failure::usage(format!(
                "the key of this device is kept {place}, and stays there until `securevault \
                 logout`; then log in with this --keyring (or SECUREVAULT_KEYRING)"
            )));
        }
        self.platform_with(given, keychain)
    }

    fn keychain(&self, wanted: KeyringArgs) -> DeviceKeychain {
        DeviceKeychain::new(self.home.device_key_file(), wanted, self.out)
    }

    fn platform_with(
        &self,
        given: &ServerArgs,
        keychain: DeviceKeychain,
    ) -> Result<(NativePlatform, Server)> {
        self.enter()?;
        let server = given
            .resolve(self.home.server()?)
            .map_err(|error| Failure::usage(error.to_string()))?;
        Ok((NativePlatform::new(&self.home, &server, keychain)?, server))
    }

    /// The account that is logged in here.
    ///
    /// # Errors
    /// [`ClientError::NotLoggedIn`].
    pub async fn session(&self) -> Result<Session<NativePlatform>> {
        if !self.home.dir().exists() {
            return Err(ClientError::NotLoggedIn.into());
        }
        self.enter()?;
        let server = self.home.server()?.ok_or(ClientError::NotLoggedIn)?;
        let keychain = self.keychain(KeyringArgs::default());
        let platform = NativePlatform::new(&self.home, &server, keychain)?;
        Ok(Session::resume(platform).await?)
    }

    /// Adds to an older or another state what the server says of itself, if
    /// it says that it was restored. The failure stays what it is.
    pub async fn explain(&self, failure: Failure) -> Failure {
        let Failure::Client(
            error @ ClientError::Tampered(
                Tamper::Rollback { .. } | Tamper::Fork(_) | Tamper::Unlockers,
            ),
        ) = failure
        else {
            return failure;
        };
        let claim = match self.platform(&ServerArgs::default()) {
            Ok((platform, _)) => restore_claim(&platform).await.ok().flatten(),
            Err(_) => None,
        };
        match claim {
            Some(claim) => Failure::Restored {
                error,
                restored: human::time(claim.restored_ms),
            },
            None => error.into(),
        }
    }

    /// Ends a command that has changed something: tells the account's other
    /// devices what this one has seen, if that is due.
    ///
    /// # Errors
    /// Any [`sv_client::Tamper`]. Being offline is none.
    pub async fn close(&self, session: &Session<NativePlatform>) -> Result {
        match publish_pins(session, false).await {
            Err(error @ ClientError::Tampered(_)) => Err(error.into()),
            // It will be due again at the next command.
            _ => Ok(()),
        }
    }
}

/// The drive of a session, at its newest state. Nodes that cannot be read are
/// pointed out.
///
/// # Errors
/// Those of opening it.
pub async fn open_drive<'s>(
    context: &Context,
    session: &'s Session<NativePlatform>,
) -> Result<Drive<'s, NativePlatform>> {
    let drive = Drive::open(session).await?;
    point_out_unreadable(context, &drive);
    Ok(drive)
}

/// What a path leads to, at its newest state, and the rest of the path there.
///
/// # Errors
/// Those of opening it.
pub async fn open_at<'s>(
    context: &Context,
    session: &'s Session<NativePlatform>,
    path: &RemotePath,
    last: Last,
) -> Result<(Drive<'s, NativePlatform>, RemotePath)> {
    let (drive, inner) = sharing::open_at(session, path, last).await?;
    point_out_unreadable(context, &drive);
    Ok((drive, inner))
}

/// Says how many nodes of a vault cannot be read.
pub fn point_out_unreadable(context: &Context, drive: &Drive<'_, NativePlatform>) {
    let unreadable = drive.quarantined().len();
    if unreadable > 0 {
        context.out.warn(&format!(
            "{unreadable} of the items in this drive cannot be read: whoever wrote them sealed \
             something impossible, or with a newer program"
        ));
    }
}

/// A remote path from the command line.
///
/// # Errors
/// [`Failure::Usage`].
pub fn remote(text: &str) -> Result<RemotePath> {
    text.parse()
        .map_err(|error: ClientError| Failure::usage(error.to_string()))
}
