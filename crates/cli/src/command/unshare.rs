//! `unshare`: taking access away, and putting anew what was there before.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;
use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::sharing::{self, MemberInfo, Reach};
use sv_client::transfer::{Renewed, renew};
use sv_client::vault::Vault;
use sv_ledger::id::{ContentId, VaultId};
use sv_ledger::state::Role;

use super::share::{find_member, open_shared, plain};
use crate::context::{Context, remote};
use crate::failure::{Failure, Result};
use crate::human;
use crate::platform::NativePlatform;
use crate::progress::watch;
use crate::reach::{Reached, say_left_out};

/// Files elsewhere that are named one by one.
const NAMED: usize = 10;

/// Take access to something shared away
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault unshare /contracts bob
  securevault unshare /contracts --all
  securevault unshare /contracts bob --reencrypt

People who were waited for are not any more. What is written from then on is under a new key. What \
people have seen already, they have seen.
With --reencrypt everything that is there is read, sealed under fresh keys and stored anew, all \
versions and the trash included, also in shared folders inside: of what they have kept of keys, \
nothing opens what is stored then. That moves all its bytes twice. An interrupted run goes on with \
`securevault unshare PATH --reencrypt`.")]
pub(super) struct Unshare {
    /// What is shared
    path: String,
    /// User names, or group:NAME
    people: Vec<String>,
    /// Everybody but the owner and yourself
    #[arg(long, conflicts_with = "people")]
    all: bool,
    /// Store everything anew, under keys that nobody has had
    #[arg(long)]
    reencrypt: bool,
}

impl Unshare {
    /// People to be removed from a group.
    pub(super) fn from_group(name: &str, people: Vec<String>) -> Self {
        Self {
            path: format!("vault:{name}"),
            people,
            all: false,
            reencrypt: false,
        }
    }

    pub(super) async fn run(self, context: &Context) -> Result {
        if self.people.is_empty() && !self.all && !self.reencrypt {
            return Err(Failure::usage("say from whom, or --all"));
        }
        let session = context.session().await?;
        let revoked = self.revoke(context, &session).await?;
        let renewed = match self.reencrypt {
            true => Some(self.renew(context, &session).await?),
            false => None,
        };
        context.close(&session).await?;
        let mut value = json!({"revoked": revoked});
        if let (Some(renewed), Some(value)) = (&renewed, value.as_object_mut()) {
            value.insert("contents".to_owned(), renewed.contents.into());
            value.insert("bytes".to_owned(), renewed.bytes.into());
        }
        context.out.done(&value, || {
            let mut lines = Vec::new();
            if !revoked.is_empty() {
                lines.push(format!("{}: no access any more", revoked.join(", ")));
            }
            if let Some(renewed) = &renewed {
                lines.push(format!(
                    "{} ({}) stored anew",
                    human::count(renewed.contents, "content"),
                    human::size(renewed.bytes)
                ));
            }
            lines.join("\n")
        })
    }

    async fn revoke(
        &self,
        context: &Context,
        session: &Session<NativePlatform>,
    ) -> Result<Vec<String>> {
        let mut account = Vault::account(session).await?;
        let mut vault = open_shared(session, &account, &self.path).await?;
        let members = sharing::members(&mut account, &vault).await?;
        let waiting = account.pending(&vault.id());
        let is_waited_for =
            |name: &str| waiting.iter().any(|i| i.handle.to_string() == plain(name));
        let mut chosen: Vec<&MemberInfo> = Vec::new();
        if self.all {
            let is_other =
                |m: &&MemberInfo| m.member.role != Role::Owner && m.principal != session.uid();
            chosen.extend(members.iter().filter(is_other));
        }
        for name in &self.people {
            match find_member(&members, name) {
                Ok(member) => chosen.push(member),
                Err(_) if is_waited_for(name) => {}
                // They may have lost it in the run that is gone on with.
                Err(_) if self.reencrypt => {
                    context.out.remark(&format!("{name}: has no access"));
                }
                Err(error) => return Err(error),
            }
        }
        let mut names = Vec::new();
        for one in &waiting {
            let handle = one.handle.to_string();
            if self.all || self.people.iter().any(|name| plain(name) == handle) {
                account.withdraw_invitation(&one.handle, vault.id()).await?;
                names.push(handle);
            }
        }
        let gone: Vec<_> = chosen.iter().map(|member| member.principal).collect();
        vault.revoke_all(&gone).await?;
        names.extend(chosen.iter().map(|member| member.name.clone()));
        Ok(names)
    }

