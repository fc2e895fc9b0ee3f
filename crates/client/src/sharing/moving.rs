//! A folder or file becomes a vault where it stands: its records are sealed
//! anew there, no content moves, and a mount takes its place. Every step can
//! be done twice, so a crash on the way duplicates and never loses; the same
//! call takes it up again.

use std::collections::BTreeSet;

use sv_core::Name;
use sv_core::record::{Kind, Mount, Payload, Record, SharedVault, Version};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;

use super::groups::{create_vault, draft_vault};
use super::mounts::{Last, open_at};
use super::title_in;
use crate::account::Session;
use crate::drive::{Drive, dropped, put_instead, put_with_contents};
use crate::error::{ClientError, Result};
use crate::path::RemotePath;
use crate::port::Platform;
use crate::tree::{Place, Tree};
use crate::vault::{Change, Grantee, Replica, Vault};

/// One record on its way.
struct Moving {
    id: NodeId,
    record: Record,
}

/// The vault of what is at a path, which becomes one if it is none yet.
pub(super) async fn shared_vault<'s, P: Platform>(
    session: &'s Session<P>,
    account: &mut Vault<'s, P>,
    path: &RemotePath,
    with_history: bool,
) -> Result<Vault<'s, P>> {
    if path.names().is_empty() {
        return match path.vault() {
            Some(_) => Ok(open_at(session, path, Last::Through).await?.0.into_vault()),
            None => Err(ClientError::misuse(
                "/: the drive itself is not shared; share folders of it",
            )),
        };
    }
    let (mut drive, inner) = open_at(session, path, Last::Itself).await?;
    let (node, _) = drive.find_node(&inner)?;
    vault_of_node(session, account, &mut drive, node, with_history).await
}

/// The same for a node of a drive that is open.
pub(super) async fn vault_of_node<'s, P: Platform>(
    session: &'s Session<P>,
    account: &mut Vault<'s, P>,
    drive: &mut Drive<'s, P>,
    node: NodeId,
    with_history: bool,
) -> Result<Vault<'s, P>> {
    let record = drive.record(&node)?.clone();
    // Contents stay as they are kept.
    let suite = drive.vault().replica().content_suite();
    let (mut jobs, lost) = jobs(account, node, record.mount.as_ref());
    for lost in lost {
        give_up(account, lost, false).await?;
    }
    if record.mount.is_none() {
        require_manager(drive)?;
    }
    let mut is_fresh = false;
    let mut shared = match (record.mount, jobs.pop()) {
        // A crash may have come between the mount and the end of the job.
        (_, Some(unfinished)) => unfinished,
        (Some(mount), None) => return mounted(account, &mount, &record.name).await,
        (None, None) => {
            is_fresh = true;
            begin(session, account, &record.name, node, suite).await?
        }
    };
    let mut vault = match account.open_beside(shared.vault_id).await {
        // Or between its record and the vault: nothing is in it, then.
        Err(ClientError::NoAccess) if record.mount.is_none() => {
            account.reconsider_share(shared.vault_id).await?;
            is_fresh = true;
            shared = begin(session, account, &record.name, node, suite).await?;
            account.open_beside(shared.vault_id).await?
        }
        opened => opened?,
    };
    // Seen after the vault, so that what is there and no longer here was
    // removed, and is not just newer than what this device knows.
    drive.refresh().await?;
    if drive.record(&node)?.mount.is_none() {
        copy_into(drive, node, &mut vault, with_history).await?;
        // From here on nothing is taken back from what was copied: the same
        // person may be at it on another device, and rely on it.
        vault.set_title(&record.name).await?;
        // Not before everything is there: nobody else is to put something in
        // the place of what is on its way.
        include_outer(drive, &mut vault).await?;
    }
    if let Err(error) = put_mount(drive, node, record.kind, &vault).await {
        let mount = drive.record(&node).ok().and_then(|now| now.mount.as_ref());
        if mount.is_some_and(|mount| mount.vault_id != shared.vault_id) {
            give_up(account, shared, is_fresh).await?;
        }
        return Err(error);
    }
    clear(drive, node, &vault).await?;
    let done = SharedVault {
        moving: None,
        ..shared
    };
    account.keep_shared(done).await?;
    Ok(vault)
}

