//! `recovery`: back in without the password, and being prepared for it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use sv_api::ErrorCode;
use sv_client::ClientError;
use sv_client::account::{
    RecoveryKey, Session, generate_recovery_key, replace_recovery_key, start_recovery,
};
use sv_client::vault::StateCheck;

use super::proof::prove;
use crate::ask::{self, CodeArgs, NewPassword, PasswordArgs, RecoveryWords, with_code};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::platform::{NativePlatform, ServerArgs};
use crate::reveal;
use crate::sheet::{Sheet, SheetFile};

/// Set a new password by the recovery key, or prepare for having to
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault recovery login --server https://vault.example.org --user alice
  securevault recovery new-key --sheet alice.html
  securevault recovery sheet -o alice.html")]
pub(super) struct Recovery {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Set a new password with the 24 words and a code; then log in with it
    Login(RecoveryLogin),
    /// Make a new recovery key; the old one stops working. The new one is
    /// shown before it is in force, which the exit code 0 says
    NewKey(NewKey),
    /// Print an emergency sheet with the present state check. Recovery key
    /// and backup codes are not known to this device: they are left blank
    Sheet {
        /// File to write (text, or HTML by its name)
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

#[derive(Debug, Args)]
struct RecoveryLogin {
    #[command(flatten)]
    server: ServerArgs,
    /// User name
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    words: RecoveryWords,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    code: CodeArgs,
}

#[derive(Debug, Args)]
struct NewKey {
    /// Write an emergency sheet with the new key (text, or HTML by its name)
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    code: CodeArgs,
}

impl Recovery {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self.action {
            Action::Login(login) => login.run(context).await,
            Action::NewKey(new) => new.run(context).await,
            Action::Sheet { output } => sheet(context, &output).await,
        }
    }
}

impl RecoveryLogin {
    async fn run(self, context: &Context) -> Result {
        let (platform, server) = context.platform(&self.server)?;
        let user = match self.user.clone() {
            Some(user) => user,
            None if ask::is_interactive() => ask::line("User name: ")?,
            None => return Err(Failure::usage("which user? Give the name with --user")),
        };
        let words = self.words.read()?;
        let password = self.password.new_password(NewPassword::First)?;
        let codes = self.code.codes(&context.out, None);
        let recovered = with_code(codes, async |code| {
            let started = start_recovery(&platform, &user, &words).await?;
            Ok(started.finish(&code).await?)
        })
        .await?;
        recovered.set_password(&password).await?;
        let known = context.home.server()?;
        if known.is_none_or(|known| known.url == server.url) {
            context.home.remember_server(&server)?;
        }
        context.out.done(&json!({"changed": true}), || {
            "The new password is set; the recovery key stays valid, every device has to log in \
             again: `securevault login`."
                .to_owned()
        })
    }
}

impl NewKey {
    /// The key is in the person's hands before it is in force: after that,
    /// neither a closed output nor a lost answer may cost what opens the
    /// account.
    async fn run(self, context: &Context) -> Result {
        let mut session = context.session().await?;
        let password = self.password.present()?;
        let mut file = self.sheet.as_deref().map(SheetFile::create).transpose()?;
        let shown = async {
            prove(&context.out, &mut session, &password, &self.code).await?;
            let key = generate_recovery_key(&session)?;
            hand_over(context, &session, &key, file.as_mut())?;
            Ok(key)
        };
        let key = match shown.await {
            Ok(key) => key,
            Err(failure) => return Err(discard(file, failure)),
        };
        match replace_recovery_key(&mut session, &password, &key).await {
            Ok(()) => {}
            Err(error) if may_be_done(&error) => {
                context.out.warn(
                    "It is not known which recovery key is in force. Keep the new one AND the old \
                     one, and run this again when the server can be reached.",
                );
                return Err(error.into());
            }
            Err(error) => {
                context
                    .out
                    .warn("The new recovery key is not in force; the old one stays.");
                return Err(discard(file, error.into()));
            }
        }
        context
            .out
            .remark("The new recovery key is in force; the old one is not any more.");
        if let Some(mut file) = file {
            let check = StateCheck::of(&session).await?.to_text();
            file.write(&sheet_of(
                context,
                &session,
                Some(&key.to_words()),
                Some(check),
            )?)?;
        }
        if !context.out.json && ask::is_interactive() {
            reveal::retype(&context.out, session.platform(), &key.to_words())?;
        }
        Ok(())
    }
}

/// Shows a key that is not in force yet, and writes it to the sheet.
fn hand_over(
    context: &Context,
    session: &Session<NativePlatform>,
    key: &RecoveryKey,
    file: Option<&mut SheetFile>,
) -> Result {
    let words = key.to_words();
    if let Some(file) = file {
        file.write(&sheet_of(context, session, Some(&words), None)?)?;
    }
    context
        .out
        .show(&json!({"recovery_key": words.as_str()}), || {
            reveal::recovery_key(&words)
        })?;
    context
        .out
        .remark("It is not in force yet: the server is asked now.");
    Ok(())
}

fn discard(file: Option<SheetFile>, failure: Failure) -> Failure {
    if let Some(file) = file {
        file.discard();
    }
    failure
}

/// Whether the server may have done what it did not say it did. A conflict may
/// be with a later change than the one asked for.
fn may_be_done(error: &ClientError) -> bool {
    match error {
        ClientError::Refused(refusal) => {
            refusal.code == ErrorCode::Conflict || refusal.code.status() >= 500
        }
        ClientError::Offline(_)
        | ClientError::Misbehaved(_)
        | ClientError::Local(_)
        | ClientError::Interrupted => true,
        _ => false,
    }
}

async fn sheet(context: &Context, output: &std::path::Path) -> Result {
    let session = context.session().await?;
    let check = StateCheck::of(&session).await?.to_text();
    let sheet = sheet_of(context, &session, None, Some(check.clone()))?;
    SheetFile::create(output)?.write(&sheet)?;
    context
        .out
        .done(&json!({"sheet": output, "state_check": check}), || {
            format!(
                "{} is written. Fill in the recovery key and the backup codes by hand.",
                output.display()
            )
        })
}

fn sheet_of<'s>(
    context: &Context,
    session: &'s Session<NativePlatform>,
    recovery_key: Option<&'s str>,
    state_check: Option<String>,
) -> Result<Sheet<'s>> {
    let server = context.home.server()?;
    Ok(Sheet {
        server: server.map(|url| url.to_string()).unwrap_or_default(),
        handle: &session.profile().handle,
        recovery_key,
        state_check,
        ..Sheet::default()
    })
}