    /// Puts everything anew in the vault, and in those inside it that whoever
    /// had access to it could reach.
    async fn renew(&self, context: &Context, session: &Session<NativePlatform>) -> Result<Renewed> {
        let path = remote(&self.path)?;
        let reached = Reached::all(context, Reach::below(session, &path).await?).await?;
        let mut reachable: BTreeSet<VaultId> = BTreeSet::new();
        let mut drives = Vec::new();
        for stretch in reached.stretches {
            let membership = &stretch.drive().vault().replica().state().membership;
            let is_reached = stretch.is_first()
                || membership
                    .vault_members()
                    .any(|(id, _)| reachable.contains(id));
            if is_reached && reachable.insert(membership.vault_id) {
                drives.push((stretch.shown().to_owned(), stretch.into_drive()));
            }
        }
        let (mut all, mut refused) = (Renewed::default(), 0);
        for (shown, drive) in &mut drives {
            let how = format!(
                "Go on with `securevault unshare {} --reencrypt`.",
                self.path
            );
            let run = async |reporter: &_| renew(drive, reporter).await;
            match watch(&context.out, &how, run).await {
                Err(Failure::Client(error @ ClientError::Misuse(_)))
                    if *shown != path.to_string() =>
                {
                    refused += 1;
                    context
                        .out
                        .warn(&format!("not stored anew: {shown}: {error}"));
                }
                done => all.add(done?),
            }
        }
        let renewed: BTreeSet<VaultId> =
            drives.iter().map(|(_, drive)| drive.vault().id()).collect();
        say_copies(context, session, &renewed, &all.old).await?;
        say_left_out(context, &reached.closed)?;
        if all.left_alone > 0 || refused > 0 {
            return Err(Failure::Incomplete(format!(
                "{} could not be stored anew; the rest is",
                human::count(all.left_alone as u64 + refused, "item")
            )));
        }
        Ok(all)
    }
}

/// Says where else the same contents are: copies refer to what they were
/// copied from, and keep it at the server.
async fn say_copies(
    context: &Context,
    session: &Session<NativePlatform>,
    renewed: &BTreeSet<VaultId>,
    old: &BTreeSet<ContentId>,
) -> Result {
    let reached = Reached::all(context, Reach::each_vault(session).await?).await?;
    let mut paths = Vec::new();
    for stretch in &reached.stretches {
        let drive = stretch.drive();
        if !renewed.contains(&drive.vault().id()) {
            paths.extend(files_with(drive, old));
        }
    }
    if paths.is_empty() {
        return Ok(());
    }
    let named = paths.iter().take(NAMED).map(|path| format!("\n  {path}"));
    let more = match paths.len().checked_sub(NAMED) {
        None | Some(0) => String::new(),
        Some(more) => format!("\n  and {more} more"),
    };
    context.out.warn(&format!(
        "copies elsewhere refer to the old contents, and keep them; remove them, or put them \
         again:{}{more}",
        named.collect::<String>()
    ));
    Ok(())
}

fn files_with(drive: &Drive<'_, NativePlatform>, contents: &BTreeSet<ContentId>) -> Vec<String> {
    let nodes = drive.vault().replica().nodes().iter();
    let has_one = nodes.filter(|(_, node)| {
        let mut versions = node
            .record()
            .into_iter()
            .flat_map(|record| &record.versions);
        versions.any(|version| contents.contains(&version.content_id))
    });
    let path = |id| drive.item(id).map(|item| item.path);
    has_one.filter_map(|(id, _)| path(*id).ok()).collect()
}
