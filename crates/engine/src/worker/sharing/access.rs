//! Who has access to what, and changes of that.

use sv_client::ClientError;
use sv_client::sharing::{self, Inside, MemberInfo, Terms};
use sv_client::tree::{Place as TreePlace, Tree};
use sv_client::vault::{Replica, Vault};
use sv_core::record::Kind;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::state::{self, Member};

use super::people::{handle, trust};
use super::{Account, expiry, ledger_role, local_name};
use crate::worker::failure::Failure;
use crate::worker::open::Open;
use crate::worker::platform::Browser;
use crate::worker::view::role_of;
use sv_bridge::{
    AccessGiven, AccessInfo, Contents, FailureKind, GetAccess, GiveAccess, Invitee, KeptAccess,
    MemberRow, PendingRow, PersonTag, PrincipalId, RevokeAccess, Revoked, SetAccess, ShareId,
    Target, TransferOwnership, Trust, WhyKept, WithdrawInvitation,
};

/// What is done about a member.
enum Change {
    Access(state::Role, u64),
    Transfer,
}

/// What a target turns out to be.
enum Located {
    /// A vault that is shared.
    Share(VaultId),
    /// Something that is not shared by itself.
    Item(Box<AccessInfo>),
}

impl<'s> Open<'s> {
    pub(crate) async fn access(&self, call: GetAccess) -> Result<AccessInfo, Failure> {
        let located = self.locate(call.target).await?;
        let mut account = self.newest_account().await?;
        self.wait_for_people(&account);
        let vault_id = match located {
            Located::Share(vault_id) => vault_id,
            Located::Item(info) => return Ok(*info),
        };
        let share = ShareId(vault_id);
        let space = self.open_space(Some(share));
        let mut taken = self.take(&account, share, space.as_deref()).await?;
        let found = access_of(&account, taken.vault());
        self.give_back(taken);
        let (mut info, members) = found.map_err(|error| self.failed(Some(share), error))?;
        for (principal, member) in members {
            let row = self
                .member_row(&mut account, share.0, principal, member)
                .await?;
            info.members.push(row);
        }
        info.members.sort_by(|a, b| {
            let by_name = || a.who.name.cmp(&b.who.name);
            b.role.cmp(&a.role).then_with(by_name)
        });
        Ok(info)
    }

    /// What a target is: a vault that is shared, or something that is none.
    async fn locate(&self, target: Target) -> Result<Located, Failure> {
        let id = match target {
            Target::Share(ShareId(vault_id)) => return Ok(Located::Share(vault_id)),
            Target::Item(id) => id,
        };
        let space = self.space(id.share).await?;
        let drive = space.drive().await;
        let replica = drive.vault().replica();
        let record = replica.record(&id.node);
        let record = record.ok_or(Failure::new(FailureKind::Gone))?;
        if let Some(mount) = record.mount {
            return Ok(Located::Share(mount.vault_id));
        }
        let access = drive.vault().access();
        let role = access.ok_or(Failure::new(FailureKind::NoAccess))?.role;
        Ok(Located::Item(Box::new(AccessInfo {
            share: None,
            name: record.name.to_string(),
            is_group: false,
            role: role_of(role),
            is_member: true,
            members: Vec::new(),
            pending: Vec::new(),
            contents: contents(drive.tree(), replica, TreePlace::Node(id.node)),
        })))
    }

    async fn member_row(
        &self,
        account: &mut Account<'s>,
        vault: VaultId,
        principal: VaultId,
        member: Member,
    ) -> Result<MemberRow, Failure> {
        let is_you = principal == account.id();
        let (who, group, is_ghost) =
            match sharing::member_info(account, vault, principal, member).await {
                Ok(info) if info.is_vault => (plain(info), Some(ShareId(principal)), false),
                Ok(info) => {
                    if info.is_changed {
                        self.saw_change(&info.name);
                    }
                    let is_ghost = info.is_ghost;
                    (person(info, is_you), None, is_ghost)
                }
                Err(error) => return Err(error.into()),
            };
        Ok(MemberRow {
            id: PrincipalId(principal),
            who,
            group,
            is_you,
            role: role_of(member.role),
            expires_ms: expiry(member.expires_ms),
            is_ghost,
        })
    }

