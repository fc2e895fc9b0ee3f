//! `mkdir`, `mv`, `cp`, `rm`: putting things in order.

use clap::Args;
use serde_json::json;
use sv_client::account::Session;
use sv_client::path::RemotePath;
use sv_client::sharing::{self, Last};

use crate::context::{Context, open_at, remote};
use crate::failure::Result;
use crate::platform::NativePlatform;

/// Make folders
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault mkdir /contracts
  securevault mkdir -p /contracts/2026/spring")]
pub(super) struct Mkdir {
    /// Folders to make
    #[arg(required = true)]
    paths: Vec<String>,
    /// Make the folders above too, and do not mind one that is there
    #[arg(short, long)]
    parents: bool,
}

/// Move or rename
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault mv /draft.txt /final.txt
  securevault mv /a.txt /b.txt /folder

Into DESTINATION if that is a folder, else to that name. Nothing is overwritten.")]
pub(super) struct Mv {
    /// What to move
    #[arg(required = true)]
    sources: Vec<String>,
    /// Folder, or new name
    destination: String,
}

/// Copy files and folders inside the vault, without moving bytes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault cp /template.odt /letters/first.odt
  securevault cp /a /b /backup

Into DESTINATION if that is a folder, else to that name. Folders are copied with all that is in \
them; newest versions only. Nothing is overwritten.")]
pub(super) struct Cp {
    /// What to copy
    #[arg(required = true)]
    sources: Vec<String>,
    /// Folder, or new name
    destination: String,
    /// Folders are always copied whole; accepted for habit's sake
    #[arg(short, long)]
    recursive: bool,
}

/// Put into the trash, or remove for good
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault rm /old.txt
  securevault rm /old-folder
  securevault rm --permanently /secret.txt
  securevault rm -- /-odd-name

What is in the trash comes back by `securevault trash restore`; after 30 days it is removed.")]
pub(super) struct Rm {
    /// Files and folders
    #[arg(required = true)]
    paths: Vec<String>,
    /// Not into the trash: for good, with all versions
    #[arg(long)]
    permanently: bool,
    /// Folders always go with all that is in them; accepted for habit's sake
    #[arg(short, long)]
    recursive: bool,
}

impl Mkdir {
    pub(super) async fn run(self, context: &Context) -> Result {
        let paths = all(&self.paths)?;
        let session = context.session().await?;
        for path in &paths {
            let (mut drive, inner) = open_at(context, &session, path, Last::Through).await?;
            drive.make_folder(&inner, self.parents).await?;
        }
        context.close(&session).await?;
        let made: Vec<String> = paths.iter().map(ToString::to_string).collect();
        context.out.done(&json!({"made": made}), || {
            format!("Made {}", made.join(", "))
        })
    }
}

impl Mv {
    pub(super) async fn run(self, context: &Context) -> Result {
        let (sources, destination) = (all(&self.sources)?, remote(&self.destination)?);
        let session = context.session().await?;
        let is_folder = into_folder(sources.len(), &self.destination);
        require_folder(context, &session, &destination, is_folder).await?;
        let mut moved = Vec::new();
        for source in &sources {
            let to = sharing::rename(&session, source, &destination).await?;
            moved.push(json!({"from": source.to_string(), "to": to}));
        }
        context.close(&session).await?;
        context.out.done(&moved, || lines("Moved", &moved))
    }
}

impl Cp {
    pub(super) async fn run(self, context: &Context) -> Result {
        let (sources, destination) = (all(&self.sources)?, remote(&self.destination)?);
        let session = context.session().await?;
        let is_folder = into_folder(sources.len(), &self.destination);
        require_folder(context, &session, &destination, is_folder).await?;
        let mut copied = Vec::new();
        for source in &sources {
            let to = sharing::copy(&session, source, &destination).await?;
            copied.push(json!({"from": source.to_string(), "to": to}));
        }
        context.close(&session).await?;
        context.out.done(&copied, || lines("Copied", &copied))
    }
}

impl Rm {
    pub(super) async fn run(self, context: &Context) -> Result {
        let paths = all(&self.paths)?;
        let session = context.session().await?;
        // All or nothing of what was asked: a typing mistake removes nothing.
        for path in &paths {
            let (drive, inner) = open_at(context, &session, path, Last::Itself).await?;
            drive.find_node(&inner)?;
        }
        for path in &paths {
            let (mut drive, inner) = open_at(context, &session, path, Last::Itself).await?;
            if self.permanently {
                drive.remove(&inner).await?;
            } else {
                drive.trash(&inner).await?;
            }
            drive.expire_trash().await?;
        }
        context.close(&session).await?;
        let gone: Vec<String> = paths.iter().map(ToString::to_string).collect();
        let value = json!({"removed": gone, "permanently": self.permanently});
        context.out.done(&value, || {
            let gone = gone.join(", ");
            if self.permanently {
                format!("Removed {gone} for good")
            } else {
                format!("{gone}: in the trash; `securevault trash restore` brings it back")
            }
        })
    }
}

fn all(paths: &[String]) -> Result<Vec<RemotePath>> {
    paths.iter().map(|path| remote(path)).collect()
}

/// Fails if what has to be a folder is none.
async fn require_folder(
    context: &Context,
    session: &Session<NativePlatform>,
    path: &RemotePath,
    is_folder: bool,
) -> Result {
    if is_folder {
        let (drive, inner) = open_at(context, session, path, Last::Through).await?;
        drive.list(&inner)?;
    }
    Ok(())
}

/// Several things, or a slash at the end, can only mean a folder that exists.
fn into_folder(sources: usize, destination: &str) -> bool {
    sources > 1 || destination.ends_with('/')
}

fn lines(verb: &str, pairs: &[serde_json::Value]) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let rows: Vec<String> = pairs
        .iter()
        .map(|pair| format!("{verb} {} to {}", text(&pair["from"]), text(&pair["to"])))
        .collect();
    rows.join("\n")
}
