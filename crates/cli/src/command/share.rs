//! `share`, `unshare`, `shares`, `accept`, `decline`, `leave`, `transfer`,
//! `group`, `mkvault`, `log`: working with others.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::people::{Person, Trust};
use sv_client::sharing::{
    self, Activity, Deed, Invitee, Last, MemberInfo, Share as Shared, ShareState, Terms,
};
use sv_client::vault::Vault;
use sv_core::Name;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;

use crate::ask;
use crate::context::{Context, open_at, remote};
use crate::failure::{Failure, Result};
use crate::human;
use crate::platform::NativePlatform;

type Account<'s> = Vault<'s, NativePlatform>;

/// What somebody may do
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleName {
    /// Look
    Viewer,
    /// Add, and change what they added
    Contributor,
    /// Change everything
    Editor,
    /// Also decide who has access
    Manager,
}

impl RoleName {
    const fn role(self) -> Role {
        match self {
            Self::Viewer => Role::Viewer,
            Self::Contributor => Role::Contributor,
            Self::Editor => Role::Editor,
            Self::Manager => Role::Manager,
        }
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Contributor => "contributor",
        Role::Editor => "editor",
        Role::Manager => "manager",
        Role::Owner => "owner",
    }
}

/// Share a file or folder with people, or change what they may do
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault share /contracts bob
  securevault share /contracts bob carol --role editor
  securevault share /photos group:family --role contributor --until 2027-01-01

They see the current versions, and whatever is put there from now on. Somebody without an account \
is waited for: `shares` asks you once they have one. Check that people are who they say with `securevault verify USER`.")]
pub(super) struct Share {
    /// File or folder
    path: String,
    /// User names, or group:NAME
    #[arg(required = true)]
    people: Vec<String>,
    /// What they may do
    #[arg(long, value_enum, default_value = "viewer")]
    role: RoleName,
    /// When it ends: a date, or a time from now like `30d`
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Older versions of files too
    #[arg(long)]
    with_history: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Take access to something shared away
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault unshare /contracts bob
  securevault unshare /contracts --all

People who were waited for are not any more. What is written from then on is under a new key. What people have seen already, they have seen.")]
pub(super) struct Unshare {
    /// What is shared
    path: String,
    /// User names, or group:NAME
    people: Vec<String>,
    /// Everybody but the owner and yourself
    #[arg(long, conflicts_with = "people")]
    all: bool,
}

/// List what is shared, or who has access to something
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault shares
  securevault shares /contracts
  securevault shares --admit dora

Somebody who was waited for and has an account now is not given access by that: anybody can have \
taken the name. On a terminal you are asked; else --admit says yes.")]
pub(super) struct Shares {
    /// Who has access to this
    path: Option<String>,
    /// Give this person what they were waited for
    #[arg(long, value_name = "USER")]
    admit: Vec<String>,
}

/// Accept something that was shared with you
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault accept contracts
  securevault accept contracts --as bobs-contracts && securevault ls shared:bobs-contracts")]
pub(super) struct Accept {
    /// Its name, as `shares` lists it
    name: String,
    /// The name it gets here
    #[arg(long = "as", value_name = "NAME")]
    rename: Option<String>,
}

/// Decline something that was shared with you, or hide it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  securevault decline contracts")]
pub(super) struct Decline {
    /// Its name, as `shares` lists it
    name: String,
}

/// Give up access to something shared, or leave a group
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  securevault leave shared:contracts")]
pub(super) struct Leave {
    /// What is shared
    path: String,
}

/// Make somebody else the owner of something shared
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  securevault transfer /contracts bob

They must have access already. You stay a manager.")]
pub(super) struct Transfer {
    /// What is shared
    path: String,
    /// The new owner's user name
    person: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Groups of people that things are shared with together
#[derive(Debug, Args)]
pub(super) struct Group {
    #[command(subcommand)]
    action: GroupAction,
}

#[derive(Debug, Subcommand)]
enum GroupAction {
    /// Make a group
    Create {
        /// Its name
        name: String,
    },
    /// Add people
    Add {
        /// The group
        name: String,
        /// User names
        #[arg(required = true)]
        people: Vec<String>,
        /// What they may do with the group; with what is shared with it, never more
        #[arg(long, value_enum, default_value = "editor")]
        role: RoleName,
    },
    /// Remove people, from everything that is shared with the group too
    Remove {
        /// The group
        name: String,
        /// User names
        #[arg(required = true)]
        people: Vec<String>,
    },
    /// List groups, or who is in one
    Ls {
        /// The group
        name: Option<String>,
    },
}

/// Make a vault beside the drive, reached as vault:NAME
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  securevault mkvault work && securevault put report.pdf vault:work/"
)]
pub(super) struct Mkvault {
    /// Its name
    name: String,
    /// How it keeps files, once and for all: `fernet` as tokens that other
    /// programs open, a third larger and without reading from the middle
    #[arg(long, value_enum, value_name = "SUITE", default_value = "blocks")]
    suite: Suite,
}

