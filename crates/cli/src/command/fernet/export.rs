//! `fernet export`: files of the vault as Fernet tokens.

use std::path::{Path, PathBuf};

use clap::Args;
use getrandom::SysRng;
use rand_core::UnwrapErr;
use serde_json::json;
use sv_client::drive::Drive;
use sv_client::path::RemotePath;
use sv_client::transfer::{DownloadPlan, LocalTarget};
use sv_core::FernetKey;
use sv_core::record::Kind;
use sv_ledger::limits::FERNET_LEN;

use super::keys::KeyArgs;
use crate::command::get::make_folder;
use crate::context::{Context, open_drive, remote};
use crate::failure::{Failure, Result};
use crate::human;
use crate::local::{FileTarget, Place, StdoutTarget, TOKEN_ENDING, TokenTarget, check_name};
use crate::platform::{NativePlatform, now_ms};
use crate::progress::watch;

/// Fetch files as Fernet tokens
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault fernet export /contract.pdf          (to ./contract.pdf.token; prints a new key)
  securevault fernet export /contract.pdf signed.token --key-file fernet.key
  securevault fernet export -r /contracts ./tokens --key-file fernet.key

Without a key, a new one is drawn and printed. A folder becomes a folder of tokens under one key. \
At most 512 MiB a file. Python opens a token with `Fernet(key).decrypt(token)`.")]
pub(super) struct Export {
    /// File or folder in the vault
    remote: String,
    /// Folder, or new name; `-` for standard output [default: here]
    local: Option<PathBuf>,
    #[command(flatten)]
    keys: KeyArgs,
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
        let path = remote(&self.remote)?;
        let given = self.keys.is_given();
        let key = if given {
            self.keys.first()?
        } else {
            FernetKey::generate(&mut UnwrapErr(SysRng)).map_err(|e| Failure::local("key", e))?
        };
        let session = context.session().await?;
        let drive = open_drive(context, &session).await?;
        let is_folder = drive.find_file(&path).is_err() && drive.find_place(&path).is_ok();
        if is_folder && !self.recursive {
            return Err(Failure::usage(format!(
                "{path}: is a folder; use -r to export all that is in it"
            )));
        }
        let mut plan = DownloadPlan::new(&drive, &path, self.version)?;
        let too_large = leave_out_too_large(context, &mut plan);
        let to_stdout = self.local.as_deref().is_some_and(|l| l.as_os_str() == "-");
        let shown = if to_stdout {
            self.to_stdout(context, &drive, plan, key.clone(), is_folder)
                .await?;
            None
        } else {
            let target = self.target(&path, is_folder)?;
            let place = if is_folder {
                make_folder(&target)?;
                Place::Below(target.clone())
            } else {
                Place::File(target.clone())
            };
            self.to_disk(context, &drive, plan, key.clone(), place)
                .await?;
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
        match too_large {
            0 => Ok(()),
            left => Err(Failure::Incomplete(format!(
                "{} not exported; the rest is",
                human::count(left, "file")
            ))),
        }
    }

    async fn to_disk(
        &self,
        context: &Context,
        drive: &Drive<'_, NativePlatform>,
        plan: DownloadPlan,
        key: FernetKey,
        place: Place,
    ) -> Result {
        let files = FileTarget::new(&context.out, place, self.force);
        let files = run(context, drive, plan, files, key, "Start it again.").await?;
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
        drive: &Drive<'_, NativePlatform>,
        plan: DownloadPlan,
        key: FernetKey,
        is_folder: bool,
    ) -> Result {
        if is_folder {
            return Err(Failure::usage("a folder cannot go to standard output"));
        }
        context.leave();
        run(context, drive, plan, StdoutTarget, key, "")
            .await
            .map(drop)
    }

    /// Where it goes: into a folder that is there, else to that name.
    fn target(&self, path: &RemotePath, is_folder: bool) -> Result<PathBuf> {
        let local = self.local.as_deref().unwrap_or(Path::new("."));
        if !local.is_dir() {
            return Ok(local.to_owned());
        }
        let Some(name) = path.names().last() else {
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
