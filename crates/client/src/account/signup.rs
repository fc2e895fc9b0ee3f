//! Sign-up: root key, account vault and drive are made on the device; one
//! request hands their public and sealed parts over (spec: `account.md` §3).

use sv_api::account::{
    CodeRequest, NewVault, SignupFinishRequest, SignupPolicy, SignupStartRequest, TotpSetup,
};
use sv_api::endpoint::{Logout, SignupConfirm, SignupFinish, SignupStart};
use sv_api::wire::Empty;
use sv_api::{ApiError, ErrorCode};
use sv_core::record::{DrivePointer, Payload};
use sv_core::{AccountKeys, AccountRootKey, RecoveryKey};
use sv_ledger::handle::Handle;
use sv_ledger::id::DeviceId;
use sv_pake::ClientRegistration;
use zeroize::Zeroizing;

use super::instance::KnownInstance;
use super::profile::{Profile, Rest, Stage};
use super::session::Session;
use super::unlockers::{NewPassword, Owner, RecoveryHalf};
use crate::call::{Repeat, Server};
use crate::error::{ClientError, Result};
use crate::port::Platform;
use crate::vault::NewVaultBuilder;

/// What a person chooses when signing up.
pub struct NewAccount<'a> {
    /// The handle, as typed.
    pub handle: &'a str,
    /// The password.
    pub password: &'a str,
    /// An invitation code.
    pub invite: Option<&'a str>,
    /// What to call this device.
    pub device_label: &'a str,
}

/// A new account that waits for its first one-time code.
pub struct SignedUp {
    /// The handle, normalised.
    pub handle: Handle,
    /// To set up the authenticator with.
    pub totp: TotpSetup,
    /// The 24 words, to be shown once.
    pub recovery_words: Zeroizing<String>,
    /// Ten codes for when the authenticator is lost.
    pub backup_codes: Vec<String>,
}

/// Makes an account. Its root key rests on this device from now on; the
/// session becomes useful with [`confirm_sign_up`].
///
/// # Errors
/// [`ClientError::Misuse`] for an impossible handle or password, or those of
/// a call.
pub async fn sign_up<P: Platform>(platform: &P, new: &NewAccount<'_>) -> Result<SignedUp> {
    let handle =
        Handle::choose(new.handle).map_err(|error| ClientError::misuse(error.to_string()))?;
    refuse_to_replace(platform).await?;
    let server = Server::anonymous(platform);
    let (instance, policy) = KnownInstance::fetch(&server, None).await?;
    refuse_early(policy, new.invite)?;

    let (registration, request) = ClientRegistration::start(
        &super::password::prepare(new.password)?,
        &mut platform.random(),
    )
    .map_err(|error| ClientError::misuse(error.to_string()))?;
    let request = SignupStartRequest {
        handle: handle.to_string(),
        invite: new.invite.map(str::to_owned),
        registration_request: request.into(),
    };
    let response = server.call(&SignupStart, request, Repeat::Safe).await?;
    let response = response.registration_response.0;
    let password =
        NewPassword::finish(platform, registration, response, &instance, handle.as_str()).await?;

    let mut random = platform.random();
    let root = AccountRootKey::generate(&mut random)?;
    let recovery = RecoveryKey::generate(&mut random)?;
    let keys = AccountKeys::derive(&root, 1);
    let builder = NewVaultBuilder {
        instance: instance.id,
        keys: &keys,
        now_ms: platform.now_ms(),
    };
    let mut account = builder.account(&handle, &mut random)?;
    let drive = builder.drive(account.vault_id(), &mut random)?;
    account.put(
        &Payload::DrivePointer(DrivePointer::new(drive.vault_id())),
        &keys,
        builder.now_ms,
        &mut random,
    )?;
    let uid = account.vault_id();
    let owner = Owner {
        uid,
        keys: &keys,
        root: &root,
    };
    let unlock = owner.unlocker_set(platform, 1, &password, RecoveryHalf::New(&recovery))?;
    let request = SignupFinishRequest {
        handle: handle.to_string(),
        invite: new.invite.map(str::to_owned),
        unlock,
        account: NewVault::from(account),
        drive: NewVault::from(drive),
    };
    let done = server.call(&SignupFinish, request, Repeat::Never).await?;

    let mut profile = Profile {
        stage: Stage::AwaitsConfirmation,
        instance,
        handle: handle.to_string(),
        uid,
        device_id: DeviceId::new(platform.random_bytes()),
        device_label: new.device_label.to_owned(),
        token: done.session,
        device_token: None,
        generation: 1,
        unlockers_version: 1,
        rest: Rest::Device,
        sealed_root: Vec::new().into(),
    };
    profile.keep_root(platform, &root).await?;
    profile.save(platform).await?;
    Ok(SignedUp {
        handle,
        totp: done.totp,
        recovery_words: recovery.to_words(),
        backup_codes: done.backup_codes,
    })
}

