//! Sharing: vaults beside the drive, who is in them, and where they are shown
//! (spec: `records.md` §7).

mod activity;
mod groups;
mod handing;
mod inside;
mod invitations;
mod mounts;
mod moving;
mod owner;
mod reach;
mod seen;

pub use activity::{Activity, Deed, Download, Event, Timeline};
pub use groups::{create_vault, draft_vault, make_vault};
pub use handing::{After, hand_over};
pub use inside::{Inside, Kept, Removed, Taken, WhyKept};
pub use invitations::ReadyInvitation;
pub use mounts::{Last, leave, open_at, open_share};
pub use moving::{copy, rename};
pub use reach::{Closed, Listing, Reach, Step, Stretch, Why};
pub use seen::{MemberInfo, Unmet, heads, member_info, members, share_in, share_of, shares};

use owner::Owner;

use sv_core::Name;
use sv_core::record::{Payload, SharedVault, Title};
use sv_ledger::genesis::VaultKind;
use sv_ledger::handle::Handle;
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::state::Role;

use crate::account::Session;
use crate::drive::Drive;
use crate::error::{ClientError, Result};
use crate::path::RemotePath;
use crate::people::{Person, Trust};
use crate::port::Platform;
use crate::tree::with_suffix;
use crate::vault::{Change, Grantee, Replica, Vault};

/// A vault beside the drive, as this account sees it.
#[derive(Debug, Clone)]
pub struct Share {
    /// The vault.
    pub vault_id: VaultId,
    /// What this account calls it; for one that is not accepted yet, what it
    /// is called by those who share it.
    pub name: String,
    /// Files, or people.
    pub kind: VaultKind,
    /// What this account may do.
    pub role: Role,
    /// When that ends, Unix milliseconds; 0 for never.
    pub expires_ms: u64,
    /// Whether groups have access: then what this account may do can change
    /// without an entry here.
    pub has_groups: bool,
    /// How many have access, groups counted as one.
    pub members: usize,
    /// Who owns it.
    pub owner: VaultId,
    /// Their handle, if the server shows their account and the keys are theirs.
    pub owner_name: Option<Handle>,
    /// How sure it is that they are who they say; none without a handle.
    pub trust: Option<Trust>,
    /// Whether the person has taken it, or not wanted it, or not said yet.
    pub state: ShareState,
}

impl Share {
    fn unreadable(vault_id: VaultId, mine: Option<&SharedVault>) -> Self {
        Self {
            vault_id,
            name: mine.map_or_else(|| short(&vault_id), |mine| mine.name.to_string()),
            kind: VaultKind::Shared,
            role: Role::Viewer,
            expires_ms: 0,
            has_groups: true,
            members: 0,
            owner: vault_id,
            owner_name: None,
            trust: None,
            state: ShareState::Unreadable,
        }
    }

    /// With what is known of its owner.
    fn from(mut self, owner: Owner) -> Self {
        match owner {
            Owner::Known(person) => {
                self.trust = Some(person.trust);
                self.owner_name = Some(person.handle);
            }
            Owner::Gone => {}
            Owner::Forged(_) => self.state = ShareState::Forged,
        }
        self
    }
}

/// What a person has said to a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareState {
    /// It was offered.
    Offered,
    /// It was accepted, or is the person's own.
    Accepted,
    /// It was not wanted.
    Declined,
    /// It cannot be opened: whoever offers it sealed it wrongly, or the server
    /// shows something else.
    Unreadable,
    /// It is not from whom it says: the keys that stand for its owner are not
    /// those of the owner's account. It is not accepted, and nothing should be
    /// put in it if it was.
    Forged,
}

/// Whom to give access, as found.
#[derive(Debug, Clone)]
pub enum Invitee {
    /// Somebody with an account.
    Person(Box<Person>),
    /// Somebody who has none yet.
    Pending(Handle),
    /// A group, by its vault, and what this account calls it.
    Group(VaultId, Name),
}

/// What sharing did.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    /// The vault.
    pub vault_id: Option<VaultId>,
    /// Who has access from now on.
    pub granted: Vec<String>,
    /// Who will have it once they have an account.
    pub pending: Vec<String>,
}

