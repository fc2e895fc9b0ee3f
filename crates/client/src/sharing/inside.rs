//! Shares inside a share. Each is a vault of its own with members of its own,
//! so whoever loses access to what is around them is to lose it there, too.

use std::collections::{BTreeSet, VecDeque};

use sv_ledger::id::VaultId;
use sv_ledger::state::Role;

use super::reach::{MOUNTS, failed};
use crate::error::{ClientError, Result};
use crate::port::Platform;
use crate::tree::Tree;
use crate::vault::Vault;

/// A share that is mounted inside another.
struct Inner<'s, P> {
    /// The path of its mount, from the outer share on.
    path: String,
    vault: Vault<'s, P>,
    is_accepted: bool,
    /// Whether it can be gone into, and is not in the trash.
    is_shown: bool,
    /// Whether who has access to what is around it has access to it by that.
    is_part: bool,
}

/// What is mounted inside a share, however deep.
pub struct Inside<'s, P> {
    found: Vec<Inner<'s, P>>,
    unseen: Vec<Kept>,
}

/// Access that somebody has still, or may have.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The path of the mount, from the outer share on.
    pub path: String,
    /// What is mounted there.
    pub vault_id: VaultId,
    /// Whose; none if that cannot be told.
    pub who: Option<VaultId>,
    /// Why.
    pub why: WhyKept,
}

/// Why access inside a share was not taken away.
#[derive(Debug, Clone)]
pub enum WhyKept {
    /// They own it, and nobody can remove an owner.
    TheyOwnIt,
    /// Only a manager of it can remove them.
    NotManager,
    /// This account has not accepted it, and does nothing in it.
    NotAccepted,
    /// It is only shown there: access to what is around it is none to it.
    Apart,
    /// It does not open, or more are mounted than are gone through.
    Failed(ClientError),
}

/// Access inside a share that was taken away.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The path of the mount, from the outer share on.
    pub path: String,
    /// From whom.
    pub who: Vec<VaultId>,
}

/// What came of taking access away.
#[derive(Debug, Clone, Default)]
pub struct Removed {
    /// What nobody of them has any more, beside the outer share.
    pub inside: Vec<Taken>,
    /// What somebody has still.
    pub kept: Vec<Kept>,
}

impl<'s, P: Platform> Inside<'s, P> {
    /// Opens what is mounted inside a share. What was not accepted is looked
    /// at, and what is mounted in that is not. `account` is the account vault.
    ///
    /// # Errors
    /// Those of a call; one that does not open keeps no other from it.
    pub async fn of(account: &Vault<'s, P>, outer: &Vault<'s, P>) -> Result<Self> {
        let (mut found, mut unseen) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::from([outer.id()]);
        let mut waiting = mounts_in(outer, "");
        while let Some(Mounted {
            path,
            vault_id,
            is_shown,
        }) = waiting.pop_front()
        {
            if !seen.insert(vault_id) {
                continue;
            }
            if seen.len() > MOUNTS {
                let error = ClientError::misuse("too many shared folders lead to one another");
                unseen.push(unseen_at(path, vault_id, error));
                break;
            }
            let is_accepted = account.knows(&vault_id);
            match account.open_beside(vault_id).await {
                Ok(vault) => {
                    if is_accepted {
                        waiting.extend(mounts_in(&vault, &path));
                    }
                    found.push(Inner {
                        path,
                        vault,
                        is_accepted,
                        is_shown,
                        is_part: false,
                    });
                }
                Err(error) => {
                    let error = failed(error)?;
                    // Whoever may write here may put a mount of anything.
                    if is_accepted && is_shown {
                        unseen.push(unseen_at(path, vault_id, error));
                    }
                }
            }
        }
        mark_parts(outer.id(), &mut found);
        Ok(Self { found, unseen })
    }

