//! `accept-restore`: a person's word that a server was honestly restored.

use clap::Args;
use serde_json::{Value, json};
use sv_client::account::RestoreClaim;
use sv_client::vault::{AccessChange, Loss, Lost, RestoreReview, Setback, publish_pins};
use sv_ledger::genesis::VaultKind;
use sv_ledger::state::Role;

use super::share::role_name;
use crate::ask;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::human;

/// What a person types to accept.
const WORD: &str = "accept";

/// After a restore from a backup: see what is lost, and go on from there
#[derive(Debug, Args)]
#[command(after_help = "\
A server that was restored from a backup is older than what this device has seen, and looks like \
one that was attacked. Ask its administrator, by another way than this server, whether it was \
restored, and when. This command shows what the server does not have any more, and goes on from \
what it has only after you say so. What is shared with you is looked at, too: whoever had lost \
access to it after the backup has it again, which is listed; take it away again then. Whoever accepts what an attacker shows gives up what is listed.

Examples:
  securevault accept-restore
  securevault accept-restore --json          (only shows; exits with 5)
  securevault accept-restore --yes --json")]
pub(super) struct AcceptRestore {
    /// Accept without asking
    #[arg(long)]
    yes: bool,
}

impl AcceptRestore {
    pub(super) async fn run(self, context: &Context) -> Result {
        let mut session = context.session().await?;
        let Some(review) = RestoreReview::of(&session).await? else {
            return context.out.done(&json!({"accepted": false}), || {
                "The server has everything that this device has seen: there is nothing to accept."
                    .to_owned()
            });
        };
        let asks = !self.yes && !context.out.json && ask::is_interactive();
        if !context.out.json {
            context.out.show(&Value::Null, || describe(&review))?;
        }
        let accepted = self.yes || asks && says_so()?;
        let mut value = to_json(&review);
        if let Some(value) = value.as_object_mut() {
            value.insert("accepted".to_owned(), accepted.into());
        }
        if context.out.json {
            context.out.show(&value, String::new)?;
        }
        if !accepted {
            return Err(Failure::NotAccepted);
        }
        review.accept(&mut session).await?;
        publish_pins(&session, true).await?;
        context.out.remark(
            "Accepted. Put again what is missing. A state check on an emergency sheet printed \
             before is not met any more: `securevault recovery sheet` prints a new one.",
        );
        Ok(())
    }
}

fn says_so() -> Result<bool> {
    let answer = ask::line(&format!(
        "Type `{WORD}` to give this up and go on from what the server has: "
    ))?;
    Ok(answer.trim() == WORD)
}

fn describe(review: &RestoreReview) -> String {
    let RestoreClaim {
        restored_ms,
        backup_ms,
        ..
    } = review.claim();
    let mut text = format!(
        "The server says that it was restored on {} from a backup of {}.\n",
        human::time(*restored_ms),
        human::time(*backup_ms)
    );
    for setback in review.setbacks() {
        text += &describe_setback(setback);
    }
    if review.has_older_unlockers() {
        text += "Password and recovery key are again those from before the backup.\n";
    }
    text
}

fn describe_setback(setback: &Setback) -> String {
    let mut text = format!(
        "{}: the server is at entry {}, this device has seen entry {}.\n",
        title(setback),
        setback.shown,
        setback.seen
    );
    if !setback.is_known {
        text += "  This device does not know any more what was in it, and so not what is lost.\n";
    }
    for change in &setback.access {
        let name = human::printable(&change.name);
        let role = |role: Option<Role>| role.map_or("no access", role_name);
        let (seen, shown) = (role(change.seen), role(change.shown));
        text += &format!("  ACCESS    {name}: {shown}; this device has seen: {seen}\n");
    }
    for loss in &setback.losses {
        let path = human::printable(&loss.path);
        text += &match loss.what {
            Lost::Folder => format!("  lost      {path}/\n"),
            Lost::File | Lost::Versions => format!(
                "  lost      {path}  ({}, {})\n",
                human::count(loss.versions as u64, version_noun(loss.what)),
                human::size(loss.bytes)
            ),
            Lost::Change => {
                format!("  undone    a change of name, place or properties of {path}\n")
            }
            Lost::Returns => format!("  returns   {path}\n"),
        };
    }
    text
}

/// What a vault is called here.
fn title(setback: &Setback) -> String {
    let kind = vault_name(setback.kind);
    match &setback.name {
        Some(name) => format!("{kind} {}", human::printable(name.as_str())),
        None => kind.to_owned(),
    }
}

const fn version_noun(what: Lost) -> &'static str {
    match what {
        Lost::Versions => "newer version",
        _ => "version",
    }
}

const fn vault_name(kind: VaultKind) -> &'static str {
    match kind {
        VaultKind::Account => "account",
        VaultKind::Drive => "drive",
        VaultKind::Shared => "share",
        VaultKind::Group => "group",
    }
}

fn to_json(review: &RestoreReview) -> Value {
    let claim = review.claim();
    json!({
        "restored_ms": claim.restored_ms,
        "backup_ms": claim.backup_ms,
        "older_unlockers": review.has_older_unlockers(),
        "vaults": review.setbacks().iter().map(|setback| json!({
            "vault": vault_name(setback.kind),
            "name": setback.name.as_ref().map(ToString::to_string),
            "vault_id": setback.vault_id.to_string(),
            "shown_entry": setback.shown,
            "seen_entry": setback.seen,
            "known": setback.is_known,
            "losses": setback.losses.iter().map(loss_to_json).collect::<Vec<_>>(),
            "access": setback.access.iter().map(access_to_json).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn access_to_json(change: &AccessChange) -> Value {
    json!({
        "name": change.name, "id": change.principal.to_string(),
        "seen": change.seen.map(role_name), "shown": change.shown.map(role_name),
    })
}

fn loss_to_json(loss: &Loss) -> Value {
    let what = match loss.what {
        Lost::File => "file",
        Lost::Folder => "folder",
        Lost::Versions => "versions",
        Lost::Change => "change",
        Lost::Returns => "returns",
    };
    json!({"path": loss.path, "what": what, "versions": loss.versions, "bytes": loss.bytes})
}