impl<P: Platform> Vault<'_, P> {
    /// Every vault beside the drive that this account has made, accepted or
    /// declined. `self` is the account vault.
    pub fn shared_vaults(&self) -> Vec<(NodeId, SharedVault)> {
        let nodes = self.replica().nodes().iter();
        nodes
            .filter_map(|(id, node)| match node.payload() {
                Some(Payload::SharedVault(vault)) => Some((*id, vault.clone())),
                _ => None,
            })
            .collect()
    }

    /// Whether this account made or accepted a vault: only then is anything
    /// done with it.
    pub fn knows(&self, vault_id: &VaultId) -> bool {
        let known = self.shared_vaults().into_iter();
        known
            .map(|(_, v)| v)
            .any(|v| v.vault_id == *vault_id && !v.is_declined)
    }

    fn has_answered(&self, vault_id: &VaultId) -> bool {
        let mut known = self.shared_vaults().into_iter();
        known.any(|(_, v)| v.vault_id == *vault_id)
    }

    pub(crate) fn shared_named(&self, name: &Name) -> Option<SharedVault> {
        let all = self.shared_vaults().into_iter().map(|(_, vault)| vault);
        let mut all = all.filter(|vault| !vault.is_declined);
        all.find(|vault| vault.name == *name)
    }

    fn free_name(&self, wanted: &Name, except: &VaultId) -> Result<Name> {
        let is_taken = |name: &Name| {
            let mut all = self.shared_vaults().into_iter().map(|(_, vault)| vault);
            all.any(|v| v.vault_id != *except && !v.is_declined && v.name == *name)
        };
        let mut name = wanted.clone();
        for number in 2..u32::MAX {
            if !is_taken(&name) {
                return Ok(name);
            }
            name = Name::parse(&with_suffix(wanted.as_str(), number))?;
        }
        Err(ClientError::misuse("no name is free"))
    }

    pub(crate) async fn keep_shared(&mut self, shared: SharedVault) -> Result<()> {
        let known = self.shared_vaults().into_iter();
        let mut known = known.filter(|(_, v)| v.vault_id == shared.vault_id);
        let node = known.next().map(|(id, _)| id);
        let node = node.unwrap_or_else(|| NodeId::new(self.session().platform().random_bytes()));
        let payload = Payload::SharedVault(shared);
        self.commit(&[], move |_| Ok(vec![Change::put(node, payload.clone())]))
            .await
    }

    /// Takes what is mounted inside a share and was offered, too, however deep;
    /// what was declined stays so. A person says so: whoever writes into a
    /// share must not make others open a vault (spec: `records.md` §6). Gives
    /// the names they have here.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn accept_inside(&mut self, vault_id: VaultId) -> Result<Vec<Name>> {
        let (mut due, mut taken) = (vec![vault_id], Vec::new());
        while let Some(outer) = due.pop() {
            for (name, inner) in self.open_beside(outer).await?.mounts() {
                let is_known = |(_, known): (NodeId, SharedVault)| known.vault_id == inner;
                if self.shared_vaults().into_iter().any(is_known) {
                    continue;
                }
                match self.accept_share(inner, &name).await {
                    Ok(name) => taken.push(name),
                    // Who put it there need not have shared it, nor sealed it
                    // well, nor be who they say.
                    Err(ClientError::NoAccess | ClientError::Tampered(_)) => continue,
                    Err(error) => return Err(error),
                }
                due.push(inner);
            }
        }
        Ok(taken)
    }

    /// Does not want a share, or no longer.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn decline_share(&mut self, vault_id: VaultId, name: &Name) -> Result<()> {
        let mut shared = SharedVault::new(vault_id, name.clone());
        shared.is_declined = true;
        self.keep_shared(shared).await
    }

    /// Takes back what was said to a share: it is offered again.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn reconsider_share(&mut self, vault_id: VaultId) -> Result<()> {
        let said = self.shared_vaults().into_iter();
        for (node, _) in said.filter(|(_, v)| v.vault_id == vault_id) {
            self.forget(node).await?;
        }
        Ok(())
    }

    /// What is mounted in this vault, by the mounts' names.
    pub fn mounts(&self) -> Vec<(Name, VaultId)> {
        let nodes = self.replica().nodes().values();
        let records = nodes.filter_map(|node| node.record());
        records
            .filter_map(|record| Some((record.name.clone(), record.mount.as_ref()?.vault_id)))
            .collect()
    }

    /// What a vault is called by those who share it. `self` is that vault.
    pub fn title(&self) -> Option<&Name> {
        title_in(self.replica())
    }

    /// Calls a vault that has no name yet for those who share it.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn set_title(&mut self, name: &Name) -> Result<()> {
        let node = NodeId::new(self.session().platform().random_bytes());
        let payload = Payload::Title(Title::new(name.clone()));
        self.commit(&[], move |replica| {
            Ok(match title_in(replica) {
                Some(_) => Vec::new(),
                None => vec![Change::put(node, payload.clone())],
            })
        })
        .await
    }
}

fn title_in(replica: &Replica) -> Option<&Name> {
    replica
        .nodes()
        .values()
        .find_map(|node| match node.payload() {
            Some(Payload::Title(title)) => Some(&title.name),
            _ => None,
        })
}