/// What of this account's is on its way into a vault of its own, and what lost
/// its place to somebody who was faster.
fn jobs<P: Platform>(
    account: &Vault<'_, P>,
    node: NodeId,
    mount: Option<&Mount>,
) -> (Vec<SharedVault>, Vec<SharedVault>) {
    let known = account.shared_vaults().into_iter().map(|(_, vault)| vault);
    let jobs = known.filter(|vault| vault.moving == Some(node));
    jobs.partition(|job| mount.is_none_or(|mount| mount.vault_id == job.vault_id))
}

/// Parts of something shared are shared on their own by whoever decides who has
/// access to the whole: they own what they make of it, and nobody can remove
/// an owner.
fn require_manager<P: Platform>(drive: &Drive<'_, P>) -> Result<()> {
    let outer = drive.vault();
    let is_shared = outer.replica().state().membership.kind.is_shareable();
    match is_shared && outer.access().is_none_or(|path| path.role < Role::Manager) {
        false => Ok(()),
        true => Err(ClientError::misuse(
            "this is part of something shared: only a manager of that may share it on its own",
        )),
    }
}

/// Another vault stands in the place that this one was made for. Nobody is
/// left in it, and it is hidden. If it was made by this very run, it was never
/// shown anywhere, and what is in it is where it was or in the other: it goes.
async fn give_up<P: Platform>(
    account: &mut Vault<'_, P>,
    lost: SharedVault,
    is_fresh: bool,
) -> Result<()> {
    let me = account.id();
    match account.open_beside(lost.vault_id).await {
        // It was recorded and never made.
        Err(ClientError::NoAccess) => {
            return account.reconsider_share(lost.vault_id).await;
        }
        Err(error) => return Err(error),
        Ok(mut vault) => {
            let members = vault.replica().state().membership.members.keys();
            let others: Vec<VaultId> = members.copied().filter(|id| *id != me).collect();
            vault.revoke_all(&others).await?;
            if is_fresh {
                let nodes = vault.replica().nodes().iter();
                let own = nodes.filter(|(_, one)| one.leaf().creator == me);
                let own: Vec<NodeId> = own.map(|(id, _)| *id).collect();
                vault.commit_each(&own, delete_if_there).await?;
            }
        }
    }
    let hidden = SharedVault {
        moving: None,
        is_declined: true,
        ..lost
    };
    account.keep_shared(hidden).await
}

fn delete_if_there(replica: &Replica, id: &NodeId) -> Result<Option<Change>> {
    let is_there = replica.nodes().contains_key(id);
    Ok(is_there.then_some(Change::Delete(*id)))
}

/// The vault that a mount shows: what its name says and nothing besides.
async fn mounted<'s, P: Platform>(
    account: &Vault<'s, P>,
    mount: &Mount,
    path: &Name,
) -> Result<Vault<'s, P>> {
    // Whoever may write here may put a mount of anything.
    if !account.knows(&mount.vault_id) {
        return Err(ClientError::misuse(format!(
            "{path}: leads to something shared that you have not accepted"
        )));
    }
    let vault = account.open_beside(mount.vault_id).await?;
    let mut nodes = vault.replica().nodes().iter();
    let is_more = |node: NodeId| {
        nodes.any(|(id, one)| *id != node && matches!(one.payload(), Some(Payload::Node(_))))
    };
    match mount.node.is_some_and(is_more) {
        false => Ok(vault),
        true => Err(ClientError::misuse(format!(
            "{path}: is part of something bigger that is shared as a whole"
        ))),
    }
}

