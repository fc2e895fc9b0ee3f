//! `trash`: what was removed, and getting it back.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::ask;
use crate::context::{Context, open_drive};
use crate::failure::{Failure, Result};
use crate::human;
use crate::view::{TrashedView, name};

/// List the trash, restore something from it, or empty it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault trash list
  securevault trash restore report.pdf
  securevault trash restore /contracts/report.pdf
  securevault trash empty --older-than 7d")]
pub(super) struct Trash {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// What is in the trash, newest first
    List,
    /// Bring back what was removed last under a name or path
    Restore {
        /// Name, or the path it had
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Remove for good what is in the trash
    Empty {
        /// Only what has been in it so long, like 7d
        #[arg(long, value_name = "TIME")]
        older_than: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

impl Trash {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self.action.unwrap_or(Action::List) {
            Action::List => list(context).await,
            Action::Restore { names } => restore(context, &names).await,
            Action::Empty { older_than, yes } => empty(context, older_than.as_deref(), yes).await,
        }
    }
}

async fn list(context: &Context) -> Result {
    let session = context.session().await?;
    let mut drive = open_drive(context, &session).await?;
    drive.expire_trash().await?;
    let trashed = drive.trashed();
    let views: Vec<TrashedView<'_>> = trashed.iter().map(TrashedView::from).collect();
    context.out.show(&views, || {
        let rows = trashed.iter().map(|row| {
            let from = row.from.as_deref().unwrap_or("a folder that is gone");
            format!(
                "{}  {:>10}  {}  (from {from})\n",
                human::time(row.at_ms),
                human::size(row.item.size),
                name(&row.item)
            )
        });
        rows.collect()
    })
}

async fn restore(context: &Context, names: &[String]) -> Result {
    let session = context.session().await?;
    let mut drive = open_drive(context, &session).await?;
    let mut restored = Vec::new();
    for name in names {
        restored.push(drive.untrash(name).await?);
    }
    context.close(&session).await?;
    context.out.done(&json!({"restored": restored}), || {
        format!("Restored {}", restored.join(", "))
    })
}

async fn empty(context: &Context, older_than: Option<&str>, yes: bool) -> Result {
    let older_ms = match older_than {
        None => 0,
        Some(age) => crate::platform::now_ms().saturating_sub(human::parse_time(age)?),
    };
    let session = context.session().await?;
    let mut drive = open_drive(context, &session).await?;
    let there = drive.trashed().len() as u64;
    if there > 0 && !yes && ask::is_interactive() {
        let question = format!(
            "Remove for good what is in the trash ({})? [y/N] ",
            human::count(there, "item")
        );
        if !matches!(ask::line(&question)?.trim(), "y" | "Y" | "yes") {
            return Err(Failure::Local("nothing was removed".to_owned()));
        }
    }
    let removed = drive.empty_trash(older_ms).await?;
    context.close(&session).await?;
    context.out.done(&json!({"removed": removed}), || {
        format!("Removed {} for good", human::count(removed as u64, "item"))
    })
}
