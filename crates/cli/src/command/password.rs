//! `password` and `sessions`: who may come in with what, and who is in.

use clap::{Args, Subcommand};
use serde_json::json;
use sv_client::ClientError;
use sv_client::account::change_password;
use sv_ledger::id::SessionId;

use super::proof::prove;
use crate::ask::{CodeArgs, NewPassword, PasswordArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::human;

/// Change the password; every other device is logged out
#[derive(Debug, Args)]
#[command(after_help = "\
Asks for the present password, a one-time code and the new password. In scripts: \
SECUREVAULT_PASSWORD and SECUREVAULT_NEW_PASSWORD, or --password-stdin with one line for each.")]
pub(super) struct Password {
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    code: CodeArgs,
}

/// List the devices that are logged in, or log one out
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault sessions
  securevault sessions revoke b3JhbmdlIGp1aWNlIQ")]
pub(super) struct Sessions {
    #[command(subcommand)]
    action: Option<SessionsAction>,
}

#[derive(Debug, Subcommand)]
enum SessionsAction {
    /// Every device that is logged in
    List,
    /// Log another device out
    Revoke {
        /// Its id, as `sessions list` shows it; the start is enough
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

impl Password {
    pub(super) async fn run(self, context: &Context) -> Result {
        let mut session = context.session().await?;
        let present = self.password.present()?;
        let new = self.password.new_password(NewPassword::Next)?;
        prove(&context.out, &mut session, &present, &self.code).await?;
        change_password(&mut session, &new).await?;
        context.out.done(&json!({"changed": true}), || {
            "The password is changed; other devices have to log in again. The recovery key stays \
             valid."
                .to_owned()
        })
    }
}

impl Sessions {
    pub(super) async fn run(self, context: &Context) -> Result {
        let session = context.session().await?;
        let list = session.sessions().await?;
        let Some(SessionsAction::Revoke { id }) = self.action else {
            return context.out.show(&list.sessions, || {
                let rows = list.sessions.iter().map(|row| {
                    format!(
                        "{}  last used {}  since {}  {}{}\n",
                        row.session_id,
                        human::time(row.last_used_ms),
                        human::time(row.created_ms),
                        human::printable(&row.device_label),
                        if row.current { "  (this device)" } else { "" }
                    )
                });
                rows.collect()
            });
        };
        let ids = list.sessions.iter().map(|row| row.session_id);
        let found: Vec<SessionId> = ids.filter(|row| row.to_string().starts_with(&id)).collect();
        let chosen = match found.as_slice() {
            [] => return Err(ClientError::NotFound(format!("session {id}")).into()),
            [one] => *one,
            _ => {
                return Err(Failure::usage(format!(
                    "{id}: more than one session starts like that"
                )));
            }
        };
        session.end_session(chosen).await?;
        let id = chosen.to_string();
        context.out.done(&json!({"revoked": id}), || {
            format!("Session {id} is ended.")
        })
    }
}