/// How a vault keeps files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// In blocks, as every other vault
    Blocks,
    /// One Fernet token each
    Fernet,
}

/// Show what was done in something shared, by whom, with proof
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault log /contracts
  securevault log shared:contracts -n 100 --json

Every entry is signed and was checked. Times are those that its author's computer stated.")]
pub(super) struct Log {
    /// What is shared
    path: String,
    /// How many entries
    #[arg(short = 'n', long, default_value_t = 50, value_name = "N")]
    count: u64,
}

impl Share {
    pub(super) async fn run(self, context: &Context) -> Result {
        let path = remote(&self.path)?;
        let expires_ms = match &self.until {
            None => 0,
            Some(text) => human::parse_future(text)?,
        };
        let session = context.session().await?;
        let mut account = Vault::account(&session).await?;
        let invitees = sharing::invitees(&mut account, &self.people).await?;
        self.confirm(context, &invitees)?;
        let terms = Terms {
            role: self.role.role(),
            expires_ms,
            with_history: self.with_history,
        };
        let done = sharing::share(&session, &mut account, &path, &invitees, &terms).await?;
        context.close(&session).await?;
        let value = json!({
            "path": path.to_string(),
            "vault_id": done.vault_id.map(|id| id.to_string()),
            "role": role_name(terms.role),
            "granted": done.granted,
            "pending": done.pending,
        });
        context.out.done(&value, || {
            let mut lines = Vec::new();
            if !done.granted.is_empty() {
                let names = done.granted.join(", ");
                lines.push(format!(
                    "{path}: {names} may use it as {}",
                    role_name(terms.role)
                ));
            }
            if !done.pending.is_empty() {
                let names = done.pending.join(", ");
                lines.push(format!(
                    "{names}: no such user yet; once they have signed up, `shares` asks you whether \
                     it is them"
                ));
            }
            lines.join("\n")
        })
    }

    /// Says who will see what before it happens.
    fn confirm(&self, context: &Context, invitees: &[Invitee]) -> Result {
        for invitee in invitees {
            if let Invitee::Person(person) = invitee
                && person.trust != Trust::Verified
            {
                context.out.remark(&format!(
                    "{}: {}; `securevault verify {}` shows what to compare",
                    person.handle,
                    trust_text(person.trust),
                    person.handle
                ));
            }
        }
        if self.yes || context.out.json || !ask::is_interactive() {
            return Ok(());
        }
        let what = if self.with_history {
            "with all older versions of its files"
        } else {
            "current versions only"
        };
        let question = format!(
            "Share {} ({what}) with {} as {}? [y/N] ",
            self.path,
            self.people.join(", "),
            role_name(self.role.role())
        );
        confirmed(&question)
    }
}

fn confirmed(question: &str) -> Result {
    match is_yes(question)? {
        true => Ok(()),
        false => Err(Failure::Local("nothing was changed".to_owned())),
    }
}

fn is_yes(question: &str) -> Result<bool> {
    Ok(matches!(ask::line(question)?.trim(), "y" | "Y" | "yes"))
}

const fn trust_text(trust: Trust) -> &'static str {
    match trust {
        Trust::Unverified => "not verified",
        Trust::Verified => "verified",
        Trust::Rotated => "new keys, signed by the verified ones",
    }
}