/// Gives a sign-up its first one-time code and opens the session.
///
/// # Errors
/// [`ClientError::NotLoggedIn`] if no sign-up waits here, or those of a call.
pub async fn confirm_sign_up<P: Platform>(platform: P, code: &str) -> Result<Session<P>> {
    confirm(&platform, code).await?.save(&platform).await?;
    Session::resume(platform).await
}

async fn confirm<P: Platform>(platform: &P, code: &str) -> Result<Profile> {
    let profile = Profile::load(platform)
        .await?
        .ok_or(ClientError::NotLoggedIn)?;
    if profile.stage != Stage::AwaitsConfirmation {
        return Err(ClientError::misuse(
            "no sign-up waits for its first code on this device",
        ));
    }
    let server = Server::in_session(platform, profile.token.as_deref());
    let request = CodeRequest {
        code: code.to_owned(),
        device_label: profile.device_label.clone(),
    };
    let full = server.call(&SignupConfirm, request, Repeat::Never).await?;
    Ok(Profile {
        stage: Stage::Full,
        token: full.session,
        device_token: Some(full.device_token),
        ..profile
    })
}

/// The same where no key may rest: what rests here then opens only with a half
/// that the server keeps for the session. If the key is not in the key chain
/// any more the account is made all the same, and `None` says that the person
/// has to log in.
///
/// # Errors
/// As [`confirm_sign_up`].
pub async fn confirm_sign_up_without_keeping<P: Platform>(
    platform: P,
    code: &str,
) -> Result<Option<Session<P>>> {
    let mut profile = confirm(&platform, code).await?;
    let root = match profile.open_root(&platform).await {
        Ok(root) => root,
        Err(ClientError::NotLoggedIn) => {
            let told = Server::in_session(&platform, profile.token.as_deref())
                .call(&Logout, Empty {}, Repeat::Never)
                .await;
            profile.logged_out().save(&platform).await?;
            return told.map(|_| None);
        }
        Err(error) => return Err(error),
    };
    profile.keep_root_with_session(&platform, &root).await?;
    profile.save(&platform).await?;
    Session::resume(platform).await.map(Some)
}

async fn refuse_to_replace<P: Platform>(platform: &P) -> Result<()> {
    match Profile::load(platform).await? {
        Some(profile) if profile.stage == Stage::Full => Err(ClientError::misuse(format!(
            "{} is logged in on this device; log out first, or use another SECUREVAULT_HOME",
            profile.handle
        ))),
        _ => Ok(()),
    }
}

/// Saves a person from inventing a password for nothing.
fn refuse_early(policy: SignupPolicy, invite: Option<&str>) -> Result<()> {
    match policy {
        SignupPolicy::Closed => Err(ClientError::Refused(ApiError::new(ErrorCode::SignupClosed))),
        SignupPolicy::Invite if invite.is_none() => Err(ClientError::Refused(ApiError::new(
            ErrorCode::InviteRequired,
        ))),
        _ => Ok(()),
    }
}
