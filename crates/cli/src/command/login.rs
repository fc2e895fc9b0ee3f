//! `login`, `logout`, `whoami`: this device and the account.

use clap::Args;
use serde_json::json;
use sv_client::ClientError;
use sv_client::account::{LogIn, Profile, Rest, Session, Stage};
use sv_client::port::{Keychain, Platform, Storage};
use sv_client::vault::{StateCheck, publish_pins};

use crate::ask::{self, CodeArgs, PasswordArgs, with_code};
use crate::context::Context;
use crate::device::DeviceArgs;
use crate::failure::{Failure, Result};
use crate::human;
use crate::platform::{KeyPlace, KeyringArgs, NativePlatform, ServerArgs};

/// Log in on this device
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault login --server https://vault.example.org --user alice
  securevault login                      (again on the same device)
  securevault login --state-check svh1-… (hold the server to an emergency sheet)
  securevault login --no-keep            (on a computer that is not one's own)

A --code-command gets nothing on its standard input here: it must know the TOTP secret itself, \
for instance `oathtool --totp -b @secret.txt`.")]
pub(super) struct Login {
    #[command(flatten)]
    server: ServerArgs,
    /// User name [default: the one this device knows]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// State check code of an emergency sheet: refuse a server that shows an
    /// older or another state
    #[arg(long, value_name = "CODE")]
    state_check: Option<String>,
    /// Keep no key on this device: nothing here can be opened offline, or
    /// after this session has ended
    #[arg(long)]
    no_keep: bool,
    /// The server was restored from a backup: accept that the list of
    /// passwords and recovery keys is older than this device knows
    #[arg(long)]
    after_restore: bool,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    keyring: KeyringArgs,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    code: CodeArgs,
}

/// Log out and wipe keys and caches from this device
#[derive(Debug, Args)]
#[command(after_help = "\
Works offline too. What remains lets the server recognise this device at the next log-in; \
--forget removes that as well.")]
pub(super) struct Logout {
    /// Remove every trace of the account from this device
    #[arg(long)]
    forget: bool,
}

/// Show who is logged in on this device, and where
#[derive(Debug, Args)]
pub(super) struct Whoami {}

impl Login {
    pub(super) async fn run(self, context: &Context) -> Result {
        let check = self
            .state_check
            .as_deref()
            .map(StateCheck::parse)
            .transpose()
            .map_err(|error| Failure::usage(error.to_string()))?;
        let (platform, server) = context.platform_for_login(&self.server, self.keyring)?;
        let user = match self.user.clone() {
            Some(user) => user,
            None => known_user(&platform).await?,
        };
        let password = self.password.present()?;
        let started = LogIn {
            handle: &user,
            password: &password,
            device_label: &self.device.label(),
        }
        .start(platform)
        .await?;
        let started = match self.no_keep {
            true => started.without_keeping(),
            false => started,
        };
        let mut waiting = Some(match self.after_restore {
            true => started.after_restore(),
            false => started,
        });
        let session = with_code(self.code.codes(&context.out, None), async |code| {
            let login = waiting.take().ok_or(ClientError::Interrupted)?;
            login.finish(&code).await.map_err(|(again, error)| {
                waiting = again.map(|login| *login);
                error.into()
            })
        })
        .await?;
        context.home.remember_server(&server)?;
        if let Some(check) = check
            && let Err(error) = check.verify(&session).await
        {
            // Nothing may be done with a server that was just caught.
            let _ = session.log_out().await;
            return Err(error.into());
        }
        let handle = &session.profile().handle;
        let server = server.url;
        let has_authenticator = session.status().await?.has_authenticator;
        if !has_authenticator {
            context.out.warn(
                "This account has no authenticator: set one up within 30 minutes, by \
                 `securevault totp replace`, or you cannot log in again. Then make new backup \
                 codes, by `securevault totp backup-codes`.",
            );
        }
        let value = json!({
            "handle": handle,
            "server": server,
            "has_authenticator": has_authenticator,
        });
        context
            .out
            .done(&value, || format!("Logged in as {handle} at {server}."))
    }
}

impl Logout {
    pub(super) async fn run(self, context: &Context) -> Result {
        let told = match context.session().await {
            Ok(session) => log_out(session).await?,
            Err(failure) => {
                let is_over = matches!(failure, Failure::Client(ClientError::NotLoggedIn));
                self.wipe_what_there_is(context, failure).await?;
                is_over
            }
        };
        if self.forget
            && let Ok((platform, _)) = context.platform(&ServerArgs::default())
        {
            platform.storage().clear().await?;
        }
        context.out.done(&json!({"server_told": told}), || {
            if told {
                "Logged out; keys and caches are wiped from this device.".to_owned()
            } else {
                "Keys and caches are wiped from this device, but the server could not be told. The \
                 session there can be ended by `securevault sessions revoke` on another device; \
                 else it ends by itself."
                    .to_owned()
            }
        })
    }

    /// An account that was not confirmed, or whose key is damaged, is still
    /// wiped; without one there is nothing to log out from.
    async fn wipe_what_there_is(&self, context: &Context, failure: Failure) -> Result {
        let Ok((platform, _)) = context.platform(&ServerArgs::default()) else {
            return Err(failure);
        };
        let is_there = match Profile::load(&platform).await {
            Ok(None) => false,
            Ok(Some(profile)) => profile.stage != Stage::LoggedOut || self.forget,
            Err(_) => true,
        };
        if !is_there {
            return Err(failure);
        }
        platform.keychain().wipe().await?;
        Ok(platform.storage().clear().await?)
    }
}

/// Whether the server could be told.
async fn log_out(session: Session<NativePlatform>) -> Result<bool> {
    // Offline, what this device saw is lost to the others; its keys go all the
    // same.
    if let Err(error @ ClientError::Tampered(_)) = publish_pins(&session, true).await {
        return Err(error.into());
    }
    Ok(session.log_out().await?.is_ok())
}

impl Whoami {
    pub(super) async fn run(self, context: &Context) -> Result {
        let session = context.session().await?;
        let profile = session.profile();
        let server = context.home.server()?.map(|server| server.url.to_string());
        let status = match session.status().await {
            Ok(status) => Some(status),
            Err(ClientError::Offline(why)) => {
                context.out.warn(&format!("cannot reach the server: {why}"));
                None
            }
            Err(error) => return Err(error.into()),
        };
        let key_is = match profile.rest {
            Rest::Device => session.platform().keychain().place()?,
            Rest::Session { .. } => None,
        };
        let value = json!({
            "handle": profile.handle,
            "uid": profile.uid.to_string(),
            "server": server,
            "device": profile.device_label,
            "home": context.home.dir(),
            "key": key_is.map_or("session", KeyPlace::word),
            "online": status.is_some(),
            "used_bytes": status.as_ref().map(|s| s.used_bytes),
            "quota_bytes": status.as_ref().and_then(|s| s.quota_bytes),
            "backup_codes_left": status.as_ref().map(|s| s.backup_codes_left),
            "administrator": status.as_ref().map(|s| s.administrator),
        });
        context.out.show(&value, || {
            let mut text = format!(
                "{} at {}\ndevice    {}\nhome      {}\n",
                profile.handle,
                server.unwrap_or_default(),
                profile.device_label,
                context.home.dir().display()
            );
            text += &match key_is {
                Some(place) => format!("key       {place}\n"),
                None => {
                    "key       not kept here: works online, until this session ends\n".to_owned()
                }
            };
            if let Some(status) = &status {
                let quota = status.quota_bytes.map_or_else(
                    || "no limit".to_owned(),
                    |quota| format!("of {}", human::size(quota)),
                );
                text += &format!(
                    "storage   {} used, {quota}\nbackup codes left: {}\n",
                    human::size(status.used_bytes),
                    status.backup_codes_left
                );
            }
            text
        })
    }
}

async fn known_user(platform: &NativePlatform) -> Result<String> {
    if let Some(profile) = Profile::load(platform).await? {
        return Ok(profile.handle);
    }
    if ask::is_interactive() {
        ask::line("User name: ")
    } else {
        Err(Failure::usage("which user? Give the name with --user"))
    }
}
