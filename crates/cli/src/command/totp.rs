//! `totp`: the second factor.

use clap::{Args, Subcommand};
use serde_json::json;
use sv_client::account::{confirm_sign_up, confirm_totp, new_backup_codes, new_totp};

use super::proof::proved;
use crate::ask::{CodeArgs, PasswordArgs, with_code};
use crate::context::Context;
use crate::failure::Result;
use crate::platform::ServerArgs;
use crate::reveal;

/// Confirm or replace the authenticator, or get new backup codes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault totp confirm 123456     (the last step of `signup --json`)
  securevault totp replace            (a new phone, or after an administrator's reset)
  securevault totp backup-codes       (ten new ones; the old ones stop working)")]
pub(super) struct Totp {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Give a sign-up its first one-time code; this device is logged in then
    Confirm {
        /// The code that the authenticator shows
        #[arg(value_name = "CODE", conflicts_with = "code")]
        first: Option<String>,
        #[command(flatten)]
        code: CodeArgs,
    },
    /// Set up a new authenticator in place of the present one. Within 30
    /// minutes of a log-in with an administrator's reset code, nothing else is
    /// asked for
    Replace(Proof),
    /// Get ten new backup codes; the old ones stop working
    BackupCodes(Proof),
}

#[derive(Debug, Args)]
struct Proof {
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    code: CodeArgs,
    /// A shell command that prints a code of the new authenticator; it gets
    /// the new secret on its standard input
    #[arg(long, value_name = "CMD")]
    new_code_command: Option<String>,
}

impl Totp {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self.action {
            Action::Confirm { first, code } => confirm(context, first, code).await,
            Action::Replace(proof) => replace(context, &proof).await,
            Action::BackupCodes(proof) => backup_codes(context, &proof).await,
        }
    }
}

async fn confirm(context: &Context, first: Option<String>, code: CodeArgs) -> Result {
    let (platform, _) = context.platform(&ServerArgs::default())?;
    let args = CodeArgs {
        code: first.or(code.code),
        ..code
    };
    let codes = args.codes(&context.out, None);
    let session = with_code(codes, async |code| {
        Ok(confirm_sign_up(platform.clone(), &code).await?)
    })
    .await?;
    let handle = &session.profile().handle;
    context
        .out
        .done(&json!({"handle": handle, "confirmed": true}), || {
            format!("Welcome, {handle}. This device is logged in.")
        })
}

async fn replace(context: &Context, proof: &Proof) -> Result {
    let mut session = context.session().await?;
    let (out, password, code) = (&context.out, &proof.password, &proof.code);
    let setup = proved(out, &mut session, password, code, new_totp).await?;
    let args = CodeArgs {
        code: None,
        code_command: proof.new_code_command.clone(),
    };
    let value = json!({"totp_secret": setup.secret, "otpauth_uri": setup.otpauth_uri});
    if !context.out.json {
        context.out.show(&value, || reveal::totp(&setup))?;
    }
    let codes = args.codes(&context.out, Some(&setup.secret));
    with_code(codes, async |code| Ok(confirm_totp(&session, &code).await?)).await?;
    let left = session.status().await?.backup_codes_left;
    context.out.done(&value, || {
        let codes = match left {
            0 => " There are no backup codes: `securevault totp backup-codes` makes some.",
            _ => "",
        };
        format!("The new authenticator is in force; the old one is not any more.{codes}")
    })
}

async fn backup_codes(context: &Context, proof: &Proof) -> Result {
    let mut session = context.session().await?;
    let (out, password, code) = (&context.out, &proof.password, &proof.code);
    let shown = match proved(out, &mut session, password, code, new_backup_codes).await {
        Ok(codes) => context.out.show(&json!({"backup_codes": codes}), || {
            reveal::backup_codes(&codes)
        }),
        // Refused, or not asked for properly: the old ones are in force.
        Err(failure) if matches!(failure.exit_code(), 2 | 3) => return Err(failure),
        Err(failure) => Err(failure),
    };
    if shown.is_err() {
        // The server makes the codes: they are in force before they are shown.
        context.out.warn(
            "The old backup codes may not work any more, and the new ones were not shown: run \
             this again.",
        );
    }
    shown
}
