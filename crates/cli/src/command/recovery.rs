//! `recovery`: back in without the password, and being prepared for it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use sv_client::account::{new_recovery_key, start_recovery};
use sv_client::vault::StateCheck;

use super::proof::prove;
use crate::ask::{self, CodeArgs, NewPassword, PasswordArgs, RecoveryWords, with_code};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::platform::ServerArgs;
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
    /// Make a new recovery key; the old one stops working
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
    async fn run(self, context: &Context) -> Result {
        let mut session = context.session().await?;
        let password = self.password.present()?;
        let file = self.sheet.as_deref().map(SheetFile::create).transpose()?;
        let made = async {
            prove(&context.out, &mut session, &password, &self.code).await?;
            Ok(new_recovery_key(&mut session, &password).await?)
        };
        let key = match made.await {
            Ok(key) => key,
            Err(failure) => {
                if let Some(file) = file {
                    file.discard();
                }
                return Err(failure);
            }
        };
        let words = key.to_words();
        context
            .out
            .show(&json!({"recovery_key": words.as_str()}), || {
                reveal::recovery_key(&words)
            })?;
        if let Some(mut file) = file {
            let sheet = Sheet {
                server: server_of(context)?,
                handle: &session.profile().handle,
                recovery_key: Some(&words),
                state_check: Some(StateCheck::of(&session).await?.to_text()),
                ..Sheet::default()
            };
            file.write(&sheet)?;
        }
        if !context.out.json && ask::is_interactive() {
            reveal::retype(&context.out, session.platform(), &words)?;
        }
        Ok(())
    }
}

async fn sheet(context: &Context, output: &std::path::Path) -> Result {
    let session = context.session().await?;
    let check = StateCheck::of(&session).await?.to_text();
    let sheet = Sheet {
        server: server_of(context)?,
        handle: &session.profile().handle,
        state_check: Some(check.clone()),
        ..Sheet::default()
    };
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

fn server_of(context: &Context) -> Result<String> {
    let server = context.home.server()?;
    Ok(server.map(|server| server.to_string()).unwrap_or_default())
}
