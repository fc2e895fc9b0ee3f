//! `get` and `cat`: from the vault to here.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::path::RemotePath;
use sv_client::port::{Platform, StorageError};
use sv_client::sharing::{Last, Reach};
use sv_client::transfer::{DownloadPlan, save_raw};
use sv_core::content::ContentSuite;
use sv_core::record::Kind;

use crate::context::{Context, open_at, remote};
use crate::failure::{Failure, Result};
use crate::human;
use crate::local::{
    FileTarget, Place, StdoutSink, StdoutTarget, TOKEN_ENDING, Unfinished, check_name, raw_sink,
};
use crate::platform::NativePlatform;
use crate::progress::watch;
use crate::reach::{Part, Reached, say_left_out};

/// Ends the name of a raw download.
const RAW_ENDING: &str = ".svraw";
const RESUME: &str = "What came is kept beside its place, as .NAME.….svpart: the same command goes \
                      on from there.";

/// Fetch files and folders
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault get /contract.pdf                   (to ./contract.pdf)
  securevault get /contract.pdf ~/Desktop/signed.pdf
  securevault get -r /photos ~/
  securevault get /backup/db.sql - | psql db
  securevault get --version 2 /contract.pdf old.pdf
  securevault get --raw /contract.pdf             (as it is stored; prints the key for `decrypt`)

Folders come with what is shared in them, as far as you have accepted it. A file gets its name \
after the last check; until then it is .NAME.….svpart beside it, from which an interrupted \
download goes on. Local files that differ are not overwritten without --force.")]
pub(super) struct Get {
    /// File or folder in the vault
    remote: String,
    /// Folder, or new name; `-` for standard output [default: here]
    local: Option<PathBuf>,
    /// Folders with all that is in them
    #[arg(short, long)]
    recursive: bool,
    /// An older version, as `history` numbers them
    #[arg(long, value_name = "N")]
    version: Option<usize>,
    /// As stored, still encrypted; the key is printed as text
    #[arg(long, conflicts_with = "recursive")]
    raw: bool,
    /// Overwrite local files that differ
    #[arg(short, long)]
    force: bool,
}

/// Print files
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault cat /notes/todo
  securevault cat --version 1 /notes/todo")]
pub(super) struct Cat {
    /// Files or notes
    #[arg(required = true)]
    paths: Vec<String>,
    /// An older version, as `history` numbers them
    #[arg(long, value_name = "N")]
    version: Option<usize>,
}

impl Cat {
    pub(super) async fn run(self, context: &Context) -> Result {
        let session = context.session().await?;
        let mut plans = Vec::new();
        for path in &self.paths {
            let (drive, path) = open_at(context, &session, &remote(path)?, Last::Through).await?;
            drive.find_file(&path)?;
            let plan = DownloadPlan::new(&drive, &path, self.version)?;
            plans.push((drive, plan));
        }
        context.leave();
        for (drive, plan) in plans {
            print(context, &drive, plan).await?;
        }
        Ok(())
    }
}

impl Get {
    pub(super) async fn run(self, context: &Context) -> Result {
        let asked = remote(&self.remote)?;
        let session = context.session().await?;
        let (drive, path) = open_at(context, &session, &asked, Last::Through).await?;
        let is_folder = drive.find_place(&path).is_ok() && drive.find_file(&path).is_err();
        if is_folder && !self.recursive {
            return Err(Failure::usage(format!(
                "{asked}: is a folder; use -r to get it with all that is in it"
            )));
        }
        let to_stdout = self
            .local
            .as_deref()
            .is_some_and(|local| local.as_os_str() == "-");
        if self.raw {
            return self
                .get_raw(context, &drive, (&asked, &path), to_stdout)
                .await;
        }
        if to_stdout {
            if is_folder {
                return Err(Failure::usage(format!(
                    "{asked}: a folder cannot go to standard output"
                )));
            }
            let plan = DownloadPlan::new(&drive, &path, self.version)?;
            context.leave();
            return print(context, &drive, plan).await;
        }
        if is_folder && self.version.is_none() {
            return self.get_folder(context, &session, &asked).await;
        }
        let plan = DownloadPlan::new(&drive, &path, self.version)?;
        let place = Place::File(self.target(&asked)?);
        let target = FileTarget::new(&context.out, place, self.force);
        fetch_into(context, &[(&drive, plan)], target).await
    }

    /// With all that is mounted in it.
    async fn get_folder(
        &self,
        context: &Context,
        session: &Session<NativePlatform>,
        path: &RemotePath,
    ) -> Result {
        let reached = Reached::all(context, Reach::below(session, path).await?).await?;
        let mut parts = Vec::new();
        for stretch in &reached.stretches {
            parts.push((stretch.drive(), stretch.plan(&[])?));
        }
        let shown = path.to_string();
        let storage = session.platform().storage();
        let begun = match &self.local {
            Some(local) => Unfinished::find(storage, local, &shown).await?,
            None => None,
        };
        let (folder, note) = match (begun, &self.local) {
            (Some(note), Some(local)) => (local.clone(), Some(note)),
            _ => {
                let folder = self.target(path)?;
                let note = if folder.exists() {
                    None
                } else {
                    Some(Unfinished::create(storage, &folder, &shown).await?)
                };
                (folder, note)
            }
        };
        let place = Place::Below(folder);
        let target = FileTarget::new(&context.out, place, self.force);
        let outcome = fetch_into(context, &parts, target).await;
        if let (Some(note), Ok(()) | Err(Failure::Incomplete(_))) = (note, &outcome) {
            note.done(storage).await?;
        }
        outcome.and(say_left_out(context, &reached.closed))
    }

