//! `fernet export`: files of the vault as Fernet tokens.

use std::path::{Path, PathBuf};

use clap::Args;
use getrandom::SysRng;
use rand_core::UnwrapErr;
use serde_json::json;
use sv_client::drive::Drive;
use sv_client::path::RemotePath;
use sv_client::sharing::{Last, Reach};
use sv_client::transfer::{DownloadPlan, LocalTarget, raw_key, save_raw};
use sv_core::FernetKey;
use sv_core::content::ContentSuite;
use sv_core::record::Kind;
use sv_ledger::limits::FERNET_LEN;

use super::keys::KeyArgs;
use crate::command::get::make_folder;
use crate::context::{Context, open_at, remote};
use crate::failure::{Failure, Result};
use crate::human;
use crate::local::{
    FileTarget, Place, StdoutSink, StdoutTarget, TOKEN_ENDING, TokenTarget, check_name, raw_sink,
};
use crate::platform::{NativePlatform, now_ms};
use crate::progress::watch;
use crate::reach::{Part, Reached, say_left_out};

/// Fetch files as Fernet tokens
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault fernet export /contract.pdf          (to ./contract.pdf.token; prints a new key)
  securevault fernet export /contract.pdf signed.token --key-file fernet.key
  securevault fernet export -r /contracts ./tokens --key-file fernet.key

Without a key, a new one is drawn and printed. A folder becomes a folder of tokens under one key. \
At most 512 MiB a file. In a vault of tokens (`mkvault --suite fernet`) a file goes out as it is \
kept, with its own key. Python opens a token with `Fernet(key).decrypt(token)`.")]
pub(super) struct Export {
    /// File or folder in the vault
    remote: String,
    /// Folder, or new name; `-` for standard output [default: here]
    local: Option<PathBuf>,
    #[command(flatten)]
    keys: KeyArgs,
    /// Only print the key of a file that is kept as a token, in a vault made
    /// with `mkvault --suite fernet`
    #[arg(long, conflicts_with_all = ["recursive", "key", "key_file", "local"])]
    key_only: bool,
    /// Folders with all that is in them
    #[arg(short, long)]
    recursive: bool,
    /// An older version, as `history` numbers them
    #[arg(long, value_name = "N")]
    version: Option<usize>,
    /// Overwrite local files
    #[arg(short, long)]
    force: bool,
}

impl Export {
    pub(super) async fn run(self, context: &Context) -> Result {
        let asked = remote(&self.remote)?;
        let given = self.keys.is_given();
        let key = if given {
            self.keys.first()?
        } else {
            FernetKey::generate(&mut UnwrapErr(SysRng)).map_err(|e| Failure::local("key", e))?
        };
        let session = context.session().await?;
        let (drive, path) = open_at(context, &session, &asked, Last::Through).await?;
        let is_token = drive.vault().replica().content_suite() == ContentSuite::Fernet;
        if self.key_only {
            if !is_token {
                return Err(Failure::usage(format!(
                    "{path}: is not kept as a token; `fernet export` makes one, under a new key"
                )));
            }
            let key = raw_key(&drive, &path, self.version)?;
            let value = json!({"key": key.as_str()});
            return context.out.show(&value, || key.to_string());
        }
        let is_folder = drive.find_file(&path).is_err() && drive.find_place(&path).is_ok();
        if is_folder && !self.recursive {
            return Err(Failure::usage(format!(
                "{path}: is a folder; use -r to export all that is in it"
            )));
        }
        if is_token && !given && !is_folder {
            return self.stored(context, &drive, (&asked, &path)).await;
        }
        let reached = match is_folder && self.version.is_none() {
            true => Some(Reached::all(context, Reach::below(&session, &asked).await?).await?),
            false => None,
        };
        let mut plans = Vec::new();
        match &reached {
            None => plans.push((&drive, DownloadPlan::new(&drive, &path, self.version)?)),
            Some(reached) => {
                for stretch in &reached.stretches {
                    plans.push((stretch.drive(), stretch.plan(&[])?));
                }
            }
        }
        let each = plans.iter_mut();
        let too_large: u64 = each
            .map(|(_, plan)| leave_out_too_large(context, plan))
            .sum();
        let to_stdout = self.local.as_deref().is_some_and(|l| l.as_os_str() == "-");
        let shown = if to_stdout {
            self.to_stdout(context, plans, key.clone(), is_folder)
                .await?;
            None
        } else {
            let target = self.target(&asked, is_folder)?;
            let place = if is_folder {
                make_folder(&target)?;
                Place::Below(target.clone())
            } else {
                Place::File(target.clone())
            };
            self.to_disk(context, plans, key.clone(), place).await?;
            Some(target)
        };
        let text = key.to_text();
        match (shown, given) {
            (None, true) => {}
            (None, false) => context.out.warn(&format!("key: {}", text.as_str())),
            (Some(target), true) => {
                context.out.done(&json!({"file": target}), || {
                    format!("{}: written", target.display())
                })?;
            }
            (Some(target), false) => {
                let value = json!({"file": target, "key": text.as_str()});
                context.out.show(&value, || text.to_string())?;
            }
        }
        if let Some(reached) = &reached {
            say_left_out(context, &reached.closed)?;
        }
        match too_large {
            0 => Ok(()),
            left => Err(Failure::Incomplete(format!(
                "{} not exported; the rest is",
                human::count(left, "file")
            ))),
        }
    }