    /// The vaults in which somebody may have access that counts.
    pub fn vaults(&self) -> impl Iterator<Item = &Vault<'s, P>> {
        let found = self.found.iter();
        let found = found.filter(|inner| inner.is_part || inner.is_shown);
        found.map(|inner| &inner.vault)
    }

    /// Takes access away from a share, and from those inside it that are part
    /// of it. Those come first: while it has not come to an end, whoever is
    /// removed is still a member, and the same call goes on.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] without the right to, and then nothing is done;
    /// those of [`Vault::revoke_all`]. What fails inside is in
    /// [`Removed::kept`].
    pub async fn remove(self, outer: &mut Vault<'s, P>, who: &[VaultId]) -> Result<Removed> {
        let membership = &outer.replica().state().membership;
        if !is_manager(outer) {
            return Err(ClientError::misuse(
                "you may not decide who has access to this; a manager may",
            ));
        }
        if membership.owner().is_some_and(|owner| who.contains(owner)) {
            return Err(ClientError::misuse("nobody can remove the owner"));
        }
        let mut removed = Removed::default();
        for mut inner in self.found {
            inner.remove(who, &mut removed).await?;
        }
        removed.kept.extend(self.unseen);
        outer.revoke_all(who).await?;
        Ok(removed)
    }
}

impl<P: Platform> Inner<'_, P> {
    async fn remove(&mut self, who: &[VaultId], removed: &mut Removed) -> Result<()> {
        let membership = &self.vault.replica().state().membership;
        let mut gone = Vec::new();
        for id in who {
            let Some(member) = membership.members.get(id) else {
                continue;
            };
            let why = match member.role {
                _ if !self.is_part && !self.is_shown => continue,
                _ if !self.is_part => WhyKept::Apart,
                Role::Owner => WhyKept::TheyOwnIt,
                _ if !self.is_accepted => WhyKept::NotAccepted,
                _ if !is_manager(&self.vault) => WhyKept::NotManager,
                _ => {
                    gone.push(*id);
                    continue;
                }
            };
            removed.kept.push(self.kept(*id, why));
        }
        if gone.is_empty() {
            return Ok(());
        }
        match self.vault.revoke_all(&gone).await {
            Ok(()) => removed.inside.push(Taken {
                path: self.path.clone(),
                who: gone,
            }),
            Err(error) => {
                let error = failed(error)?;
                let kept = gone
                    .into_iter()
                    .map(|id| self.kept(id, WhyKept::Failed(error.clone())));
                removed.kept.extend(kept);
            }
        }
        Ok(())
    }

    fn kept(&self, who: VaultId, why: WhyKept) -> Kept {
        Kept {
            path: self.path.clone(),
            vault_id: self.vault.id(),
            who: Some(who),
            why,
        }
    }
}

fn is_manager<P: Platform>(vault: &Vault<'_, P>) -> bool {
    let access = vault.access();
    access.is_some_and(|path| path.role >= Role::Manager)
}

const fn unseen_at(path: String, vault_id: VaultId, error: ClientError) -> Kept {
    Kept {
        path,
        vault_id,
        who: None,
        why: WhyKept::Failed(error),
    }
}

/// A mount and where it is.
struct Mounted {
    path: String,
    vault_id: VaultId,
    is_shown: bool,
}

fn mounts_in<P: Platform>(vault: &Vault<'_, P>, above: &str) -> VecDeque<Mounted> {
    let tree = Tree::build(vault.replica());
    let nodes = vault.replica().nodes().iter();
    let mounts = nodes.filter_map(|(id, node)| {
        let record = node.record()?;
        let vault_id = record.mount.as_ref()?.vault_id;
        // What is in the trash has no path, and can be restored.
        let path = tree.path(id);
        let is_shown = path.is_some();
        let path = path.unwrap_or_else(|| format!("/{}", record.name));
        Some(Mounted {
            path: format!("{above}{path}"),
            vault_id,
            is_shown,
        })
    });
    mounts.collect()
}

/// A share is part of another if that, or a part of it, is its member.
fn mark_parts<P: Platform>(outer: VaultId, found: &mut [Inner<'_, P>]) {
    let mut reached = BTreeSet::from([outer]);
    loop {
        let is_next = |inner: &Inner<'_, P>| {
            let members = &inner.vault.replica().state().membership;
            !inner.is_part && members.vault_members().any(|(id, _)| reached.contains(id))
        };
        let Some(next) = found.iter().position(is_next) else {
            return;
        };
        if let Some(inner) = found.get_mut(next) {
            inner.is_part = true;
            reached.insert(inner.vault.id());
        }
    }
}