    /// Where it goes: into a folder that is there, else to that name.
    fn target(&self, path: &RemotePath) -> Result<PathBuf> {
        let local = self.local.clone().unwrap_or_else(|| PathBuf::from("."));
        if local.is_dir() {
            return match path.names().last().or(path.vault()) {
                Some(name) => below(&local, name.as_str()),
                None => Ok(local),
            };
        }
        let wants_folder = local.to_string_lossy().ends_with('/');
        if wants_folder && !self.recursive {
            let shown = local.display();
            return Err(Failure::Local(format!("{shown}: there is no such folder")));
        }
        Ok(local)
    }

    async fn get_raw(
        &self,
        context: &Context,
        drive: &Drive<'_, NativePlatform>,
        (asked, path): (&RemotePath, &RemotePath),
        to_stdout: bool,
    ) -> Result {
        if to_stdout {
            context.leave();
            let save = async |reporter: &_| {
                save_raw(drive, path, self.version, StdoutSink, reporter).await
            };
            let key = watch(&context.out, "", save).await.map_err(closed_output)?;
            context.out.warn(&format!("key: {}", key.as_str()));
            return Ok(());
        }
        let mut target = self.target(asked)?;
        if self.local.as_deref().is_none_or(Path::is_dir) {
            let suite = drive.vault().replica().content_suite();
            target.as_mut_os_string().push(match suite {
                ContentSuite::Blocks => RAW_ENDING,
                ContentSuite::Fernet => TOKEN_ENDING,
            });
        }
        if !self.force && target.symlink_metadata().is_ok() {
            let there = target.display();
            return Err(Failure::Local(format!(
                "{there}: is there already; use --force to replace it"
            )));
        }
        let sink = raw_sink(target.clone(), self.force);
        let save = async |reporter: &_| save_raw(drive, path, self.version, sink, reporter).await;
        let key = watch(&context.out, "Start it again.", save).await?;
        context
            .out
            .show(&json!({"file": target, "key": key.as_str()}), || {
                key.to_string()
            })
    }
}

/// Writes to disk, from one vault after the other, and says what was not
/// written. What was altered in one does not keep the others from coming.
pub(super) async fn fetch_into(
    context: &Context,
    parts: &[Part<'_, '_>],
    target: FileTarget,
) -> Result {
    let items = parts.iter().flat_map(|(_, plan)| plan.items());
    let files = items.filter(|item| item.kind != Kind::Folder);
    let (count, bytes) = files.fold((0, 0), |(n, bytes), item| (n + 1, bytes + item.size));
    let run = async |reporter: &_| {
        let mut first = None;
        for (drive, plan) in parts {
            match plan.run(drive, &target, reporter).await {
                Err(error @ ClientError::Tampered(_)) if first.is_none() => first = Some(error),
                Err(error @ ClientError::Tampered(_)) => context.out.warn(&error.to_string()),
                done => done?,
            }
        }
        first.map_or(Ok(()), Err)
    };
    watch(&context.out, RESUME, run).await?;
    let kept = target.finish();
    let written = count - (kept.same + kept.refused).min(count);
    let value = json!({
        "files": count, "bytes": bytes, "written": written,
        "unchanged": kept.same, "refused": kept.refused,
    });
    context.out.done(&value, || {
        let mut text = format!("{} written", human::count(written, "file"));
        if kept.same > 0 {
            text += &format!("; {} there already, unchanged", kept.same);
        }
        text
    })?;
    if kept.refused > 0 {
        return Err(Failure::Incomplete(format!(
            "{} not written; the rest is",
            human::count(kept.refused, "item")
        )));
    }
    Ok(())
}

async fn print(context: &Context, drive: &Drive<'_, NativePlatform>, plan: DownloadPlan) -> Result {
    let run = async |reporter: &_| plan.run(drive, &StdoutTarget, reporter).await;
    let quiet = crate::output::Output {
        quiet: true,
        ..context.out
    };
    watch(&quiet, "", run).await.map_err(closed_output)
}

/// A closed pipe is not worth a message.
fn closed_output(failure: Failure) -> Failure {
    match failure {
        Failure::Client(ClientError::Local(StorageError(why)))
            if why == Failure::OutputClosed.to_string() =>
        {
            Failure::OutputClosed
        }
        other => other,
    }
}

/// Where something of the vault's naming goes inside a folder of the person's
/// naming: not through a symlink that lies there.
fn below(folder: &Path, name: &str) -> Result<PathBuf> {
    let hint = "say under which name to write it";
    check_name(name).map_err(|error| Failure::Local(format!("{name}: {error}; {hint}")))?;
    let target = folder.join(name);
    if target.is_symlink() && target.is_dir() {
        let shown = target.display();
        return Err(Failure::Local(format!(
            "{shown}: is a symlink to a folder; {hint}"
        )));
    }
    Ok(target)
}

/// Makes the folder that the person named, and those above it.
pub(super) fn make_folder(folder: &Path) -> Result {
    std::fs::create_dir_all(folder).map_err(|error| Failure::local(folder.display(), error))
}
