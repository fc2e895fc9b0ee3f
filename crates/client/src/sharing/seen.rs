//! What this account sees: its shares, and who has access to each.

use sv_api::endpoint::ListVaults;
use sv_api::wire::Empty;
use sv_ledger::id::VaultId;
use sv_ledger::state::Member;

use super::{Share, ShareState, short};
use crate::account::Session;
use crate::call::Repeat;
use crate::error::{ClientError, Result, Tamper};
use crate::people::Trust;
use crate::port::Platform;
use crate::vault::Vault;

/// Somebody, or some group, with access.
#[derive(Debug, Clone)]
pub struct MemberInfo {
    /// Who.
    pub principal: VaultId,
    /// What they may do, and until when.
    pub member: Member,
    /// Their handle, or the group's name as far as it is known here.
    pub name: String,
    /// Whether it is a group or another share.
    pub is_vault: bool,
    /// How sure it is that they are who they say; none for a vault.
    pub trust: Option<Trust>,
    /// Whether the keys on record are not those of the account: whoever
    /// granted access let in somebody else under this name.
    pub is_ghost: bool,
    /// Whether another account, or another history, stands under a name that is
    /// known. They can be removed, and nothing else is done with them.
    pub is_changed: bool,
    /// Whether the server says that they have no account any more, or shows
    /// none. Their access ends with the next new key, if whoever makes it may
    /// remove them.
    pub is_gone: bool,
}

/// Every vault that the server lets this account read, and its newest entry's
/// number: by the server's word.
///
/// # Errors
/// Those of a call.
pub async fn heads<P: Platform>(session: &Session<P>) -> Result<Vec<(VaultId, u64)>> {
    let server = session.server();
    let heads = server.call(&ListVaults, Empty {}, Repeat::Safe).await?;
    // Each once, or what is shown depends on what a server repeats.
    if !heads.vaults.is_sorted_by(|a, b| a.vault_id < b.vault_id) {
        return Err(ClientError::Misbehaved(
            "a list of vaults that is not in order".into(),
        ));
    }
    let heads = heads.vaults.into_iter();
    Ok(heads.map(|head| (head.vault_id, head.seq)).collect())
}

