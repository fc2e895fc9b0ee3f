//! `unshare`: taking access away, and putting anew what was there before.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::{Value, json};
use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::sharing::{self, Inside, Kept, MemberInfo, Reach, Removed, WhyKept};
use sv_client::transfer::{Renewed, renew};
use sv_client::vault::Vault;
use sv_ledger::id::{ContentId, VaultId};
use sv_ledger::state::Role;

use super::share::{find_member, plain};
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
They lose access to what is shared on its own inside it, too. What they own there nobody can take \
from them: it is named, and the command exits with 1.
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
        let left = revoked.say_kept(context);
        let renewed = match self.reencrypt {
            true => Some(
                self.renew(context, &session, &revoked.kept_vaults())
                    .await?,
            ),
            false => None,
        };
        context.close(&session).await?;
        let mut value = revoked.value();
        if let (Some(renewed), Some(value)) = (&renewed, value.as_object_mut()) {
            value.insert("contents".to_owned(), renewed.contents.into());
            value.insert("bytes".to_owned(), renewed.bytes.into());
        }
        context.out.done(&value, || {
            let mut lines = Vec::from_iter(revoked.line());
            if let Some(renewed) = &renewed {
                lines.push(format!(
                    "{} ({}) stored anew",
                    human::count(renewed.contents, "content"),
                    human::size(renewed.bytes)
                ));
            }
            lines.join("\n")
        })?;
        left
    }

    async fn revoke(
        &self,
        context: &Context,
        session: &Session<NativePlatform>,
    ) -> Result<Revoked> {
        let path = remote(&self.path)?.to_string();
        let mut revoked = Revoked::at(path.trim_end_matches('/'));
        if self.people.is_empty() && !self.all {
            return Ok(revoked);
        }
        let mut account = Vault::account(session).await?;
        let mut vault = sharing::open_share(session, &account, &remote(&self.path)?).await?;
        let inside = Inside::of(&account, &vault).await?;
        let members = sharing::members(&mut account, &vault).await?;
        let waiting = account.pending(&vault.id());
        let is_waited_for =
            |name: &str| waiting.iter().any(|i| i.handle.to_string() == plain(name));
        let mut chosen: Vec<MemberInfo> = Vec::new();
        if self.all {
            let is_other =
                |m: &&MemberInfo| m.member.role != Role::Owner && m.principal != session.uid();
            chosen.extend(members.iter().filter(is_other).cloned());
        }
        for name in &self.people {
            let error = match find_member(&members, name) {
                Ok(member) => {
                    chosen.push(member.clone());
                    continue;
                }
                Err(_) if is_waited_for(name) => continue,
                Err(error) => error,
            };
            match find_inside(&mut account, &inside, name).await? {
                Some(member) => chosen.push(member),
                // They may have lost it in the run that is gone on with.
                None if self.reencrypt => context.out.remark(&format!("{name}: has no access")),
                None => return Err(error),
            }
        }
        for one in &waiting {
            let handle = one.handle.to_string();
            if self.all || self.people.iter().any(|name| plain(name) == handle) {
                account.withdraw_invitation(&one.handle, vault.id()).await?;
                revoked.names.push(handle);
            }
        }
        let gone: Vec<_> = chosen.iter().map(|member| member.principal).collect();
        let is_outside = |id: &VaultId| members.iter().any(|member| member.principal == *id);
        if !gone.is_empty() {
            revoked.removed = inside.remove(&mut vault, &gone).await?;
        }
        let taken: BTreeSet<VaultId> = revoked
            .removed
            .inside
            .iter()
            .flat_map(|taken| taken.who.clone())
            .collect();
        let lost = |member: &&MemberInfo| {
            is_outside(&member.principal) || taken.contains(&member.principal)
        };
        let names = chosen.iter().filter(lost).map(|member| member.name.clone());
        revoked.names.extend(names);
        revoked.chosen = chosen;
        Ok(revoked)
    }

    /// Puts everything anew in the vault, and in those inside it that whoever
    /// had access to it could reach.
    async fn renew(
        &self,
        context: &Context,
        session: &Session<NativePlatform>,
        kept: &BTreeSet<VaultId>,
    ) -> Result<Renewed> {
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
            // Where they still have access, fresh keys keep nothing from them.
            let is_theirs = kept.contains(&membership.vault_id);
            if is_reached && reachable.insert(membership.vault_id) && !is_theirs {
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

/// Somebody who has access to something inside, and not to what is around it.
async fn find_inside<'s>(
    account: &mut Vault<'s, NativePlatform>,
    inside: &Inside<'s, NativePlatform>,
    name: &str,
) -> Result<Option<MemberInfo>> {
    for vault in inside.vaults() {
        let members = sharing::members(account, vault).await?;
        match find_member(&members, name) {
            Ok(member) => return Ok(Some(member.clone())),
            Err(Failure::Client(ClientError::NotFound(_))) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// What came of taking access away.
struct Revoked {
    /// Of what.
    path: String,
    /// Who has lost something.
    names: Vec<String>,
    /// Who was to lose it.
    chosen: Vec<MemberInfo>,
    removed: Removed,
}

impl Revoked {
    fn at(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            names: Vec::new(),
            chosen: Vec::new(),
            removed: Removed::default(),
        }
    }

    fn inside(&self) -> Vec<String> {
        let taken = self.removed.inside.iter();
        taken
            .map(|taken| format!("{}{}", self.path, taken.path))
            .collect()
    }

    fn kept_vaults(&self) -> BTreeSet<VaultId> {
        self.removed.kept.iter().map(|kept| kept.vault_id).collect()
    }

    fn line(&self) -> Option<String> {
        if self.names.is_empty() {
            return None;
        }
        let inside = match self.inside().join(", ") {
            paths if paths.is_empty() => paths,
            paths => format!("; also from {paths}"),
        };
        Some(format!(
            "{}: no access any more{inside}",
            self.names.join(", ")
        ))
    }

    fn value(&self) -> Value {
        let kept = self.removed.kept.iter().map(|kept| {
            json!({
                "path": format!("{}{}", self.path, kept.path),
                "vault_id": kept.vault_id.to_string(),
                "who": self.name_of(kept),
                "why": match kept.why {
                    WhyKept::TheyOwnIt => "owner",
                    WhyKept::NotManager => "not_manager",
                    WhyKept::NotAccepted => "not_accepted",
                    WhyKept::Apart => "apart",
                    WhyKept::Failed(_) => "failed",
                },
            })
        });
        json!({"revoked": self.names, "inside": self.inside(), "kept": kept.collect::<Vec<_>>()})
    }

    fn name_of(&self, kept: &Kept) -> Option<&str> {
        let mut chosen = self.chosen.iter();
        let member = chosen.find(|member| Some(member.principal) == kept.who)?;
        Some(&member.name)
    }

    /// Says what somebody has still, one by one.
    fn say_kept(&self, context: &Context) -> Result {
        for kept in &self.removed.kept {
            let path = format!("{}{}", self.path, kept.path);
            let who = self.name_of(kept);
            context.out.warn(&match (who, &kept.why) {
                (None, WhyKept::Failed(error)) => format!("not looked into: {path}: {error}"),
                (who, why) => {
                    format!("still theirs: {path} {}", why_kept(who.unwrap_or("?"), why))
                }
            });
        }
        let mut errors = self.removed.kept.iter().filter_map(|kept| match &kept.why {
            WhyKept::Failed(error @ ClientError::Tampered(_)) => Some(error.clone()),
            _ => None,
        });
        match (errors.next(), self.removed.kept.len()) {
            (Some(error), _) => Err(error.into()),
            (None, 0) => Ok(()),
            (None, count) => Err(Failure::Incomplete(format!(
                "{} inside is or may be theirs still; the rest is not",
                human::count(count as u64, "share")
            ))),
        }
    }
}

fn why_kept(who: &str, why: &WhyKept) -> String {
    match why {
        WhyKept::TheyOwnIt => format!("({who} owns it): move what is in it elsewhere"),
        WhyKept::NotManager => {
            format!("({who} has access by name): a manager of it can remove them")
        }
        WhyKept::NotAccepted => {
            format!("({who} has access by name): accept it, and say this again")
        }
        WhyKept::Apart => {
            format!("(shared with {who} on its own): if that is meant too, say it of that")
        }
        WhyKept::Failed(error) => format!("({who} has access by name): {error}"),
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