impl Unshare {
    pub(super) async fn run(self, context: &Context) -> Result {
        if self.people.is_empty() && !self.all {
            return Err(Failure::usage("say from whom, or --all"));
        }
        let session = context.session().await?;
        let mut account = Vault::account(&session).await?;
        let mut vault = open_shared(&session, &account, &self.path).await?;
        let members = sharing::members(&mut account, &vault).await?;
        let waiting = account.pending(&vault.id());
        let me = session.uid();
        let is_waited_for =
            |name: &str| waiting.iter().any(|i| i.handle.to_string() == plain(name));
        let chosen: Vec<&MemberInfo> = if self.all {
            let others = members.iter();
            others
                .filter(|m| m.member.role != Role::Owner && m.principal != me)
                .collect()
        } else {
            let found = self.people.iter().map(|name| find_member(&members, name));
            let mut chosen = Vec::new();
            for (name, found) in self.people.iter().zip(found) {
                match found {
                    Ok(member) => chosen.push(member),
                    Err(_) if is_waited_for(name) => {}
                    Err(error) => return Err(error),
                }
            }
            chosen
        };
        let mut names = Vec::new();
        for one in &waiting {
            let handle = one.handle.to_string();
            if self.all || self.people.iter().any(|name| plain(name) == handle) {
                account
                    .withdraw_invitation(&one.handle, &vault.id())
                    .await?;
                names.push(handle);
            }
        }
        let gone: Vec<_> = chosen.iter().map(|member| member.principal).collect();
        vault.revoke_all(&gone).await?;
        names.extend(chosen.iter().map(|member| member.name.clone()));
        context.close(&session).await?;
        context.out.done(&json!({"revoked": names}), || {
            format!("{}: no access any more", names.join(", "))
        })
    }
}

/// A user name as it was typed, which may begin with `@`.
fn plain(name: &str) -> &str {
    name.trim_start_matches('@')
}

fn find_member<'m>(members: &'m [MemberInfo], name: &str) -> Result<&'m MemberInfo> {
    let name = plain(name);
    let wanted = name.strip_prefix("group:").unwrap_or(name);
    let is_group = wanted != name;
    let mut found = members.iter();
    let found = found.find(|m| m.name == wanted && m.is_vault == is_group);
    found.ok_or_else(|| ClientError::NotFound(format!("{name} among those with access")).into())
}

/// The vault of something shared.
async fn open_shared<'s>(
    session: &'s Session<NativePlatform>,
    account: &Account<'s>,
    path: &str,
) -> Result<Account<'s>> {
    let path = remote(path)?;
    let (drive, _) = sharing::open_at(session, &path, Last::Through).await?;
    let vault_id = drive.vault().id();
    if !drive
        .vault()
        .replica()
        .state()
        .membership
        .kind
        .is_shareable()
    {
        return Err(Failure::usage(format!("{path}: is not shared")));
    }
    Ok(account.open_beside(vault_id).await?)
}

impl Shares {
    pub(super) async fn run(self, context: &Context) -> Result {
        let session = context.session().await?;
        let mut account = Vault::account(&session).await?;
        admit(context, &mut account, &self.admit).await?;
        match self.path {
            Some(path) => {
                let vault = open_shared(&session, &account, &path).await?;
                show_members(context, &mut account, &vault).await
            }
            None => {
                let shares = sharing::shares(&session, &account).await?;
                show_shares(context, &mut account, &shares, VaultKind::Shared).await
            }
        }
    }
}