/// The first characters of an id, where there is no name to show.
fn short(id: &VaultId) -> String {
    id.to_string().chars().take(8).collect()
}

/// Finds whom to give access: `group:NAME`, or a handle.
///
/// # Errors
/// [`ClientError::Misuse`] for what is neither, any [`crate::Tamper`], or
/// those of a call.
pub async fn invitees<P: Platform>(
    account: &mut Vault<'_, P>,
    texts: &[String],
) -> Result<Vec<Invitee>> {
    let (mut handles, mut found) = (Vec::new(), Vec::new());
    for text in texts {
        if let Some(name) = text.strip_prefix("group:") {
            let group = account.shared_named(&Name::parse(name)?);
            let group = group.ok_or_else(|| ClientError::NotFound(text.clone()))?;
            found.push(Invitee::Group(group.vault_id, group.name));
        } else {
            let handle = Handle::parse(text.trim_start_matches('@'));
            handles.push(handle.map_err(|e| ClientError::misuse(format!("{text}: {e}")))?);
        }
    }
    let people = account.find_people(&handles).await?;
    for (handle, person) in handles.into_iter().zip(people) {
        found.push(match person {
            Some(person) if person.identity.uid == account.id() => {
                return Err(ClientError::misuse(format!("{handle}: this is you")));
            }
            Some(person) => Invitee::Person(Box::new(person)),
            None => Invitee::Pending(handle),
        });
    }
    Ok(found)
}

/// Gives people and groups access to a vault that is there already. Who has no
/// account yet is waited for, and who was, no longer.
///
/// # Errors
/// [`ClientError::Misuse`] without the right to, any [`crate::Tamper`], or
/// those of a call.
pub async fn give_access<P: Platform>(
    account: &mut Vault<'_, P>,
    vault: &mut Vault<'_, P>,
    invitees: &[Invitee],
    role: Role,
    expires_ms: u64,
) -> Result<Shared> {
    let mut done = Shared {
        vault_id: Some(vault.id()),
        ..Shared::default()
    };
    // Nobody is waited for whom this account could then give nothing.
    if vault.access().is_none_or(|path| path.role < Role::Manager) {
        return Err(ClientError::misuse(
            "you may not decide who has access to this; a manager may",
        ));
    }
    let mut grantees = Vec::new();
    for invitee in invitees {
        match invitee {
            Invitee::Person(person) => {
                done.granted.push(person.handle.to_string());
                grantees.push(person.grantee(role));
            }
            Invitee::Group(id, name) => {
                done.granted.push(format!("group:{name}"));
                grantees.push(Grantee::vault(*id, role));
            }
            Invitee::Pending(handle) => {
                account
                    .invite(handle.clone(), vault.id(), role, expires_ms)
                    .await?;
                done.pending.push(handle.to_string());
            }
        }
    }
    for grantee in &mut grantees {
        grantee.expires_ms = expires_ms;
    }
    vault.grant(&grantees).await?;
    for invitee in invitees {
        if let Invitee::Person(person) = invitee {
            account
                .withdraw_invitation(&person.handle, vault.id())
                .await?;
        }
    }
    Ok(done)
}

/// Shares a folder or file: makes it a vault where it stands, if it is none
/// yet, and gives people access.
///
/// # Errors
/// [`ClientError::NotFound`], [`ClientError::Misuse`], any [`crate::Tamper`],
/// or those of a call. What has come half way is taken up again by the same
/// call.
pub async fn share<'s, P: Platform>(
    session: &'s Session<P>,
    account: &mut Vault<'s, P>,
    path: &RemotePath,
    invitees: &[Invitee],
    terms: &Terms,
) -> Result<Shared> {
    let mut vault = moving::shared_vault(session, account, path, terms.with_history).await?;
    give_access(account, &mut vault, invitees, terms.role, terms.expires_ms).await
}

/// The same for a node of a drive that is open; which vault it is in from then
/// on.
///
/// # Errors
/// As [`share`].
pub async fn share_node<'s, P: Platform>(
    account: &mut Vault<'s, P>,
    drive: &mut Drive<'s, P>,
    node: NodeId,
    invitees: &[Invitee],
    terms: &Terms,
) -> Result<Shared> {
    let (session, with_history) = (account.session(), terms.with_history);
    let vault = moving::vault_of_node(session, account, drive, node, with_history);
    let mut vault = Box::pin(vault).await?;
    give_access(account, &mut vault, invitees, terms.role, terms.expires_ms).await
}

/// On what terms something is shared.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// What people may do.
    pub role: Role,
    /// Unix milliseconds from which on it is over; 0 for never.
    pub expires_ms: u64,
    /// Whether older versions of files are shared too.
    pub with_history: bool,
}
