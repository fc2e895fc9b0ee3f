//! From a path to the vault it leads to: the drive, a vault beside it, and
//! whatever is mounted on the way.

use sv_core::record::{Mount, SharedVault};
use sv_ledger::id::VaultId;
use sv_ledger::limits::TREE_DEPTH;

use crate::account::Session;
use crate::drive::Drive;
use crate::error::{ClientError, Result, Tamper};
use crate::path::RemotePath;
use crate::port::Platform;
use crate::tree::Place;
use crate::vault::Vault;

/// Whether a mount at the very end of a path is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// What is shown there is meant.
    Through,
    /// The mount itself is meant: to move or remove it.
    Itself,
}

/// Opens what a path leads to, and the rest of the path there.
///
/// # Errors
/// [`ClientError::NotFound`]; [`ClientError::Misuse`] for a vault that this
/// account has not accepted; any [`crate::Tamper`], or those of a call.
pub async fn open_at<'s, P: Platform>(
    session: &'s Session<P>,
    path: &RemotePath,
    last: Last,
) -> Result<(Drive<'s, P>, RemotePath)> {
    let (drive, rest, _) = follow(session, path, last).await?;
    Ok((drive, rest))
}

/// The same, with the vaults on the way there.
pub(super) async fn follow<'s, P: Platform>(
    session: &'s Session<P>,
    path: &RemotePath,
    last: Last,
) -> Result<(Drive<'s, P>, RemotePath, Vec<VaultId>)> {
    let account = Vault::account(session).await?;
    let mut drive = match path.vault() {
        None => Drive::of(account.open_drive().await?, String::new()),
        Some(name) => {
            let known = account.shared_named(name);
            let known = known.ok_or_else(|| ClientError::NotFound(path.to_string()))?;
            let vault = account.open_beside(known.vault_id).await?;
            Drive::of(vault, format!("shared:{name}"))
        }
    };
    let mut rest = path.inside();
    let mut seen = vec![drive.vault().id()];
    while let Some((mount, at)) = first_mount(&drive, &rest, last)? {
        if seen.contains(&mount.vault_id) || seen.len() > TREE_DEPTH {
            return Err(ClientError::misuse(format!(
                "{path}: leads back to where it comes from"
            )));
        }
        (drive, rest) = enter(&account, drive, &rest, mount, at).await?;
        seen.push(mount.vault_id);
    }
    Ok((drive, rest, seen))
}

/// The first mount on a path, and how many names lead to it.
fn first_mount<P: Platform>(
    drive: &Drive<'_, P>,
    path: &RemotePath,
    last: Last,
) -> Result<Option<(Mount, usize)>> {
    let count = match last {
        Last::Through => path.names().len(),
        Last::Itself => path.names().len().saturating_sub(1),
    };
    for at in 1..=count {
        let names = path.names().iter().take(at).cloned();
        let Some(Place::Node(id)) = drive.tree().find(&names.collect()) else {
            continue;
        };
        if let Some(mount) = drive.record(&id)?.mount {
            return Ok(Some((mount, at)));
        }
    }
    Ok(None)
}

async fn enter<'s, P: Platform>(
    account: &Vault<'s, P>,
    drive: Drive<'s, P>,
    path: &RemotePath,
    mount: Mount,
    at: usize,
) -> Result<(Drive<'s, P>, RemotePath)> {
    if !account.knows(&mount.vault_id) {
        return Err(ClientError::misuse(format!(
            "{path}: leads to something shared that you have not accepted; see `securevault shares`"
        )));
    }
    let shown: RemotePath = path.names().iter().take(at).cloned().collect();
    let below: Vec<_> = path.names().iter().skip(at).cloned().collect();
    let base = format!("{}{shown}", drive.base);
    let vault = account.open_beside(mount.vault_id).await?;
    let mut inner = Drive::of(vault, base);
    let Some(node) = mount.node else {
        return Ok((inner, below.into_iter().collect()));
    };
    // One file: it is shown where the mount is, under the mount's name.
    let start = inner
        .tree()
        .path(&node)
        .ok_or_else(|| ClientError::NotFound(path.to_string()))?;
    inner.base = base_of(&inner.base);
    let start: RemotePath = start.parse()?;
    Ok((inner, start.join_all(&below)))
}

fn base_of(path: &str) -> String {
    path.rsplit_once('/')
        .map_or_else(String::new, |(base, _)| base.to_owned())
}

