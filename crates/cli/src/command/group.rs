//! `group`: people with whom things are shared together.

use clap::{Args, Subcommand};
use serde_json::json;
use sv_client::sharing;
use sv_client::vault::Vault;
use sv_ledger::genesis::VaultKind;
use sv_ledger::sealed::ContentSuite;

use super::share::{RoleName, create, open_shared, show_members, show_shares};
use super::unshare::Unshare;
use crate::context::Context;
use crate::failure::Result;

/// Groups of people that things are shared with together
#[derive(Debug, Args)]
pub(super) struct Group {
    #[command(subcommand)]
    action: GroupAction,
}

#[derive(Debug, Subcommand)]
enum GroupAction {
    /// Make a group
    Create {
        /// Its name
        name: String,
    },
    /// Add people
    Add {
        /// The group
        name: String,
        /// User names
        #[arg(required = true)]
        people: Vec<String>,
        /// What they may do with the group; with what is shared with it, never more
        #[arg(long, value_enum, default_value = "editor")]
        role: RoleName,
    },
    /// Remove people, from everything that is shared with the group too
    Remove {
        /// The group
        name: String,
        /// User names
        #[arg(required = true)]
        people: Vec<String>,
    },
    /// List groups, or who is in one
    Ls {
        /// The group
        name: Option<String>,
    },
}

impl Group {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self.action {
            GroupAction::Create { name } => {
                let name = create(context, &name, VaultKind::Group, ContentSuite::Blocks).await?;
                context
                    .out
                    .done(&json!({"name": name}), || format!("Made group:{name}"))
            }
            GroupAction::Add { name, people, role } => {
                let session = context.session().await?;
                let mut account = Vault::account(&session).await?;
                let mut group = open_shared(&session, &account, &format!("vault:{name}")).await?;
                let invitees = sharing::invitees(&mut account, &people).await?;
                let done =
                    sharing::give_access(&mut account, &mut group, &invitees, role.role(), 0)
                        .await?;
                context.close(&session).await?;
                let value = json!({"group": name, "added": done.granted, "pending": done.pending});
                context.out.done(&value, || {
                    let all = [done.granted, done.pending].concat();
                    format!("group:{name}: added {}", all.join(", "))
                })
            }
            GroupAction::Remove { name, people } => {
                Unshare::from_group(&name, people).run(context).await
            }
            GroupAction::Ls { name } => {
                let session = context.session().await?;
                let mut account = Vault::account(&session).await?;
                match name {
                    Some(name) => {
                        let path = format!("vault:{name}");
                        let group = open_shared(&session, &account, &path).await?;
                        show_members(context, &mut account, &group).await
                    }
                    None => {
                        let shares = sharing::shares(&session, &account).await?;
                        show_shares(context, &mut account, &shares, VaultKind::Group).await
                    }
                }
            }
        }
    }
}