/// Gives people who were waited for access: those named, and on a terminal
/// those that a person says yes to. Of the rest it says who they are.
async fn admit(context: &Context, account: &mut Account<'_>, named: &[String]) -> Result {
    let ready = account.ready_invitations().await?;
    for name in named {
        if !ready
            .iter()
            .any(|one| one.person.handle.to_string() == plain(name))
        {
            return Err(Failure::usage(format!(
                "{name}: nobody of this name was waited for and has an account now"
            )));
        }
    }
    let mut failed = 0;
    for one in &ready {
        let name = one.person.handle.to_string();
        let vaults = account.shared_vaults().into_iter();
        let mut vaults = vaults.filter(|(_, known)| known.vault_id == one.invitation.vault_id);
        let what = vaults.next().map_or_else(
            || short(&one.invitation.vault_id),
            |(_, known)| format!("vault:{}", known.name),
        );
        let (role, trust) = (role_name(one.invitation.role), trust_text(one.person.trust));
        let is_named = named.iter().any(|named| plain(named) == name);
        let is_wanted = is_named
            || (!context.out.json
                && ask::is_interactive()
                && is_yes(&format!(
                    "{name} ({trust}) has an account now. Give {name} access to {what} as {role}? \
                     [y/N] "
                ))?);
        if !is_wanted {
            context.out.remark(&format!(
                "{name} ({trust}) has an account now and was waited for, for {what} as {role}: \
                 `securevault shares --admit {name}` gives access, `securevault unshare {what} \
                 {name}` does not"
            ));
            continue;
        }
        match account.complete_invitation(one).await {
            Ok(()) => context
                .out
                .remark(&format!("{name} has access to {what} as {role}")),
            // One that cannot be kept spoils no other.
            Err(error) => {
                failed += 1;
                context.out.remark(&format!("{name}: {what}: {error}"));
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Incomplete(format!(
            "{failed} of those who were waited for got no access"
        ))),
    }
}

async fn show_shares(
    context: &Context,
    account: &mut Account<'_>,
    shares: &[Shared],
    kind: VaultKind,
) -> Result {
    let (mut rows, mut values) = (String::new(), Vec::new());
    for share in shares.iter().filter(|share| share.kind == kind) {
        let owner = owner_text(account, share);
        let state = match share.state {
            ShareState::Offered => "offered",
            ShareState::Accepted => "accepted",
            ShareState::Declined => "declined",
            ShareState::Unreadable => "unreadable",
            ShareState::Forged => "FORGED",
        };
        let role = role_name(share.role);
        rows.push_str(&format!(
            "{state:8}  {role:11}  {:16}  {}\n",
            owner, share.name
        ));
        values.push(json!({
            "name": share.name, "vault_id": share.vault_id.to_string(), "state": state,
            "role": role, "owner": owner, "trust": share.trust.map(trust_text),
            "expires_ms": share.expires_ms,
        }));
    }
    context.out.show(&values, || rows)
}

async fn show_members(context: &Context, account: &mut Account<'_>, vault: &Account<'_>) -> Result {
    let members = sharing::members(account, vault).await?;
    let pending = account.pending(&vault.id());
    let me = account.id();
    let values: Vec<Value> = members
        .iter()
        .map(|m| {
            json!({
                "name": m.name, "id": m.principal.to_string(),
                "kind": if m.is_vault { "group" } else { "person" },
                "role": role_name(m.member.role), "expires_ms": m.member.expires_ms,
                "trust": m.trust.map(trust_text), "ghost": m.is_ghost,
            })
        })
        .chain(pending.iter().map(
            |i| json!({"name": i.handle.to_string(), "kind": "pending", "role": role_name(i.role)}),
        ))
        .collect();
    context.out.show(&values, || {
        let rows = members.iter().map(|m| {
            let until = match m.member.expires_ms {
                0 => String::new(),
                ms => format!(", until {}", human::time(ms)),
            };
            let about = match (m.is_ghost, m.trust) {
                (true, _) => "WARNING: these are not the keys of this account",
                (false, _) if m.principal == me => "you",
                (false, Some(trust)) => trust_text(trust),
                (false, None) => "group",
            };
            let role = role_name(m.member.role);
            format!("{role:11}  {}  ({about}{until})\n", m.name)
        });
        let waiting = pending
            .iter()
            .map(|i| format!("{:11}  {}  (no account yet)\n", role_name(i.role), i.handle));
        rows.chain(waiting).collect()
    })
}

/// From whom a share is, by what the owner's account proves.
fn owner_text(account: &Account<'_>, share: &Shared) -> String {
    match &share.owner_name {
        Some(_) if share.owner == account.id() => "you".to_owned(),
        Some(name) => name.to_string(),
        None => "?".to_owned(),
    }
}

/// A share by the name that `shares` lists.
async fn find_share(
    session: &Session<NativePlatform>,
    account: &Account<'_>,
    name: &str,
) -> Result<Shared> {
    let shares = sharing::shares(session, account).await?;
    let mut found = shares
        .into_iter()
        .filter(|s| s.name == name || s.vault_id.to_string() == name);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "{name}: several have this name; give the vault_id that `shares --json` lists"
        ))),
        (None, _) => Err(ClientError::NotFound(name.to_owned()).into()),
    }
}

impl Accept {
    pub(super) async fn run(self, context: &Context) -> Result {
        let session = context.session().await?;
        let mut account = Vault::account(&session).await?;
        let share = find_share(&session, &account, &self.name).await?;
        let wanted = parse_name(self.rename.as_deref().unwrap_or(&share.name))?;
        let name = account.accept_share(share.vault_id, &wanted).await?;
        context.close(&session).await?;
        let owner = owner_text(&account, &share);
        let trust = share.trust.map(trust_text);
        let value = json!({
            "name": name.to_string(), "vault_id": share.vault_id.to_string(), "owner": owner,
            "trust": trust,
        });
        context.out.done(&value, || match trust {
            Some(trust) if share.owner != account.id() => {
                format!("Accepted from {owner} ({trust}); it is at shared:{name}")
            }
            _ => format!("Accepted; it is at shared:{name}"),
        })
    }
}