/// The share that a path names: all of it, or what is done to it would be done
/// to more than was named. `account` is the account vault.
///
/// # Errors
/// [`ClientError::NotFound`]; [`ClientError::Misuse`] for part of a share, for
/// what is not shared, and for what this account has not accepted;
/// [`ClientError::NoAccess`]; any [`crate::Tamper`], or those of a call.
pub async fn open_share<'s, P: Platform>(
    session: &'s Session<P>,
    account: &Vault<'s, P>,
    path: &RemotePath,
) -> Result<Vault<'s, P>> {
    let vault_id = vault_behind(session, account, path).await?;
    if !account.knows(&vault_id) {
        return Err(ClientError::misuse(format!(
            "{path}: leads to something shared that you have not accepted; see `securevault shares`"
        )));
    }
    account.open_beside(vault_id).await
}

/// The vault that a path leads to, which is not opened: this account may have
/// no access to it any more. `account` is the account vault.
async fn vault_behind<P: Platform>(
    session: &Session<P>,
    account: &Vault<'_, P>,
    path: &RemotePath,
) -> Result<VaultId> {
    let nothing = || ClientError::NotFound(path.to_string());
    if let (Some(name), true) = (path.vault(), path.names().is_empty()) {
        let mut known: Vec<SharedVault> = account
            .shared_vaults()
            .into_iter()
            .map(|(_, vault)| vault)
            .filter(|vault| vault.name == *name)
            .collect();
        known.sort_by_key(|vault| vault.is_declined);
        return known
            .first()
            .map(|vault| vault.vault_id)
            .ok_or_else(nothing);
    }
    let (drive, inner) = open_at(session, path, Last::Itself).await?;
    match drive.find_place(&inner)? {
        Place::Node(id) if drive.record(&id)?.mount.is_some() => drive
            .record(&id)?
            .mount
            .map(|m| m.vault_id)
            .ok_or_else(nothing),
        _ if drive.vault().id() == account.drive_vault_id()? => {
            Err(ClientError::misuse(format!("{path}: is not shared")))
        }
        _ => Err(ClientError::misuse(format!(
            "{path}: is part of {}, which is shared as a whole: say it of that",
            drive.base
        ))),
    }
}

/// Gives up this account's own access to what a path leads to, and hides it.
/// That it was given up already is a success: the answer to it may have been
/// lost. `account` is the account vault.
///
/// # Errors
/// [`ClientError::Misuse`] for the owner, or who has it through a group; any
/// [`crate::Tamper`], or those of a call.
pub async fn leave<P: Platform>(
    session: &Session<P>,
    account: &mut Vault<'_, P>,
    path: &RemotePath,
) -> Result<()> {
    let vault_id = vault_behind(session, account, path).await?;
    match account.open_beside(vault_id).await {
        Ok(mut vault) => vault.leave().await?,
        Err(ClientError::NoAccess) => {}
        Err(error) => return Err(error),
    }
    let known = account.shared_vaults().into_iter().map(|(_, vault)| vault);
    let mut known = known.filter(|vault| vault.vault_id == vault_id);
    match known.next().filter(|vault| !vault.is_declined) {
        Some(known) => account.decline_share(vault_id, &known.name).await,
        None => Ok(()),
    }
}

impl<'s, P: Platform> Vault<'s, P> {
    /// A vault beside the drive, held to what this account's other devices
    /// have seen of it. `self` is the account vault.
    ///
    /// # Errors
    /// Any [`crate::Tamper`], or those of a call.
    pub async fn open_beside(&self, vault_id: VaultId) -> Result<Vault<'s, P>> {
        let mut vault = self.open_held(vault_id).await?;
        if !vault.replica().state().membership.kind.is_shareable() {
            return Err(ClientError::misuse("this is neither a share nor a group"));
        }
        // In what nobody accepted nothing is done, not even that.
        if self.knows(&vault_id) {
            match vault.settle().await {
                // Reading needs no new key. Whoever writes has to make it first,
                // and hears then why it cannot be made.
                Ok(())
                | Err(
                    ClientError::Refused(_)
                    | ClientError::Misuse(_)
                    | ClientError::NoAccess
                    | ClientError::Tampered(Tamper::Missing(_) | Tamper::VaultKey),
                ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(vault)
    }
}
