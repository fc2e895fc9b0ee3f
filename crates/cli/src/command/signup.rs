//! `signup`: a new account, from password to confirmed second factor.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use sv_client::account::{NewAccount, Session, SignedUp, confirm_sign_up, sign_up};
use sv_client::vault::StateCheck;

use crate::ask::{self, CodeArgs, NewPassword, PasswordArgs, with_code};
use crate::context::Context;
use crate::device::DeviceArgs;
use crate::failure::{Failure, Result};
use crate::platform::{KeyringArgs, NativePlatform, Server, ServerArgs, ServerUrl};
use crate::reveal;
use crate::sheet::{Sheet, SheetFile};

/// Make an account on a server
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault signup --server https://vault.example.org --user alice
  securevault signup --server https://vault.example.org --user alice --invite CODE --sheet alice.html
  SECUREVAULT_PASSWORD=… securevault signup --server http://localhost:8080 --user bot \\
      --code-command 'oathtool --totp -b -' --json

The recovery key and the backup codes are shown once. With --json and without --code-command, \
finish by `securevault totp confirm CODE`.")]
pub(super) struct Signup {
    #[command(flatten)]
    server: ServerArgs,
    /// User name
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Invitation code
    #[arg(long, value_name = "CODE")]
    invite: Option<String>,
    /// Write the emergency sheet here (text, or HTML by its name)
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    keyring: KeyringArgs,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    code: CodeArgs,
}

#[derive(Serialize)]
struct Shown<'a> {
    handle: &'a str,
    server: &'a ServerUrl,
    totp_secret: &'a str,
    otpauth_uri: &'a str,
    recovery_key: &'a str,
    backup_codes: &'a [String],
    confirmed: bool,
    state_check: Option<String>,
}

impl Signup {
    pub(super) async fn run(self, context: &Context) -> Result {
        let (platform, server) = context.platform_for_login(&self.server, self.keyring)?;
        let user = match &self.user {
            Some(user) => user.clone(),
            None if ask::is_interactive() => ask::line("User name: ")?,
            None => return Err(Failure::usage("which user name? Give it with --user")),
        };
        let mut sheet = self.sheet.as_deref().map(SheetFile::create).transpose()?;
        let made = self.make(&platform, &user).await;
        let signed = match made {
            Ok(signed) => signed,
            Err(failure) => {
                if let Some(sheet) = sheet {
                    sheet.discard();
                }
                return Err(failure);
            }
        };
        context.home.remember_server(&server)?;
        if let Some(file) = &mut sheet {
            file.write(&sheet_of(&signed, &server, None))?;
        }
        if context.out.json {
            self.finish_for_program(context, platform, &server, &signed, sheet)
                .await
        } else {
            self.finish_for_person(context, platform, &server, &signed, sheet)
                .await
        }
    }

    async fn make(&self, platform: &NativePlatform, user: &str) -> Result<SignedUp> {
        let password = self.password.new_password(NewPassword::First)?;
        let new = NewAccount {
            handle: user,
            password: &password,
            invite: self.invite.as_deref(),
            device_label: &self.device.label(),
        };
        Ok(sign_up(platform, &new).await?)
    }

    /// Whatever happens after sign-up, the secrets are printed: they exist
    /// nowhere else.
    async fn finish_for_program(
        &self,
        context: &Context,
        platform: NativePlatform,
        server: &Server,
        signed: &SignedUp,
        sheet: Option<SheetFile>,
    ) -> Result {
        let mut shown = Shown {
            handle: signed.handle.as_str(),
            server: &server.url,
            totp_secret: &signed.totp.secret,
            otpauth_uri: &signed.totp.otpauth_uri,
            recovery_key: &signed.recovery_words,
            backup_codes: &signed.backup_codes,
            confirmed: false,
            state_check: None,
        };
        let outcome = if self.code.is_given() {
            let confirmed = self.confirm(context, platform, signed).await;
            match confirmed {
                Ok(session) => {
                    shown.confirmed = true;
                    complete_sheet(&session, server, signed, sheet)
                        .await
                        .map(|check| shown.state_check = Some(check))
                }
                Err(failure) => Err(failure),
            }
        } else {
            context
                .out
                .remark("Set up the authenticator, then run `securevault totp confirm CODE`.");
            Ok(())
        };
        context.out.show(&shown, String::new)?;
        outcome
    }

    async fn finish_for_person(
        &self,
        context: &Context,
        platform: NativePlatform,
        server: &Server,
        signed: &SignedUp,
        sheet: Option<SheetFile>,
    ) -> Result {
        let show = |text: String| context.out.show(&(), || format!("{text}\n"));
        show(reveal::recovery_key(&signed.recovery_words))?;
        if ask::is_interactive() {
            reveal::retype(&context.out, &platform, &signed.recovery_words)?;
        }
        show(reveal::backup_codes(&signed.backup_codes))?;
        show(reveal::totp(&signed.totp))?;
        let sheet = match sheet {
            None if ask::is_interactive() => offer_sheet(context, signed, server)?,
            sheet => sheet,
        };
        let session = self.confirm(context, platform, signed).await?;
        complete_sheet(&session, server, signed, sheet).await?;
        context.out.remark(&format!(
            "Welcome, {}. This device is logged in; `securevault put FILE` stores the first file.",
            signed.handle
        ));
        Ok(())
    }

    async fn confirm(
        &self,
        context: &Context,
        platform: NativePlatform,
        signed: &SignedUp,
    ) -> Result<Session<NativePlatform>> {
        let codes = self.code.codes(&context.out, Some(&signed.totp.secret));
        with_code(codes, async |code| {
            Ok(confirm_sign_up(platform.clone(), &code).await?)
        })
        .await
    }
}

fn sheet_of<'a>(signed: &'a SignedUp, server: &Server, check: Option<String>) -> Sheet<'a> {
    Sheet {
        server: server.to_string(),
        handle: signed.handle.as_str(),
        recovery_key: Some(&signed.recovery_words),
        backup_codes: &signed.backup_codes,
        state_check: check,
    }
}

/// Adds to the sheet what is known only now: which state the vault is in.
async fn complete_sheet(
    session: &Session<NativePlatform>,
    server: &Server,
    signed: &SignedUp,
    sheet: Option<SheetFile>,
) -> Result<String> {
    let check = StateCheck::of(session).await?.to_text();
    if let Some(mut file) = sheet {
        file.write(&sheet_of(signed, server, Some(check.clone())))?;
    }
    Ok(check)
}

fn offer_sheet(context: &Context, signed: &SignedUp, server: &Server) -> Result<Option<SheetFile>> {
    loop {
        let path = ask::line(
            "Write a printable sheet with recovery key and backup codes? File name, or Enter for \
             none: ",
        )?;
        if path.trim().is_empty() {
            return Ok(None);
        }
        let written = SheetFile::create(path.trim().as_ref()).and_then(|mut file| {
            file.write(&sheet_of(signed, server, None))?;
            Ok(file)
        });
        match written {
            Ok(file) => return Ok(Some(file)),
            Err(failure) => context.out.warn(&failure.to_string()),
        }
    }
}
