//! What this account sees: its shares, and who has access to each.

use sv_api::endpoint::ListVaults;
use sv_api::wire::Empty;
use sv_core::Identity;
use sv_ledger::id::VaultId;
use sv_ledger::membership_op::PrincipalKeys;
use sv_ledger::state::Member;

use super::{Share, ShareState, short};
use crate::account::Session;
use crate::call::Repeat;
use crate::error::{ClientError, Result, Tamper};
use crate::people::Trust;
use crate::port::Platform;
use crate::vault::{Vault, WITHHELD};

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
    /// Whether the server says that they have no account any more. Their
    /// access ends with the next new key, if whoever makes it may remove them.
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
        if let Some(share) = share_of(account, vault_id).await? {
            found.push(share);
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
    match account.open_beside(vault_id).await {
        Ok(vault) => Ok(share_in(account, &vault)),
        // What strangers offer must not keep the rest from being shown.
        Err(ClientError::Tampered(_)) if !account.has_answered(&vault_id) => {
            Ok(Some(Share::unreadable(vault_id)))
        }
        Err(ClientError::NoAccess) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The same of a vault that is open.
pub fn share_in<P: Platform>(account: &Vault<'_, P>, vault: &Vault<'_, P>) -> Option<Share> {
    let membership = &vault.replica().state().membership;
    let access = vault.access().filter(|_| membership.kind.is_shareable())?;
    let vault_id = vault.id();
    let known = account.shared_vaults().into_iter().map(|(_, v)| v);
    let mine = known.into_iter().find(|v| v.vault_id == vault_id);
    let name = match (&mine, vault.title()) {
        (Some(mine), _) => mine.name.to_string(),
        (None, Some(title)) => title.to_string(),
        (None, None) => "untitled".to_owned(),
    };
    Some(Share {
        vault_id,
        name,
        kind: membership.kind,
        role: access.role,
        expires_ms: access.expires_ms,
        has_groups: membership.vault_members().next().is_some(),
        members: membership.members.len(),
        owner: membership.owner().copied().unwrap_or(vault_id),
        state: match mine {
            None => ShareState::Offered,
            Some(mine) if mine.is_declined => ShareState::Declined,
            Some(_) => ShareState::Accepted,
        },
    })
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
        found.push(member_info(account, principal, member).await?);
    }
    Ok(found)
}

/// Who a member is, as far as this account knows them.
///
/// # Errors
/// As [`members`].
pub async fn member_info<P: Platform>(
    account: &mut Vault<'_, P>,
    principal: VaultId,
    member: Member,
) -> Result<MemberInfo> {
    if member.keys.is_vault() {
        let known = account.shared_vaults().into_iter();
        let mut known = known.filter(|(_, v)| v.vault_id == principal);
        let name = known.next().map(|(_, v)| v.name.to_string());
        return Ok(MemberInfo {
            principal,
            member,
            name: name.unwrap_or_else(|| format!("group {}", short(&principal))),
            is_vault: true,
            trust: None,
            is_ghost: false,
            is_gone: false,
        });
    }
    let person = match account.meet_member(principal).await {
        Ok(person) => person,
        Err(ClientError::Tampered(Tamper::Missing(WITHHELD))) => {
            let contacts = account.contacts().into_iter();
            let mut known = contacts.filter(|c| c.identity.uid == principal);
            let name = known.next().map(|contact| contact.handle.to_string());
            return Ok(MemberInfo {
                principal,
                member,
                name: name.unwrap_or_else(|| short(&principal)),
                is_vault: false,
                trust: None,
                is_ghost: false,
                is_gone: true,
            });
        }
        Err(error) => return Err(error),
    };
    let is_ghost = is_ghost(&member.keys, &person.identity);
    Ok(MemberInfo {
        principal,
        member,
        name: person.handle.to_string(),
        is_vault: false,
        trust: Some(person.trust),
        is_ghost,
        is_gone: false,
    })
}

/// Whether keys on record are not those that the account has, or had: older
/// ones are replaced when their owner next brings the new ones.
fn is_ghost(keys: &PrincipalKeys, theirs: &Identity) -> bool {
    keys.generation >= theirs.generation
        && (keys.generation, keys.sign_pk, keys.kem_hash)
            != (theirs.generation, theirs.sign_pk, theirs.kem_hash)
}

#[cfg(test)]
mod tests {
    use sv_ledger::id::{Hash, SignPublicKey};
    use sv_ledger::state::Head;

    use super::*;

    fn theirs(generation: u32, key: u8) -> Identity {
        Identity {
            uid: VaultId::ZERO,
            generation,
            sign_pk: SignPublicKey::new([key; 32]),
            kem_hash: Hash::new([key; 32]),
        }
    }

    fn on_record(identity: &Identity) -> PrincipalKeys {
        PrincipalKeys {
            generation: identity.generation,
            sign_pk: identity.sign_pk,
            kem_hash: identity.kem_hash,
            head: Head {
                seq: 1,
                hash: Hash::new([0; 32]),
            },
        }
    }

    /// Fails without the comparison of either key, or of the generation.
    #[test]
    fn a13_keys_that_are_not_the_accounts_are_a_ghosts() {
        let theirs_now = theirs(2, 1);
        let good = on_record(&theirs_now);
        assert!(!is_ghost(&good, &theirs_now));
        assert!(!is_ghost(&on_record(&theirs(1, 7)), &theirs_now));
        let mut signs = good;
        signs.sign_pk = SignPublicKey::new([9; 32]);
        let mut opens = good;
        opens.kem_hash = Hash::new([9; 32]);
        let mut ahead = good;
        ahead.generation = 3;
        for keys in [signs, opens, ahead] {
            assert!(is_ghost(&keys, &theirs_now));
        }
    }
}
