//! `verify` and `export`: proof that all of it is there, and taking all of
//! it away.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use clap::Args;
use serde_json::json;
use sv_client::ClientError;
use sv_client::drive::Drive;
use sv_client::people::{Scanned, Trust, own_identity};
use sv_client::progress::Reporter;
use sv_client::sharing::{Reach, Stretch};
use sv_client::transfer::DownloadPlan;
use sv_client::tree::with_suffix;
use sv_client::vault::Vault;
use sv_core::Identity;
use sv_ledger::handle::Handle;
use sv_ledger::id::VaultId;

use super::get::{fetch_into, make_folder};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::human;
use crate::local::{FileTarget, HashList, NullTarget, Place};
use crate::platform::NativePlatform;
use crate::progress::watch;
use crate::reach::{Part, Reached, say_left_out};
use crate::reveal::qr;

/// Lists what an export wrote, for `sha256sum -c`.
const HASH_LIST: &str = "SHA256SUMS";
/// The folder of an export for vaults beside the drive.
const BESIDE: &str = "shared";

/// Check that somebody is who they say, or every block of everything
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault verify bob                  (shows the safety number to compare with bob)
  securevault verify bob --confirm        (you have compared it)
  securevault verify bob --code svid1-…   (the code that bob gave you)
  securevault verify bob --scan TEXT      (what you scanned from bob's screen)
  securevault verify alice                (on alice's own device: her code, to give to others)
  securevault verify --all

A safety number is the same on both sides only if nobody stands between you: compare it in person \
or by telephone. `--all` reads all versions of all files, the trash included, in the drive and \
in everything shared that you have accepted, and keeps nothing. One that is damaged does not keep \
the others from being read. Exits with 5 if anything is missing, altered or exchanged.")]
pub(super) struct Verify {
    /// A user name
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    person: Option<String>,
    /// You have compared the safety number
    #[arg(long, requires = "person")]
    confirm: bool,
    /// Their code, as they gave it to you
    #[arg(long, requires = "person", value_name = "CODE")]
    code: Option<String>,
    /// What a scanner read from their screen: the safety number, or their code
    #[arg(long, requires = "person", value_name = "TEXT", conflicts_with_all = ["code", "confirm"])]
    scan: Option<String>,
    /// Everything
    #[arg(long)]
    all: bool,
}

/// Write everything to a local folder, with a list of hashes
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  securevault export --all ~/vault-copy && cd ~/vault-copy && sha256sum -c SHA256SUMS

Newest versions of all that is not in the trash: the drive with what is shared in it, and your own \
vaults beside it, in a folder `shared`. An interrupted export goes on where it was.")]
pub(super) struct Export {
    /// Everything
    #[arg(long, required = true)]
    all: bool,
    /// Folder to write to; it is made if needed
    dir: PathBuf,
    /// Overwrite local files that differ
    #[arg(short, long)]
    force: bool,
}

impl Verify {
    pub(super) async fn run(self, context: &Context) -> Result {
        match &self.person {
            Some(person) => self.verify_person(context, person).await,
            None => self.verify_everything(context).await,
        }
    }

    async fn verify_person(&self, context: &Context, person: &str) -> Result {
        let handle = Handle::parse(person.trim_start_matches('@'))
            .map_err(|error| Failure::usage(format!("{person}: {error}")))?;
        let code = self.code.as_deref().map(Identity::parse_code).transpose();
        let code = code.map_err(|error| Failure::usage(error.to_string()))?;
        let scanned = self.scan.as_deref().map(Scanned::parse).transpose()?;
        let session = context.session().await?;
        let mut account = Vault::account(&session).await?;
        let person = if let Some(scanned) = &scanned {
            account.confirm_scanned(&handle, scanned).await?
        } else if self.confirm || code.is_some() {
            account.confirm_person(&handle, code).await?
        } else {
            account.find_person(&handle).await?
        };
        let own = own_identity(&account).await?;
        context.close(&session).await?;
        let number = own.safety_number(&person.identity);
        let trust = match person.trust {
            Trust::Unverified => "unverified",
            Trust::Verified => "verified",
            Trust::Rotated => "rotated",
        };
        let value = json!({
            "user": person.handle.to_string(), "uid": person.identity.uid.to_string(),
            "trust": trust, "safety_number": number, "code": person.identity.code(),
        });
        context.out.show(&value, || {
            if person.identity.uid == own.uid {
                return format!("{}{}\n", square(&own.code()), own.code());
            }
            let about = match person.trust {
                Trust::Verified => "verified: you have compared these keys",
                Trust::Rotated => {
                    "the keys have changed, and the ones you had compared signed the new ones; \
                     compare again when you can"
                }
                Trust::Unverified => {
                    "not verified: compare this number in person or by telephone, and then use \
                     --confirm"
                }
            };
            let groups: Vec<&str> = number.split(' ').collect();
            let rows: Vec<String> = groups.chunks(4).map(|row| row.join(" ")).collect();
            let square = square(&number.replace(' ', ""));
            let rows = rows.join("\n  ");
            format!("{}\n{square}  {rows}\n{about}\n", person.handle)
        })
    }

    async fn verify_everything(&self, context: &Context) -> Result {
        let session = context.session().await?;
        let reached = Reached::all(context, Reach::each_vault(&session).await?).await?;
        let drives = reached.stretches.iter().map(Stretch::drive);
        let plans: Vec<_> = drives
            .map(|drive| (drive, DownloadPlan::everything(drive)))
            .collect();
        let items = || plans.iter().flat_map(|(_, plan)| plan.items());
        let (versions, bytes) = (items().count() as u64, items().map(|item| item.size).sum());
        context.leave();
        let mut first = None;
        for (drive, plan) in &plans {
            let whole = watch(
                &context.out,
                "Nothing was changed; start it again.",
                async |reporter| plan.run(drive, &NullTarget, reporter).await,
            )
            .await;
            match whole {
                Err(error @ Failure::Client(ClientError::Tampered(_))) => {
                    name_the_damaged(context, drive, plan).await;
                    first.get_or_insert(error);
                }
                done => done?,
            }
        }
        let left_out = say_left_out(context, &reached.closed);
        if let Some(first) = first {
            return Err(first);
        }
        let quarantined = reached.stretches.iter().map(|s| s.drive().quarantined());
        let unreadable: usize = quarantined.map(|nodes| nodes.len()).sum();
        let vaults = plans.len() as u64;
        let value = json!({
            "vaults": vaults, "versions": versions, "bytes": bytes, "unreadable": unreadable,
        });
        context.out.show(&value, || {
            format!(
                "{} ({}) in {} read and checked: all as they were stored",
                human::count(versions, "version"),
                human::size(bytes),
                human::count(vaults, "vault"),
            )
        })?;
        left_out?;
        if unreadable > 0 {
            return Err(Failure::Incomplete(format!(
                "{unreadable} items cannot be read"
            )));
        }
        Ok(())
    }
}

impl Export {
    pub(super) async fn run(self, context: &Context) -> Result {
        let session = context.session().await?;
        let reached = Reached::all(context, Reach::everything(&session).await?).await?;
        make_folder(&self.dir)?;
        let parts = self.parts(&reached, session.uid())?;
        let hashes = HashList::default();
        let place = Place::Below(self.dir.clone());
        let target = FileTarget::new(&context.out, place, self.force);
        let target = target.with_hashes(Arc::clone(&hashes));
        let outcome = fetch_into(context, &parts, target).await;
        let lines = {
            let mut hashes = hashes.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *hashes)
        };
        if !matches!(outcome, Ok(()) | Err(Failure::Incomplete(_))) {
            return outcome;
        }
        write_list(&self.dir, lines)?;
        outcome.and(say_left_out(context, &reached.closed))
    }

    /// The drive with all that is mounted in it, and the person's own vaults
    /// beside it, those in a folder that the drive has not.
    fn parts<'r, 's>(&self, reached: &'r Reached<'s>, uid: VaultId) -> Result<Vec<Part<'r, 's>>> {
        let Some(drive) = reached.stretches.first() else {
            return Ok(Vec::new());
        };
        let rows = drive.drive().tree().rows(sv_client::tree::Place::Root);
        let is_free = |name: &String| rows.iter().all(|row| row.name != *name);
        let numbered = (2..).map(|number| with_suffix(BESIDE, number));
        let mut names = std::iter::once(BESIDE.to_owned()).chain(numbered);
        let above: Vec<String> = names.find(is_free).into_iter().collect();
        let (mut roots, mut parts) = (vec![drive.root()], Vec::new());
        for stretch in &reached.stretches {
            let membership = &stretch.drive().vault().replica().state().membership;
            let is_root = stretch.root() == membership.vault_id;
            if is_root && membership.owner() == Some(&uid) {
                roots.push(stretch.root());
            }
            if !roots.contains(&stretch.root()) {
                continue;
            }
            let is_beside = stretch.root() != drive.root();
            let plan = stretch.plan(if is_beside { &above } else { &[] })?;
            if is_beside && !plan.items().is_empty() {
                make_folder(
                    &above
                        .iter()
                        .fold(self.dir.clone(), |dir, name| dir.join(name)),
                )?;
            }
            parts.push((stretch.drive(), plan));
        }
        Ok(parts)
    }
}

/// A text for a scanner, on a terminal; in a file it would be no use.
fn square(text: &str) -> String {
    match std::io::stdout().is_terminal() {
        true => qr(text).unwrap_or_default(),
        false => String::new(),
    }
}

/// Says of everything, one by one, what of it cannot be read.
async fn name_the_damaged(
    context: &Context,
    drive: &Drive<'_, NativePlatform>,
    plan: &DownloadPlan,
) {
    for one in plan.each() {
        let silent = Reporter::silent();
        if let Err(error @ ClientError::Tampered(_)) = one.run(drive, &NullTarget, &silent).await {
            context.out.warn(&error.to_string());
        }
    }
}

fn write_list(dir: &Path, mut hashes: Vec<(PathBuf, String)>) -> Result {
    hashes.sort();
    let lines: String = hashes
        .iter()
        .map(|(path, hash)| {
            let below = path.strip_prefix(dir).unwrap_or(path).to_string_lossy();
            list_line(hash, &below.replace(std::path::MAIN_SEPARATOR, "/"))
        })
        .collect();
    let mut list = dir.join(HASH_LIST);
    if hashes.iter().any(|(path, _)| *path == list) {
        list = dir.join(format!("{HASH_LIST}.export"));
    }
    std::fs::write(&list, lines).map_err(|error| Failure::local(list.display(), error))
}

/// As `sha256sum` writes it: a backslash in a name is doubled and announced.
fn list_line(hash: &str, path: &str) -> String {
    if path.contains('\\') {
        format!("\\{hash}  {}\n", path.replace('\\', "\\\\"))
    } else {
        format!("{hash}  {path}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_sha256sum() {
        assert_eq!(list_line("ab", "a b/c"), "ab  a b/c\n");
        assert_eq!(list_line("ab", "a\\b"), "\\ab  a\\\\b\n");
    }
}