    pub(crate) async fn give_access(&self, call: GiveAccess) -> Result<AccessGiven, Failure> {
        let terms = Terms {
            role: ledger_role(call.role),
            expires_ms: call.expires_ms.unwrap_or(0),
            with_history: call.with_history,
        };
        let item = match call.target {
            Target::Share(_) => None,
            Target::Item(id) => Some((self.space(id.share).await?, id)),
        };
        let mut account = self.newest_account().await?;
        let invitees = invitees(&mut account, &call.invitees).await?;
        let done = match (item, call.target) {
            (None, Target::Share(share)) => {
                let space = self.open_space(Some(share));
                let mut taken = self.take(&account, share, space.as_deref()).await?;
                let (role, expires_ms) = (terms.role, terms.expires_ms);
                let vault = taken.vault();
                let done =
                    sharing::give_access(&mut account, vault, &invitees, role, expires_ms).await;
                self.give_back(taken);
                done.map_err(|error| self.failed(Some(share), error))
            }
            (Some((space, id)), _) => {
                let mut drive = space.drive().await;
                let done =
                    sharing::share_node(&mut account, &mut drive, id.node, &invitees, &terms).await;
                drive.rebuild();
                self.renew(&space, &drive);
                done.map_err(|error| self.failed(space.share, error))
            }
            (None, Target::Item(_)) => Err(Failure::new(FailureKind::Gone)),
        };
        // What has come half way shows too.
        self.account_changed(&account);
        let done = done?;
        self.wait_for_people(&account);
        let vault_id = done.vault_id.ok_or(Failure::new(FailureKind::Gone))?;
        Ok(AccessGiven {
            share: ShareId(vault_id),
            granted: done.granted,
            pending: done.pending,
        })
    }

    pub(crate) async fn set_access(&self, call: SetAccess) -> Result<(), Failure> {
        let (PrincipalId(who), role) = (call.who, ledger_role(call.role));
        let expires_ms = call.expires_ms.unwrap_or(0);
        self.change_member(call.share, who, Change::Access(role, expires_ms))
            .await
    }

    /// Takes access away, also from what is shared on its own inside; what is
    /// left to them there is given back.
    pub(crate) async fn revoke_access(&self, call: RevokeAccess) -> Result<Revoked, Failure> {
        let (share, PrincipalId(who)) = (call.share, call.who);
        let account = self.newest_account().await?;
        let space = self.open_space(Some(share));
        let mut taken = self.take(&account, share, space.as_deref()).await?;
        let vault = taken.vault();
        let done = match Inside::of(&account, vault).await {
            Ok(inside) => inside.remove(vault, &[who]).await,
            Err(error) => Err(error),
        };
        self.give_back(taken);
        let done = done.map_err(|error| self.failed(Some(share), error))?;
        self.shares_changed();
        Ok(Revoked {
            inside: done.inside.into_iter().map(|taken| taken.path).collect(),
            kept: done.kept.into_iter().map(kept_access).collect(),
        })
    }

    pub(crate) async fn transfer_ownership(&self, call: TransferOwnership) -> Result<(), Failure> {
        self.change_member(call.share, call.who.0, Change::Transfer)
            .await
    }

    async fn change_member(
        &self,
        share: ShareId,
        who: VaultId,
        change: Change,
    ) -> Result<(), Failure> {
        let account = self.newest_account().await?;
        let space = self.open_space(Some(share));
        let mut taken = self.take(&account, share, space.as_deref()).await?;
        let vault = taken.vault();
        let done = match change {
            Change::Access(role, expires_ms) => vault.set_role(who, role, expires_ms).await,
            Change::Transfer => vault.transfer(who).await,
        };
        self.give_back(taken);
        done.map_err(|error| self.failed(Some(share), error))?;
        self.shares_changed();
        Ok(())
    }