/// Every share and group of this account, those that were offered included.
///
/// # Errors
/// Any [`crate::Tamper`], or those of a call.
pub async fn shares<P: Platform>(
    session: &Session<P>,
    account: &Vault<'_, P>,
) -> Result<Vec<Share>> {
    let mut found = Vec::new();
    for (vault_id, _) in heads(session).await? {
        match share_of(account, vault_id).await {
            Ok(share) => found.extend(share),
            // What is wrong with one must not keep the rest from being shown.
            Err(ClientError::Tampered(_) | ClientError::Misbehaved(_) | ClientError::Misuse(_)) => {
                found.push(unreadable(account, vault_id));
            }
            Err(error) => return Err(error),
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// One vault as a share or group of this account: none if it is the account's
/// own, or no longer to be had.
///
/// # Errors
/// Any [`crate::Tamper`], or those of a call.
pub async fn share_of<P: Platform>(
    account: &Vault<'_, P>,
    vault_id: VaultId,
) -> Result<Option<Share>> {
    if vault_id == account.id() || vault_id == account.drive_vault_id()? {
        return Ok(None);
    }
    let found = match account.open_beside(vault_id).await {
        Ok(vault) => share_in(account, &vault).await,
        Err(ClientError::NoAccess) => return Ok(None),
        Err(error) => Err(error),
    };
    match found {
        // Of what strangers offer no more is said.
        Err(ClientError::Tampered(_)) if !account.has_answered(&vault_id) => {
            Ok(Some(unreadable(account, vault_id)))
        }
        found => found,
    }
}

fn unreadable<P: Platform>(account: &Vault<'_, P>, vault_id: VaultId) -> Share {
    let known = account.shared_vaults().into_iter().map(|(_, v)| v);
    let mine = known.into_iter().find(|v| v.vault_id == vault_id);
    Share::unreadable(vault_id, mine.as_ref())
}

/// The same of a vault that is open.
///
/// # Errors
/// As [`share_of`].
pub async fn share_in<P: Platform>(
    account: &Vault<'_, P>,
    vault: &Vault<'_, P>,
) -> Result<Option<Share>> {
    let membership = &vault.replica().state().membership;
    let Some(access) = vault.access().filter(|_| membership.kind.is_shareable()) else {
        return Ok(None);
    };
    let owner = account.owner_of(membership).await?;
    let vault_id = vault.id();
    let known = account.shared_vaults().into_iter().map(|(_, v)| v);
    let mine = known.into_iter().find(|v| v.vault_id == vault_id);
    let name = match (&mine, vault.title()) {
        (Some(mine), _) => mine.name.to_string(),
        (None, Some(title)) => title.to_string(),
        (None, None) => "untitled".to_owned(),
    };
    let share = Share {
        vault_id,
        name,
        kind: membership.kind,
        role: access.role,
        expires_ms: access.expires_ms,
        has_groups: membership.vault_members().next().is_some(),
        members: membership.members.len(),
        owner: membership.owner().copied().unwrap_or(vault_id),
        owner_name: None,
        trust: None,
        state: match mine {
            None => ShareState::Offered,
            Some(mine) if mine.is_declined => ShareState::Declined,
            Some(_) => ShareState::Accepted,
        },
    };
    Ok(Some(share.from(owner)))
}

/// Who has access to a vault, each as far as this account knows them.
///
/// # Errors
/// Any [`crate::Tamper`], or those of a call.
pub async fn members<P: Platform>(
    account: &mut Vault<'_, P>,
    vault: &Vault<'_, P>,
) -> Result<Vec<MemberInfo>> {
    let members = vault.replica().state().membership.members.clone();
    let mut found = Vec::new();
    for (principal, member) in members {
        found.push(member_info(account, vault.id(), principal, member).await?);
    }
    Ok(found)
}

/// Who a member of a vault is, as far as this account knows them. One who cannot be shown
/// as they are is shown as what they are, or nobody else could be removed.
///
/// # Errors
/// As [`members`].
pub async fn member_info<P: Platform>(
    account: &mut Vault<'_, P>,
    vault: VaultId,
    principal: VaultId,
    member: Member,
) -> Result<MemberInfo> {
    let info = |name: String| MemberInfo {
        principal,
        member,
        name,
        is_vault: member.keys.is_vault(),
        trust: None,
        is_ghost: false,
        is_changed: false,
        is_gone: false,
    };
    if member.keys.is_vault() {
        let known = account.shared_vaults().into_iter();
        let mut known = known.filter(|(_, v)| v.vault_id == principal);
        let name = known.next().map(|(_, v)| v.name.to_string());
        return Ok(info(
            name.unwrap_or_else(|| format!("group {}", short(&principal))),
        ));
    }
    match account.meet_member(vault, principal).await {
        Ok(person) => Ok(MemberInfo {
            trust: Some(person.trust),
            is_ghost: !person.has_had(&member.keys),
            is_gone: person.is_gone,
            ..info(person.handle.to_string())
        }),
        Err(error) => match Unmet::of(error)? {
            Unmet::Changed(name) => Ok(MemberInfo {
                is_changed: true,
                ..info(name)
            }),
            Unmet::Gone => Ok(MemberInfo {
                is_gone: true,
                ..info(short(&principal))
            }),
        },
    }
}

/// Somebody who cannot be shown as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// Another account, or another history, stands under this name.
    Changed(String),
    /// The server shows no account, as of somebody who has left.
    Gone,
}

impl Unmet {
    /// What it means for one person that they could not be met.
    ///
    /// # Errors
    /// The same error, where it is not about that person.
    pub fn of(error: ClientError) -> Result<Self> {
        match error {
            ClientError::Tampered(Tamper::Contact(name)) => Ok(Self::Changed(name)),
            ClientError::Tampered(Tamper::Missing(_)) | ClientError::NoAccess => Ok(Self::Gone),
            error => Err(error),
        }
    }
}
