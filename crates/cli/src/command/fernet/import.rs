//! `fernet import`: tokens from here into the vault, opened on the way.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use sv_client::sharing::Last;
use sv_client::transfer::UploadItem;
use sv_core::record::Kind;

use super::keys::KeyArgs;
use crate::command::put::{Choice, Put, Target};
use crate::context::{Context, open_at};
use crate::failure::{Failure, Result};
use crate::human;
use crate::local::{Collected, Collector, TokenFiles, without_token_ending};

/// Store what is in Fernet tokens
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault fernet import contract.pdf.token --key-file fernet.key     (to /contract.pdf)
  securevault fernet import downloads/ --key-file keys.txt /imported
  securevault fernet import old.bin --key-file fernet.key /contracts/old.pdf

With several names, the last one is REMOTE; it starts with a slash. Folders go in with all that is \
in them. `.token` and `_encrypted.bin` are taken off the names. Each token is verified as a whole \
before anything of it is stored; those that do not open are listed at the end, and the exit code is \
1 then. The time of a file is that of its token.")]
pub(super) struct Import {
    /// Tokens, or folders of tokens; then the folder or new name in the vault
    #[arg(required = true, value_name = "TOKENS… [REMOTE]")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    keys: KeyArgs,
    /// What to do where a file is there and differs [default: ask on a
    /// terminal, else replace, which keeps the old one as a version]
    #[arg(long, value_enum, value_name = "CHOICE")]
    on_conflict: Option<Choice>,
}

impl Import {
    pub(super) async fn run(self, context: &Context) -> Result {
        let keys = self.keys.keys()?;
        let put = Put::of_tree(self.paths, self.on_conflict);
        let (locals, mut destination) = put.split()?;
        let session = context.session().await?;
        let (mut drive, inner) =
            open_at(context, &session, &destination.path, Last::Through).await?;
        destination.path = inner;
        let target = Target::find(&drive, &destination, locals)?;
        let depth = target.folder.names().len();
        let mut collector =
            Collector::new(&context.out, true, depth).renaming(without_token_ending);
        for local in locals {
            collector.add(local, target.name.as_ref())?;
        }
        let Collected {
            items,
            refused,
            special,
        } = collector.finish();
        let mut files = TokenFiles::default();
        let (mut sound, mut bad) = (Vec::new(), Vec::new());
        for item in items {
            if item.kind == Kind::Folder {
                sound.push(item);
                continue;
            }
            match files.verify(&item.local, &keys) {
                Ok(token) => sound.push(UploadItem {
                    size: Some(token.size()),
                    modified_ms: calendar_ms(token.timestamp_s()),
                    executable: false,
                    ..item
                }),
                Err(failure) => bad.push((item.local, failure.to_string())),
            }
        }
        let outcome = put
            .send(context, &mut drive, &target.folder, sound, &files)
            .await?;
        context.close(&session).await?;
        let unreadable = outcome.unreadable.iter();
        bad.extend(unreadable.map(|(path, error)| (PathBuf::from(path), error.to_string())));
        let rows: Vec<_> = bad
            .iter()
            .map(|(token, why)| json!({"token": token, "why": why}))
            .collect();
        let value = json!({
            "imported": outcome.uploaded,
            "folders": outcome.folders,
            "unchanged": outcome.unchanged,
            "skipped": outcome.skipped,
            "bytes": outcome.bytes,
            "refused": refused,
            "special": special,
            "bad": rows,
        });
        context.out.done(&value, || {
            let imported = human::count(outcome.uploaded, "file");
            format!("{imported} imported, {}", human::size(outcome.bytes))
        })?;
        for (_, why) in &bad {
            context.out.warn(&format!("not imported: {why}"));
        }
        match bad.len() as u64 + refused + special {
            0 => Ok(()),
            failed => Err(Failure::Incomplete(format!(
                "{} not imported; the rest is",
                human::count(failed, "item")
            ))),
        }
    }
}

/// A token's time, which its maker chose freely, as a time that a record can
/// have: 0 beyond the year 9999.
fn calendar_ms(timestamp_s: u64) -> u64 {
    const LAST_S: u64 = 253_402_300_799;
    if timestamp_s <= LAST_S {
        timestamp_s * 1000
    } else {
        0
    }
}