fn parse_name(text: &str) -> Result<Name> {
    Name::parse(text).map_err(|error| Failure::usage(format!("{text}: {error}")))
}

impl Decline {
    pub(super) async fn run(self, context: &Context) -> Result {
        let session = context.session().await?;
        let mut account = Vault::account(&session).await?;
        let share = find_share(&session, &account, &self.name).await?;
        account
            .decline_share(share.vault_id, &parse_name(&share.name)?)
            .await?;
        context.close(&session).await?;
        context.out.done(&json!({"declined": share.name}), || {
            format!(
                "{}: declined; `securevault accept` takes it after all",
                share.name
            )
        })
    }
}

impl Leave {
    pub(super) async fn run(self, context: &Context) -> Result {
        let session = context.session().await?;
        let mut account = Vault::account(&session).await?;
        let mut vault = open_shared(&session, &account, &self.path).await?;
        let name = account
            .shared_vaults()
            .into_iter()
            .find(|(_, known)| known.vault_id == vault.id())
            .map(|(_, known)| known.name);
        vault.leave().await?;
        if let Some(name) = name {
            account.decline_share(vault.id(), &name).await?;
        }
        context.close(&session).await?;
        context.out.done(&json!({"left": self.path}), || {
            format!("{}: you have no access any more", self.path)
        })
    }
}

impl Transfer {
    pub(super) async fn run(self, context: &Context) -> Result {
        let session = context.session().await?;
        let mut account = Vault::account(&session).await?;
        let mut vault = open_shared(&session, &account, &self.path).await?;
        let members = sharing::members(&mut account, &vault).await?;
        let next = find_member(&members, &self.person)?;
        if !self.yes && !context.out.json && ask::is_interactive() {
            confirmed(&format!(
                "Make {} the owner of {}? [y/N] ",
                next.name, self.path
            ))?;
        }
        vault.transfer(next.principal).await?;
        context.close(&session).await?;
        context
            .out
            .done(&json!({"path": self.path, "owner": next.name}), || {
                format!(
                    "{} is the owner of {} now; you are a manager",
                    next.name, self.path
                )
            })
    }
}

impl Mkvault {
    pub(super) async fn run(self, context: &Context) -> Result {
        let suite = match self.suite {
            Suite::Blocks => ContentSuite::Blocks,
            Suite::Fernet => ContentSuite::Fernet,
        };
        let name = create(context, &self.name, VaultKind::Shared, suite).await?;
        context
            .out
            .done(&json!({"name": name}), || format!("Made vault:{name}"))
    }
}

async fn create(
    context: &Context,
    name: &str,
    kind: VaultKind,
    suite: ContentSuite,
) -> Result<String> {
    let wanted = parse_name(name)?;
    let session = context.session().await?;
    let mut account = Vault::account(&session).await?;
    let name = sharing::make_vault(&session, &mut account, &wanted, kind, suite).await?;
    context.close(&session).await?;
    Ok(name.to_string())
}

impl Group {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self.action {
            GroupAction::Create { name } => {
                let name = create(context, &name, VaultKind::Group, ContentSuite::Blocks).await?;
                context
                    .out
                    .done(&json!({"name": name}), || format!("Made group:{name}"))
            }
            GroupAction::Add { name, people, role } => {
                let session = context.session().await?;
                let mut account = Vault::account(&session).await?;
                let mut group = open_shared(&session, &account, &format!("vault:{name}")).await?;
                let invitees = sharing::invitees(&mut account, &people).await?;
                let done =
                    sharing::give_access(&mut account, &mut group, &invitees, role.role(), 0)
                        .await?;
                context.close(&session).await?;
                let value = json!({"group": name, "added": done.granted, "pending": done.pending});
                context.out.done(&value, || {
                    let all = [done.granted, done.pending].concat();
                    format!("group:{name}: added {}", all.join(", "))
                })
            }
            GroupAction::Remove { name, people } => {
                let path = format!("vault:{name}");
                let all = false;
                Unshare { path, people, all }.run(context).await
            }
            GroupAction::Ls { name } => {
                let session = context.session().await?;
                let mut account = Vault::account(&session).await?;
                match name {
                    Some(name) => {
                        let path = format!("vault:{name}");
                        let group = open_shared(&session, &account, &path).await?;
                        show_members(context, &mut account, &group).await
                    }
                    None => {
                        let shares = sharing::shares(&session, &account).await?;
                        show_shares(context, &mut account, &shares, VaultKind::Group).await
                    }
                }
            }
        }
    }
}

