//! `share`, `shares`, `accept`, `decline`, `leave`, `transfer`,
//! `mkvault`: working with others.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use sv_client::account::Session;
use sv_client::people::Trust;
use sv_client::sharing::{self, Invitee, Last, MemberInfo, Share as Shared, ShareState, Terms};
use sv_client::vault::Vault;
use sv_client::{ClientError, Tamper};
use sv_core::Name;
use sv_ledger::genesis::VaultKind;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;

use crate::ask;
use crate::context::{Context, remote};
use crate::failure::{Failure, Result};
use crate::human;
use crate::platform::NativePlatform;

pub(super) type Account<'s> = Vault<'s, NativePlatform>;

/// What somebody may do
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RoleName {
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
    pub(super) const fn role(self) -> Role {
        match self {
            Self::Viewer => Role::Viewer,
            Self::Contributor => Role::Contributor,
            Self::Editor => Role::Editor,
            Self::Manager => Role::Manager,
        }
    }
}

pub(super) const fn role_name(role: Role) -> &'static str {
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
  securevault accept contracts --as bobs-contracts && securevault ls shared:bobs-contracts
  securevault accept contracts --inside

What is inside may be shared on its own, with others: it is offered by itself, and --inside takes \
it along.")]
pub(super) struct Accept {
    /// Its name, as `shares` lists it
    name: String,
    /// The name it gets here
    #[arg(long = "as", value_name = "NAME")]
    rename: Option<String>,
    /// Also what is shared on its own inside it
    #[arg(long)]
    inside: bool,
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

/// A user name as it was typed, which may begin with `@`.
pub(super) fn plain(name: &str) -> &str {
    name.trim_start_matches('@')
}

/// A member by name, or by the id that `shares` lists.
pub(super) fn find_member<'m>(members: &'m [MemberInfo], name: &str) -> Result<&'m MemberInfo> {
    let mut by_id = members.iter();
    if let Some(member) = by_id.find(|m| m.principal.to_string() == name) {
        return Ok(member);
    }
    let name = plain(name);
    let wanted = name.strip_prefix("group:").unwrap_or(name);
    let is_group = wanted != name;
    let found = members.iter();
    let mut found = found.filter(|m| m.name == wanted && m.is_vault == is_group);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "{name}: several have this name; give the id that `shares --json` lists"
        ))),
        (None, _) => Err(ClientError::NotFound(format!("{name} among those with access")).into()),
    }
}

/// The vault of something shared, or of what it is part of.
pub(super) async fn open_shared<'s>(
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
            || one.invitation.vault_id.to_string(),
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

pub(super) async fn show_shares(
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

pub(super) async fn show_members(
    context: &Context,
    account: &mut Account<'_>,
    vault: &Account<'_>,
) -> Result {
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
                "trust": m.trust.map(trust_text), "ghost": m.is_ghost, "gone": m.is_gone,
                "changed": m.is_changed,
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
                _ if m.is_changed => &format!(
                    "WARNING: another identity than you know, id {}",
                    m.principal
                ),
                _ if m.is_gone => "the account was deleted",
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
        let mut inside = Vec::new();
        if self.inside {
            inside = account.accept_inside(share.vault_id).await?;
        }
        context.close(&session).await?;
        let inside: Vec<String> = inside.iter().map(Name::to_string).collect();
        let owner = owner_text(&account, &share);
        let trust = share.trust.map(trust_text);
        let value = json!({
            "name": name.to_string(), "vault_id": share.vault_id.to_string(), "owner": owner,
            "trust": trust, "inside": inside,
        });
        context.out.done(&value, || {
            let from = match trust {
                Some(trust) if share.owner != account.id() => format!(" from {owner} ({trust})"),
                _ => String::new(),
            };
            let with = match inside.len() {
                0 => String::new(),
                count => format!(", with {} inside", human::count(count as u64, "share")),
            };
            format!("Accepted{from}{with}; it is at shared:{name}")
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
        sharing::leave(&session, &mut account, &remote(&self.path)?).await?;
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
        let path = remote(&self.path)?;
        let mut vault = sharing::open_share(&session, &account, &path).await?;
        let members = sharing::members(&mut account, &vault).await?;
        let next = find_member(&members, &self.person)?;
        if next.is_changed {
            return Err(ClientError::from(Tamper::Contact(next.name.clone())).into());
        }
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

pub(super) async fn create(
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