async fn begin<P: Platform>(
    session: &Session<P>,
    account: &mut Vault<'_, P>,
    name: &Name,
    node: NodeId,
    suite: ContentSuite,
) -> Result<SharedVault> {
    let draft = draft_vault(session, VaultKind::Shared, suite)?;
    let vault_id = draft.vault_id();
    let mut shared = SharedVault::new(vault_id, account.free_name(name, &vault_id)?);
    shared.moving = Some(node);
    account.keep_shared(shared.clone()).await?;
    create_vault(session, draft).await?;
    Ok(shared)
}

/// Who could reach it where it stood still can: the vault around it, if that
/// is shared, becomes a member.
async fn include_outer<P: Platform>(drive: &Drive<'_, P>, vault: &mut Vault<'_, P>) -> Result<()> {
    let outer = &drive.vault().replica().state().membership;
    if !outer.kind.is_shareable() {
        return Ok(());
    }
    let outer = Grantee::vault(outer.vault_id, Role::Manager);
    vault.grant(&[outer]).await
}

/// Puts what has not arrived yet, in as few entries as possible.
async fn copy_into<P: Platform>(
    drive: &Drive<'_, P>,
    node: NodeId,
    vault: &mut Vault<'_, P>,
    with_history: bool,
) -> Result<()> {
    let mut all = Vec::new();
    for (_, id) in drive.tree().walk(Place::Node(node)) {
        let original = drive.record(&id)?;
        if id == node && original.kind == Kind::Folder {
            continue;
        }
        let mut record = original.clone();
        record.parent = original
            .parent
            .filter(|parent| *parent != node && id != node);
        if !with_history {
            record.versions = original.current().cloned().into_iter().collect();
        }
        all.push(Moving { id, record });
    }
    let was_there: Vec<NodeId> = nodes_of(vault.replica());
    let plan = |replica: &Replica, one: &Moving| match replica.record(&one.id) {
        None if replica.nodes().contains_key(&one.id) => Ok(None),
        None => put_with_contents(one.id, &one.record).map(Some),
        // Before it has a title, whatever else is there is from an earlier try.
        Some(there) if title_in(replica).is_none() && !is_same(&one.record, there) => {
            put_instead(one.id, there, &one.record).map(Some)
        }
        Some(there) if !has_arrived(&one.record, there) => {
            // Others may have gone on with it: the newest of here comes where
            // it belongs by its time.
            let mut both = there.clone();
            if let Some(newest) = one.record.current() {
                let is_later = |there: &Version| there.saved_ms > newest.saved_ms;
                let at = both.versions.iter().position(is_later);
                let at = at.unwrap_or(both.versions.len());
                both.versions.insert(at, newest.clone());
            }
            put_instead(one.id, there, &both).map(Some)
        }
        Some(_) => Ok(None),
    };
    vault.commit_each(&all, plan).await?;
    // What is no longer among it since an earlier try is not shared with it.
    // Others may have put there what else there is.
    if vault.replica().state().membership.members.len() > 1 {
        return Ok(());
    }
    let ids: BTreeSet<NodeId> = all.iter().map(|one| one.id).collect();
    let gone = was_there.into_iter().filter(|id| !ids.contains(id));
    let gone: Vec<NodeId> = gone.collect();
    vault.commit_each(&gone, delete_if_there).await
}

/// Every file and folder of a vault.
fn nodes_of(replica: &Replica) -> Vec<NodeId> {
    let nodes = replica.nodes().iter();
    let nodes = nodes.filter(|(_, one)| matches!(one.payload(), Some(Payload::Node(_))));
    nodes.map(|(id, _)| *id).collect()
}

/// Whether two records say the same of a node, keys of contents aside.
fn is_same(one: &Record, other: &Record) -> bool {
    let contents = |record: &Record| -> Vec<_> {
        let versions = record.versions.iter();
        versions.map(|version| version.content_id).collect()
    };
    let told = |record: &Record| (record.kind, record.parent, record.modified_ms);
    one.name == other.name
        && told(one) == told(other)
        && one.mount == other.mount
        && contents(one) == contents(other)
}

