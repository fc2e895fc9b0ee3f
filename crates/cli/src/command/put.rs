//! `put`: from here into the vault.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use sv_client::ClientError;
use sv_client::drive::Drive;
use sv_client::path::RemotePath;
use sv_client::port::Platform;
use sv_client::sharing::Last;
use sv_client::transfer::{
    Conflict, LocalFiles, OnConflict, UploadItem, UploadOutcome, UploadPlan,
};
use sv_core::Name;
use sv_core::record::Kind;

use crate::ask;
use crate::context::{Context, open_at, remote};
use crate::failure::{Failure, Result};
use crate::human;
use crate::local::{Collected, Collector, DiskFiles, StdinFiles};
use crate::platform::{NativePlatform, now_ms};
use crate::progress::watch;

/// Store files and folders
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault put contract.pdf                    (to /contract.pdf)
  securevault put contract.pdf /contracts/signed.pdf
  securevault put -r ~/photos /                   (to /photos)
  securevault put a.txt b.txt /folder
  pg_dump db | securevault put - /backup/db.sql
  securevault put -- -odd-name.txt /

With several names, the last one is REMOTE; it starts with a slash. Times and the executable bit \
are kept. A file whose size and time are unchanged is not sent again, so an interrupted `put -r` \
goes on where it was. Symlinks and special files are skipped and named; the exit code is 1 then, \
unless --skip-special.")]
pub(super) struct Put {
    /// Local files or folders, `-` for standard input; then the folder or new
    /// name in the vault
    #[arg(required = true, value_name = "LOCAL… [REMOTE]")]
    paths: Vec<PathBuf>,
    /// Folders with all that is in them
    #[arg(short, long)]
    recursive: bool,
    /// What to do where a file is there and differs [default: ask on a
    /// terminal, else replace, which keeps the old one as a version]
    #[arg(long, value_enum, value_name = "CHOICE")]
    on_conflict: Option<Choice>,
    /// Skipped symlinks and special files are no failure
    #[arg(long)]
    skip_special: bool,
}

/// What to do where a file is there and differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Choice {
    /// Ask for each
    Ask,
    /// Keep both; the new one gets a number
    Rename,
    /// Add a version
    Replace,
    /// Leave it as it is
    Skip,
}

impl Put {
    /// Of files and folders with all that is in them.
    pub(super) const fn of_tree(paths: Vec<PathBuf>, on_conflict: Option<Choice>) -> Self {
        Self {
            paths,
            recursive: true,
            on_conflict,
            skip_special: false,
        }
    }

    pub(super) async fn run(self, context: &Context) -> Result {
        let (locals, mut destination) = self.split()?;
        if let [one] = locals
            && one.as_os_str() == "-"
        {
            // Before the home is locked: the pipe may come from a command
            // that has it now.
            let files = StdinFiles::begin().await?;
            return self.run_stdin(context, destination, files).await;
        }
        let session = context.session().await?;
        let (mut drive, inner) =
            open_at(context, &session, &destination.path, Last::Through).await?;
        destination.path = inner;
        let target = Target::find(&drive, &destination, locals)?;
        let depth = target.folder.names().len();
        let mut collector = Collector::new(&context.out, self.recursive, depth);
        for local in locals {
            collector.add(local, target.name.as_ref())?;
        }
        let Collected {
            items,
            refused,
            special,
        } = collector.finish();
        let outcome = self
            .send(context, &mut drive, &target.folder, items, &DiskFiles)
            .await?;
        context.close(&session).await?;
        report(context, &outcome, refused, special)?;
        for (path, error) in &outcome.unreadable {
            context.out.warn(&format!("{path}: {error}"));
        }
        let refused = refused + outcome.unreadable.len() as u64;
        let failed = refused + if self.skip_special { 0 } else { special };
        if failed > 0 {
            return Err(Failure::Incomplete(format!(
                "{} not stored; the rest is",
                human::count(failed, "item")
            )));
        }
        Ok(())
    }

    async fn run_stdin(
        &self,
        context: &Context,
        mut destination: Destination,
        files: StdinFiles,
    ) -> Result {
        let session = context.session().await?;
        let (mut drive, inner) =
            open_at(context, &session, &destination.path, Last::Through).await?;
        destination.path = inner;
        let name = destination.path.split_last();
        let (folder, name) = match name {
            Some((folder, name)) if destination.given && !destination.is_folder(&drive) => {
                (folder, name.clone())
            }
            _ => {
                return Err(Failure::usage(
                    "standard input has no name; say where to, like `put - /backup/db.sql`",
                ));
            }
        };
        let item = UploadItem {
            names: vec![name],
            kind: Kind::File,
            size: None,
            modified_ms: now_ms(),
            executable: false,
            local: PathBuf::new(),
        };
        let outcome = self
            .send(context, &mut drive, &folder, vec![item], &files)
            .await?;
        context.close(&session).await?;
        report(context, &outcome, 0, 0)
    }

