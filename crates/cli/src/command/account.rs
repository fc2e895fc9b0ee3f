//! `account`: the account as a whole.

use clap::{Args, Subcommand};
use serde_json::json;

use super::proof::proved;
use crate::ask::{self, CodeArgs, PasswordArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::human;

/// The account as a whole: delete it
#[derive(Debug, Args)]
pub(super) struct Account {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Delete the account and everything in it, after seven days
    Delete(Delete),
}

#[derive(Debug, Args)]
#[command(after_help = "\
All devices are logged out, and keys and caches are wiped from this one. For seven days the \
account can still be had back: log in. Then it is gone for good, with all its files, and the \
user name is free. Export first what you want to keep: securevault export --all DIR")]
struct Delete {
    /// The user name once more, in place of typing it when asked
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    code: CodeArgs,
}

impl Account {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self.action {
            Action::Delete(delete) => delete.run(context).await,
        }
    }
}

impl Delete {
    async fn run(self, context: &Context) -> Result {
        let mut session = context.session().await?;
        let handle = session.profile().handle.clone();
        let typed = match self.confirm {
            Some(typed) => typed,
            None if ask::is_interactive() => ask::line(&format!(
                "This deletes {handle} and every file in it. Type the user name to go on: "
            ))?,
            None => {
                return Err(Failure::usage(
                    "this deletes the account; say so with --confirm and the user name",
                ));
            }
        };
        if typed.trim() != handle {
            return Err(Failure::usage(format!(
                "nothing was deleted: that is not {handle}"
            )));
        }
        let deleted_from_ms = proved(
            &context.out,
            &mut session,
            &self.password,
            &self.code,
            async |session| session.request_deletion().await,
        )
        .await?;
        session.wipe().await?;
        let value = json!({ "handle": handle, "deleted_from_ms": deleted_from_ms });
        context.out.done(&value, || {
            format!(
                "{handle} will be deleted on {}. Until then, logging in calls that off.",
                human::time(deleted_from_ms)
            )
        })
    }
}