    /// A token as it is kept, with its own key.
    async fn stored(
        &self,
        context: &Context,
        drive: &Drive<'_, NativePlatform>,
        (asked, path): (&RemotePath, &RemotePath),
    ) -> Result {
        if self.local.as_deref().is_some_and(|l| l.as_os_str() == "-") {
            context.leave();
            let save = async |reporter: &_| {
                save_raw(drive, path, self.version, StdoutSink, reporter).await
            };
            let key = watch(&context.out, "", save).await?;
            context.out.warn(&format!("key: {}", key.as_str()));
            return Ok(());
        }
        let target = self.target(asked, false)?;
        if !self.force && target.symlink_metadata().is_ok() {
            let there = target.display();
            return Err(Failure::Local(format!(
                "{there}: is there already; use --force to replace it"
            )));
        }
        let sink = raw_sink(target.clone(), self.force);
        let save = async |reporter: &_| save_raw(drive, path, self.version, sink, reporter).await;
        let key = watch(&context.out, "Start it again.", save).await?;
        let value = json!({"file": target, "key": key.as_str()});
        context.out.show(&value, || key.to_string())
    }

    async fn to_disk(
        &self,
        context: &Context,
        plans: Vec<Part<'_, '_>>,
        key: FernetKey,
        place: Place,
    ) -> Result {
        let mut files = FileTarget::new(&context.out, place, self.force);
        for (drive, plan) in plans {
            files = run(context, drive, plan, files, key.clone(), "Start it again.").await?;
        }
        match files.finish().refused {
            0 => Ok(()),
            refused => Err(Failure::Incomplete(format!(
                "{} not written; the rest is",
                human::count(refused, "item")
            ))),
        }
    }

    async fn to_stdout(
        &self,
        context: &Context,
        plans: Vec<Part<'_, '_>>,
        key: FernetKey,
        is_folder: bool,
    ) -> Result {
        if is_folder {
            return Err(Failure::usage("a folder cannot go to standard output"));
        }
        context.leave();
        for (drive, plan) in plans {
            run(context, drive, plan, StdoutTarget, key.clone(), "").await?;
        }
        Ok(())
    }

    /// Where it goes: into a folder that is there, else to that name.
    fn target(&self, path: &RemotePath, is_folder: bool) -> Result<PathBuf> {
        let local = self.local.as_deref().unwrap_or(Path::new("."));
        if !local.is_dir() {
            return Ok(local.to_owned());
        }
        let Some(name) = path.names().last().or(path.vault()) else {
            return Ok(local.to_owned());
        };
        let ending = if is_folder { "" } else { TOKEN_ENDING };
        let name = format!("{name}{ending}");
        check_name(&name).map_err(|error| {
            Failure::Local(format!("{name}: {error}; say under which name to write it"))
        })?;
        Ok(local.join(name))
    }
}

/// Runs the plan into tokens, and gives the target back.
async fn run<T: LocalTarget>(
    context: &Context,
    drive: &Drive<'_, NativePlatform>,
    plan: DownloadPlan,
    target: T,
    key: FernetKey,
    how_to_resume: &str,
) -> Result<T> {
    let tokens = TokenTarget::new(target, key, now_ms() / 1000);
    let run = async |reporter: &_| plan.run(drive, &tokens, reporter).await;
    watch(&context.out, how_to_resume, run).await?;
    Ok(tokens.into_inner())
}

/// Names the files that no token can hold, and says how many they are.
fn leave_out_too_large(context: &Context, plan: &mut DownloadPlan) -> u64 {
    let mut left = 0;
    plan.retain(|item| {
        let fits = item.kind == Kind::Folder || item.size <= FERNET_LEN as u64;
        if !fits {
            left += 1;
            let limit = human::size(FERNET_LEN as u64);
            let why = format!("not exported: {}: a token holds at most {limit}", item.path);
            context.out.warn(&why);
        }
        fits
    });
    left
}
