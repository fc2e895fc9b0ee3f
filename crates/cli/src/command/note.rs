//! `note`: a text in the vault, written in place.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use sv_client::path::RemotePath;
use sv_client::port::StorageError;
use sv_client::sharing::Last;
use sv_client::transfer::{DownloadPlan, OnConflict, UploadItem, UploadPlan};
use sv_core::record::Kind;
use zeroize::Zeroizing;

use crate::context::{Context, open_at, remote};
use crate::failure::{Failure, Result};
use crate::human;
use crate::local::{BufferTarget, MemoryFiles};
use crate::platform::now_ms;
use crate::progress::watch;

/// Write a note, from standard input or in an editor
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault note /wifi                  (opens $VISUAL or $EDITOR with what it says now)
  echo 'guest: hunter2' | securevault note /wifi
  securevault cat /wifi

What it said before stays as a version.")]
pub(super) struct Note {
    /// Where it is, or is to be
    path: String,
}

impl Note {
    pub(super) async fn run(self, context: &Context) -> Result {
        let path = remote(&self.path)?;
        if path.names().is_empty() {
            return Err(Failure::usage("/: say which note"));
        }
        // Read before the home is locked: see `put -`.
        let piped = if std::io::stdin().is_terminal() {
            None
        } else {
            Some(read_stdin()?)
        };
        let session = context.session().await?;
        let (mut drive, inner) = open_at(context, &session, &path, Last::Through).await?;
        let Some((folder, name)) = inner.split_last() else {
            return Err(Failure::usage(format!("{path}: is a folder")));
        };
        let text = match piped {
            Some(text) => text,
            None => {
                let now = current_text(context, &drive, &inner).await?;
                let text = edit(context, &now)?;
                if *text == *now {
                    context.out.remark("Nothing was changed.");
                    return Ok(());
                }
                text
            }
        };
        let item = UploadItem {
            names: vec![name.clone()],
            kind: Kind::Note,
            size: None,
            modified_ms: now_ms(),
            executable: false,
            local: PathBuf::new(),
        };
        let mut plan = UploadPlan::new(&drive, &folder, vec![item])?;
        for conflict in plan.conflicts() {
            plan.decide(conflict.index, OnConflict::Replace)?;
        }
        let files = MemoryFiles(text.to_vec());
        let outcome = watch(&context.out, "", async |reporter| {
            plan.run(&mut drive, &files, reporter).await
        })
        .await?;
        context.close(&session).await?;
        let value = json!({"path": path.to_string(), "bytes": outcome.bytes});
        context.out.done(&value, || {
            format!("{path}: {} written", human::size(outcome.bytes))
        })
    }
}

type Drive<'s> = sv_client::drive::Drive<'s, crate::platform::NativePlatform>;

async fn current_text(
    context: &Context,
    drive: &Drive<'_>,
    path: &RemotePath,
) -> Result<Zeroizing<Vec<u8>>> {
    if drive.find_place(path).is_err() {
        return Ok(Zeroizing::default());
    }
    drive.find_file(path)?;
    let plan = DownloadPlan::new(drive, path, None)?;
    let target = BufferTarget::default();
    watch(&context.out, "", async |reporter| {
        plan.run(drive, &target, reporter).await
    })
    .await?;
    Ok(target.into_bytes())
}

/// Opens an editor on the text, in a folder that only its owner can enter and
/// that is removed whatever happens to the editor.
fn edit(context: &Context, now: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .ok_or_else(|| {
            Failure::usage("no editor is set; set EDITOR, or pipe the text to standard input")
        })?;
    let folder = EditFolder::create(context.home.dir())?;
    let file = folder.0.join("note.txt");
    std::fs::write(&file, now).map_err(|error| Failure::local(file.display(), error))?;
    let status = shell(&editor, &file)
        .status()
        .map_err(|error| Failure::local(&editor, error))?;
    if !status.success() {
        return Err(Failure::Local(format!(
            "the editor failed ({status}); nothing was changed"
        )));
    }
    std::fs::read(&file)
        .map(Zeroizing::new)
        .map_err(|error| Failure::local(file.display(), error))
}

/// The editor may be a command with arguments.
fn shell(editor: &str, file: &Path) -> std::process::Command {
    let mut command;
    if cfg!(windows) {
        command = std::process::Command::new("cmd");
        command
            .arg("/C")
            .arg(format!("{editor} \"{}\"", file.display()));
    } else {
        command = std::process::Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{editor} \"$1\""))
            .arg("sh")
            .arg(file);
    }
    command
}

struct EditFolder(PathBuf);

impl EditFolder {
    fn create(home: &Path) -> Result<Self> {
        let folder = home.join(format!("edit-{}", std::process::id()));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&folder)
            .map_err(|error| Failure::local(folder.display(), error))?;
        Ok(Self(folder))
    }
}

impl Drop for EditFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn read_stdin() -> Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::default();
    std::io::stdin()
        .lock()
        .read_to_end(&mut text)
        .map_err(|error| StorageError(format!("standard input: {error}")))?;
    Ok(text)
}