impl Log {
    pub(super) async fn run(self, context: &Context) -> Result {
        let path = remote(&self.path)?;
        let session = context.session().await?;
        let mut account = Vault::account(&session).await?;
        let (drive, _) = open_at(context, &session, &path, Last::Through).await?;
        let activity = drive.vault().activity(self.count).await?;
        let people = authors(&mut account, &activity).await?;
        let node = |id| match drive.item(id) {
            Ok(item) => item.path,
            Err(_) if drive.vault().replica().nodes().contains_key(&id) => "its name".to_owned(),
            Err(_) => "something that is gone".to_owned(),
        };
        let me = account.id();
        let who = |id: &VaultId| match people.get(id) {
            Some(_) if *id == me => "you".to_owned(),
            Some(person) => person.handle.to_string(),
            None => short(id),
        };
        let is_forged = |one: &Activity| {
            let person = people.get(&one.author);
            person.is_some_and(|person| !one.is_signed_by(person))
        };
        let author = |one: &Activity| match is_forged(one) {
            true => format!("NOT {} (WARNING: other keys)", who(&one.author)),
            false => who(&one.author),
        };
        let values: Vec<Value> = activity
            .iter()
            .map(|one| {
                let deeds: Vec<String> = one.deeds.iter().map(|d| deed(d, &node, &who)).collect();
                json!({
                    "seq": one.seq, "author": author(one), "uid": one.author.to_string(),
                    "stated_ms": one.at_ms, "via": one.via.map(|id| id.to_string()),
                    "deeds": deeds, "forged": is_forged(one),
                })
            })
            .collect();
        let row = |one: &Activity| {
            let deeds: Vec<String> = one.deeds.iter().map(|d| deed(d, &node, &who)).collect();
            format!(
                "{}  {:16}  {}\n",
                human::time(one.at_ms),
                author(one),
                deeds.join(", ")
            )
        };
        context
            .out
            .show(&values, || activity.iter().map(row).collect())
    }
}

/// Who wrote entries, as far as the server shows their accounts.
async fn authors(
    account: &mut Account<'_>,
    activity: &[Activity],
) -> Result<BTreeMap<VaultId, Person>> {
    let mut people = BTreeMap::new();
    let authors: BTreeSet<VaultId> = activity.iter().map(|one| one.author).collect();
    for author in authors {
        match account.meet_member(author).await {
            Ok(person) => drop(people.insert(author, person)),
            Err(error @ ClientError::Tampered(_)) if !is_gone(&error) => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(people)
}

/// Whether the server no longer shows an account, as of somebody who left.
fn is_gone(error: &ClientError) -> bool {
    matches!(error, ClientError::Tampered(sv_client::Tamper::Missing(_)))
}

fn short(id: &VaultId) -> String {
    id.to_string().chars().take(8).collect()
}

fn deed(
    deed: &Deed,
    node: &impl Fn(sv_ledger::id::NodeId) -> String,
    who: &impl Fn(&VaultId) -> String,
) -> String {
    match deed {
        Deed::Added(id) => format!("added {}", node(*id)),
        Deed::Changed(id) => format!("changed {}", node(*id)),
        Deed::Removed(_) => "removed something for good".to_owned(),
        Deed::Granted(id, role) => format!("gave {} access as {}", who(id), role_name(*role)),
        Deed::RoleChanged(id, role) => format!("made {} {}", who(id), role_name(*role)),
        Deed::Revoked(id) => format!("took access from {}", who(id)),
        Deed::Expired(id) => format!("ended the access of {}, which was over", who(id)),
        Deed::Rekeyed(id) => format!("new keys of {}", who(id)),
        Deed::Left => "left".to_owned(),
        Deed::Transferred(id) => format!("made {} the owner", who(id)),
        Deed::NewKey => "new key".to_owned(),
    }
}