    /// Decides what is open and sends the files.
    pub(super) async fn send<F: LocalFiles>(
        &self,
        context: &Context,
        drive: &mut Drive<'_, NativePlatform>,
        folder: &RemotePath,
        items: Vec<UploadItem>,
        files: &F,
    ) -> Result<UploadOutcome> {
        let mut plan = UploadPlan::new(drive, folder, items)?;
        for conflict in plan.conflicts() {
            let choice = self.decide(context, &conflict)?;
            plan.decide(conflict.index, choice)?;
        }
        watch(
            &context.out,
            "What was sent is kept: the same command goes on from there.",
            async |reporter| plan.run(drive, files, reporter).await,
        )
        .await
    }

    fn decide(&self, context: &Context, conflict: &Conflict) -> Result<OnConflict> {
        // With standard input as the file, nobody can answer on it.
        let can_ask = ask::is_interactive() && !context.out.json;
        match self.on_conflict {
            Some(Choice::Rename) => Ok(OnConflict::Rename),
            Some(Choice::Skip) => Ok(OnConflict::Skip),
            Some(Choice::Replace) => Ok(OnConflict::Replace),
            None if !can_ask => Ok(OnConflict::Replace),
            Some(Choice::Ask) if !can_ask => Err(Failure::usage(format!(
                "{}: is there and differs, and nobody can be asked; use --on-conflict \
                 rename, replace or skip",
                conflict.path
            ))),
            Some(Choice::Ask) | None => loop {
                let question = format!(
                    "{} is there and differs. [r]eplace (the old one stays as a version), keep \
                     [b]oth, [s]kip? ",
                    conflict.path
                );
                match ask::line(&question)?.trim() {
                    "r" => return Ok(OnConflict::Replace),
                    "b" => return Ok(OnConflict::Rename),
                    "s" => return Ok(OnConflict::Skip),
                    _ => {}
                }
            },
        }
    }

    /// What to store, and where to.
    pub(super) fn split(&self) -> Result<(&[PathBuf], Destination)> {
        let Some((last, locals)) = self.paths.split_last() else {
            return Err(Failure::usage("nothing to put"));
        };
        if locals.is_empty() {
            let root = Destination {
                path: RemotePath::ROOT,
                slash: true,
                given: false,
            };
            return Ok((&self.paths, root));
        }
        let text = last.to_str().unwrap_or_default();
        if !text.starts_with('/') && !text.starts_with("shared:") && !text.starts_with("vault:") {
            return Err(Failure::usage(format!(
                "{}: the last name says where to in the vault and starts with a slash; to store \
                 this too, add `/`",
                last.display()
            )));
        }
        let destination = Destination {
            path: remote(text)?,
            slash: text.ends_with('/'),
            given: true,
        };
        Ok((locals, destination))
    }
}

/// Where to, as it was typed.
pub(super) struct Destination {
    pub(super) path: RemotePath,
    /// It ends in a slash: a folder is meant.
    slash: bool,
    given: bool,
}

/// The folder that takes what is put, and the name it gets there if not its
/// own.
pub(super) struct Target {
    pub(super) folder: RemotePath,
    pub(super) name: Option<Name>,
}

impl Destination {
    fn is_folder<P: Platform>(&self, drive: &Drive<'_, P>) -> bool {
        drive.find_place(&self.path).is_ok() && drive.find_file(&self.path).is_err()
    }
}

impl Target {
    pub(super) fn find<P: Platform>(
        drive: &Drive<'_, P>,
        destination: &Destination,
        locals: &[PathBuf],
    ) -> Result<Self> {
        let path = &destination.path;
        if destination.is_folder(drive) {
            return Ok(Self {
                folder: path.clone(),
                name: None,
            });
        }
        let inside = locals.iter().any(|local| is_contents(local));
        match path.split_last() {
            Some((folder, name)) if locals.len() == 1 && !destination.slash && !inside => {
                drive.find_place(&folder)?;
                Ok(Self {
                    folder,
                    name: Some(name.clone()),
                })
            }
            _ if drive.find_file(path).is_ok() => Err(Failure::usage(format!(
                "{path}: is a file, not a folder to put into"
            ))),
            _ => {
                let hint = format!("{path} (make it with `securevault mkdir -p {path}`)");
                Err(ClientError::NotFound(hint).into())
            }
        }
    }
}

fn is_contents(local: &Path) -> bool {
    local.file_name().is_none() || local.to_string_lossy().ends_with("/.")
}

fn report(context: &Context, outcome: &UploadOutcome, refused: u64, special: u64) -> Result {
    let value = json!({
        "uploaded": outcome.uploaded,
        "folders": outcome.folders,
        "unchanged": outcome.unchanged,
        "skipped": outcome.skipped,
        "bytes": outcome.bytes,
        "refused": refused + outcome.unreadable.len() as u64,
        "special": special,
    });
    context.out.done(&value, || {
        let mut text = format!(
            "{} stored, {}",
            human::count(outcome.uploaded, "file"),
            human::size(outcome.bytes)
        );
        for (number, what) in [
            (outcome.unchanged, "unchanged"),
            (outcome.skipped, "left as they were"),
            (special, "special and skipped"),
            (refused, "refused"),
        ] {
            if number > 0 {
                text += &format!("; {number} {what}");
            }
        }
        text
    })
}