    pub(crate) async fn withdraw_invitation(
        &self,
        call: WithdrawInvitation,
    ) -> Result<(), Failure> {
        let mut account = self.newest_account().await?;
        let handle = handle(&call.name).ok_or(Failure::new(FailureKind::InvalidHandle))?;
        let ShareId(vault_id) = call.share;
        account.withdraw_invitation(&handle, vault_id).await?;
        self.shares_changed();
        Ok(())
    }
}

/// Who has access, but for their names.
fn access_of(
    account: &Account<'_>,
    vault: &Vault<'_, Browser>,
) -> sv_client::error::Result<(AccessInfo, Vec<(VaultId, Member)>)> {
    let (vault_id, membership) = (vault.id(), &vault.replica().state().membership);
    let access = vault.access().ok_or(ClientError::NoAccess)?;
    let name = local_name(account, vault_id).or_else(|| vault.title().cloned());
    let waiting = account.pending(&vault_id).into_iter();
    let pending = waiting.map(|invitation| PendingRow {
        name: invitation.handle.to_string(),
        role: role_of(invitation.role),
        expires_ms: expiry(invitation.expires_ms),
    });
    let info = AccessInfo {
        share: Some(ShareId(vault_id)),
        name: name.map(|name| name.to_string()).unwrap_or_default(),
        is_group: membership.kind == VaultKind::Group,
        role: role_of(access.role),
        is_member: membership.members.contains_key(&account.id()),
        members: Vec::new(),
        pending: pending.collect(),
        contents: whole(vault),
    };
    let members = membership.members.iter().map(|(id, member)| (*id, *member));
    Ok((info, members.collect()))
}

/// Finds those who are to have access, as they are now.
async fn invitees(
    account: &mut Account<'_>,
    wanted: &[Invitee],
) -> Result<Vec<sharing::Invitee>, Failure> {
    let (mut names, mut found) = (Vec::new(), Vec::new());
    for invitee in wanted {
        match invitee {
            Invitee::Person(name) => names.push(name.clone()),
            Invitee::Group(ShareId(vault_id)) => {
                let name = local_name(account, *vault_id);
                let name = name.ok_or(Failure::new(FailureKind::Gone))?;
                found.push(sharing::Invitee::Group(*vault_id, name));
            }
        }
    }
    if !names.is_empty() {
        found.extend(sharing::invitees(account, &names).await?);
    }
    Ok(found)
}

/// Everything that whoever has access to a vault sees.
fn whole(vault: &Vault<'_, Browser>) -> Contents {
    let tree = Tree::build(vault.replica());
    contents(&tree, vault.replica(), TreePlace::Root)
}

fn contents(tree: &Tree, replica: &Replica, place: TreePlace) -> Contents {
    let mut sum = Contents::default();
    for (_, id) in tree.walk(place) {
        let Some(record) = replica.record(&id) else {
            continue;
        };
        if matches!(record.kind, Kind::File | Kind::Note) {
            let sizes = record.versions.iter().map(|version| version.size);
            sum.files += 1;
            sum.bytes += record.current().map_or(0, |version| version.size);
            sum.older_versions += record.versions.len().saturating_sub(1) as u64;
            sum.all_versions_bytes += sizes.sum::<u64>();
        }
    }
    sum
}

fn kept_access(kept: sharing::Kept) -> KeptAccess {
    KeptAccess {
        path: kept.path,
        why: match kept.why {
            sharing::WhyKept::TheyOwnIt => WhyKept::TheyOwnIt,
            sharing::WhyKept::NotManager => WhyKept::NotManager,
            sharing::WhyKept::NotAccepted => WhyKept::NotAccepted,
            sharing::WhyKept::Apart => WhyKept::Apart,
            sharing::WhyKept::Failed(_) => WhyKept::Failed,
        },
    }
}

fn plain(info: MemberInfo) -> PersonTag {
    PersonTag {
        name: info.name,
        trust: None,
    }
}

fn person(info: MemberInfo, is_you: bool) -> PersonTag {
    let trust = match (info.is_changed, info.is_gone) {
        (true, _) => Some(Trust::Changed),
        (false, true) => Some(Trust::Gone),
        (false, false) => info.trust.filter(|_| !is_you).map(trust),
    };
    PersonTag {
        trust,
        name: info.name,
    }
}