/// Whether what somebody has now is in the record that was made of it.
fn has_arrived(original: &Record, there: &Record) -> bool {
    let content = |record: &Record| record.current().map(|version| version.content_id);
    let mut versions = there.versions.iter().map(|version| version.content_id);
    let is_there = match content(original) {
        None => there.kind == original.kind && there.mount == original.mount,
        Some(newest) => versions.any(|content| content == newest),
    };
    is_there && there.name == original.name
}

async fn put_mount<P: Platform>(
    drive: &mut Drive<'_, P>,
    node: NodeId,
    kind: Kind,
    vault: &Vault<'_, P>,
) -> Result<()> {
    let (vault_id, arrived) = (vault.id(), vault.replica());
    let plan = |replica: &Replica| {
        let Some(record) = replica.record(&node) else {
            return Err(ClientError::misuse("somebody else removed this meanwhile"));
        };
        match &record.mount {
            Some(mount) if mount.vault_id == vault_id => return Ok(Vec::new()),
            // Going on would remove here what has not arrived there.
            Some(_) => {
                return Err(ClientError::misuse(
                    "somebody else shared this meanwhile; look again",
                ));
            }
            None => {}
        }
        // A file's own record goes; those inside a folder stay until `clear`.
        let there = arrived.record(&node);
        if kind != Kind::Folder && !there.is_some_and(|there| has_arrived(record, there)) {
            return Err(ClientError::misuse(
                "somebody changed this meanwhile; share it again",
            ));
        }
        let mut mount = Record::new(Kind::Mount, record.name.clone(), record.parent, 0);
        mount.created_ms = record.created_ms;
        mount.modified_ms = record.modified_ms;
        mount.tags = record.tags.clone();
        mount.mount = Some(Mount {
            vault_id,
            node: (kind != Kind::Folder).then_some(node),
        });
        Ok(vec![Change::Put {
            node_id: node,
            dropped: dropped(record, &mount),
            payload: Box::new(Payload::Node(mount)),
            added: Vec::new(),
        }])
    };
    drive
        .commit(async |vault| vault.commit(&[], plan).await)
        .await
}

/// Removes what has arrived from where it was. What somebody changed meanwhile
/// stays, and is found under *Lost and found*.
async fn clear<P: Platform>(
    drive: &mut Drive<'_, P>,
    node: NodeId,
    vault: &Vault<'_, P>,
) -> Result<()> {
    let arrived = vault.replica();
    let old = Tree::inside(node, drive.vault().replica());
    let plan = |replica: &Replica, id: &NodeId| {
        let pair = replica.record(id).zip(arrived.record(id));
        let is_there = pair.is_some_and(|(now, there)| has_arrived(now, there));
        Ok(is_there.then_some(Change::Delete(*id)))
    };
    drive
        .commit(async |vault| vault.commit_each(&old, plan).await)
        .await
}

/// Copies a file or folder, also from one vault to another; no content moves.
/// Gives the new path.
///
/// # Errors
/// [`ClientError::NotFound`], [`ClientError::Misuse`] if something is there
/// already, any [`crate::Tamper`], or those of a call.
pub async fn copy<P: Platform>(
    session: &Session<P>,
    from: &RemotePath,
    to: &RemotePath,
) -> Result<String> {
    let (source, from) = open_at(session, from, Last::Itself).await?;
    let (mut target, to) = open_at(session, to, Last::Through).await?;
    if source.vault().id() == target.vault().id() {
        return target.copy(&from, &to).await;
    }
    target.copy_from(&source, &from, &to).await
}

/// Moves or renames a file or folder, also from one vault to another: it is
/// there before it is removed here. Gives the new path.
///
/// # Errors
/// As [`copy`].
pub async fn rename<P: Platform>(
    session: &Session<P>,
    from: &RemotePath,
    to: &RemotePath,
) -> Result<String> {
    let (mut source, from) = open_at(session, from, Last::Itself).await?;
    let (mut target, to) = open_at(session, to, Last::Through).await?;
    if source.vault().id() == target.vault().id() {
        return target.rename(&from, &to).await;
    }
    let arrived = target.copy_from(&source, &from, &to).await?;
    source.remove(&from).await?;
    Ok(arrived)
}
