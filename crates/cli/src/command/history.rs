//! `history` and `restore`: what a file was before.

use clap::Args;
use serde_json::json;
use sv_client::sharing::Last;

use crate::context::{Context, open_at, remote};
use crate::failure::Result;
use crate::human;
use crate::view::VersionView;

/// Show the versions of a file, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  securevault history /contract.odt

`securevault get --version N` reads an old version, `securevault restore --version N` makes it \
the newest again.")]
pub(super) struct History {
    /// File or note
    path: String,
}

/// Make an old version the newest again; nothing is lost by it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault restore /contract.odt --version 3
  securevault restore /contract.odt --at \"2026-11-20 12:00\"
  securevault restore /contracts --at 2h      (a whole folder, as of two hours ago)")]
pub(super) struct Restore {
    /// File, note, or with --at also a folder
    path: String,
    /// Number of the version, as `history` shows it
    #[arg(long, value_name = "N", required_unless_present = "at")]
    version: Option<usize>,
    /// How it was at a time: a date, a date and time, or so long ago
    #[arg(long, value_name = "TIME", conflicts_with = "version")]
    at: Option<String>,
}

impl History {
    pub(super) async fn run(self, context: &Context) -> Result {
        let path = remote(&self.path)?;
        let session = context.session().await?;
        let (drive, path) = open_at(context, &session, &path, Last::Through).await?;
        let versions = drive.history(&path)?;
        let views: Vec<VersionView<'_>> = versions.iter().map(VersionView::from).collect();
        context.out.show(&views, || {
            let rows = versions.iter().map(|version| {
                format!(
                    "{:>4}  {:16}  {:>10}  {}{}\n",
                    version.number,
                    human::time(version.saved_ms),
                    human::size(version.size),
                    version.device.as_deref().unwrap_or("-"),
                    if version.current { "  (current)" } else { "" }
                )
            });
            rows.collect()
        })
    }
}

impl Restore {
    pub(super) async fn run(self, context: &Context) -> Result {
        let path = remote(&self.path)?;
        let at_ms = self.at.as_deref().map(human::parse_time).transpose()?;
        let session = context.session().await?;
        let (mut drive, inner) = open_at(context, &session, &path, Last::Through).await?;
        let (value, text) = if let Some(at_ms) = at_ms {
            let done = drive.restore_at(&inner, at_ms).await?;
            let value = json!({
                "path": path.to_string(), "at_ms": at_ms,
                "changed": done.changed, "unchanged": done.unchanged, "newer": done.newer,
            });
            let text = format!(
                "{path} is as it was at {}: {} changed, {} unchanged, {} newer and left alone",
                human::time(at_ms),
                done.changed,
                done.unchanged,
                done.newer
            );
            (value, text)
        } else {
            let number = self.version.unwrap_or_default();
            drive.restore_version(&inner, number).await?;
            let value = json!({"path": path.to_string(), "version": number});
            (
                value,
                format!("Version {number} of {path} is the newest again"),
            )
        };
        context.close(&session).await?;
        context.out.done(&value, || text)
    }
}
