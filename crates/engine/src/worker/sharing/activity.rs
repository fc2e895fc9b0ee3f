//! What happened in something shared.

use std::collections::{BTreeMap, BTreeSet};

use sv_client::sharing::{self, Event, Timeline};
use sv_client::tree::Tree;
use sv_client::vault::Vault;
use sv_core::Name;
use sv_core::record::Payload;
use sv_ledger::id::{NodeId, VaultId};

use super::people::short;
use super::{Account, local_name};
use crate::worker::failure::Failure;
use crate::worker::open::Open;
use crate::worker::platform::Browser;
use crate::worker::view::role_of;
use sv_bridge::{Activity, ActivityRow, Deed, GetActivity};

/// Who is called what; none is this person.
type People = BTreeMap<VaultId, Option<String>>;

/// What happened, and what the vault says of the things it happened to.
struct Shown {
    timeline: Timeline,
    title: Option<Name>,
    nodes: BTreeMap<NodeId, Node>,
    /// Members that are groups.
    groups: BTreeSet<VaultId>,
}

/// Something that is still there.
enum Node {
    /// A file or folder, by its path.
    Item(String),
    /// The vault's own name.
    Title,
}

impl<'s> Open<'s> {
    pub(crate) async fn activity(&self, call: GetActivity) -> Result<Activity, Failure> {
        let mut account = self.newest_account().await?;
        let space = self.open_space(Some(call.share));
        let mut taken = self.take(&account, call.share, space.as_deref()).await?;
        let timeline = taken.vault().timeline(call.count).await;
        let shown = timeline.map(|timeline| Shown::of(taken.vault(), timeline));
        self.give_back(taken);
        let shown = shown.map_err(|error| self.failed(Some(call.share), error))?;
        let people = self.people_in(&mut account, call.share.0, &shown).await?;
        let name = local_name(&account, call.share.0).or_else(|| shown.title.clone());
        let rows = shown.timeline.events.iter();
        Ok(Activity {
            name: name.map(|name| name.to_string()).unwrap_or_default(),
            has_more: shown.timeline.events.len() as u64 >= call.count,
            rows: rows.map(|event| shown.row(event, &people)).collect(),
            has_all_downloads: shown.timeline.has_all_downloads,
        })
    }

    /// Who everybody is. Whom only the server names, and the log does not, is
    /// not looked up: a server must not bring people in.
    async fn people_in(
        &self,
        account: &mut Account<'s>,
        vault: VaultId,
        shown: &Shown,
    ) -> Result<People, Failure> {
        let mut people = People::from([(account.id(), None)]);
        let vaults = account.shared_vaults().into_iter();
        people.extend(vaults.map(|(_, known)| (known.vault_id, Some(known.name.to_string()))));
        for id in shown.named() {
            if people.contains_key(&id) {
                continue;
            }
            let name = match shown.groups.contains(&id) {
                true => short(&id),
                false => self.tag(account, vault, id).await?.name,
            };
            people.insert(id, Some(name));
        }
        Ok(people)
    }
}

impl Shown {
    fn of(vault: &Vault<'_, Browser>, timeline: Timeline) -> Self {
        let (replica, tree) = (vault.replica(), Tree::build(vault.replica()));
        let node = |id: &NodeId| match replica.nodes().get(id)?.payload()? {
            Payload::Title(_) => Some(Node::Title),
            Payload::Node(record) => {
                let path = tree.path(id);
                Some(Node::Item(path.unwrap_or_else(|| record.name.to_string())))
            }
            _ => None,
        };
        let touched = timeline.events.iter().flat_map(nodes_of);
        let nodes = touched.filter_map(|id| Some((id, node(&id)?))).collect();
        let members = replica.state().membership.vault_members();
        Self {
            nodes,
            title: vault.title().cloned(),
            groups: members.map(|(id, _)| *id).collect(),
            timeline,
        }
    }

    /// Everybody that the verified log names.
    fn named(&self) -> Vec<VaultId> {
        let mut named = Vec::new();
        for event in &self.timeline.events {
            match event {
                Event::Verified(entry) => {
                    named.push(entry.author);
                    named.extend(entry.deeds.iter().filter_map(about));
                }
                Event::ServerSays(download) if download.was_member => named.push(download.who),
                Event::ServerSays(_) => {}
            }
        }
        named
    }

    fn path(&self, id: &NodeId) -> Option<String> {
        match self.nodes.get(id)? {
            Node::Item(path) => Some(path.clone()),
            Node::Title => None,
        }
    }

    fn row(&self, event: &Event, people: &People) -> ActivityRow {
        match event {
            Event::Verified(entry) => ActivityRow {
                who: who(people, &entry.author),
                via: entry.via.and_then(|via| who(people, &via)),
                at_ms: entry.at_ms,
                entry: Some(entry.seq),
                deeds: entry.deeds.iter().map(|d| self.deed(d, people)).collect(),
            },
            Event::ServerSays(download) => {
                let path = download.node.and_then(|node| self.path(&node));
                let is_older = download.node.is_some() && !download.is_current;
                ActivityRow {
                    who: who(people, &download.who),
                    via: None,
                    at_ms: download.last_ms,
                    entry: None,
                    deeds: vec![match is_older {
                        true => Deed::FetchedOlder(path),
                        false => Deed::Fetched(path),
                    }],
                }
            }
        }
    }

    fn deed(&self, deed: &sharing::Deed, people: &People) -> Deed {
        use sharing::Deed as D;
        let who = |id: &VaultId| who(people, id);
        match deed {
            D::Added(id) | D::Changed(id) if matches!(self.nodes.get(id), Some(Node::Title)) => {
                Deed::Named
            }
            D::Added(id) => Deed::Added(self.path(id)),
            D::Changed(id) => Deed::Changed(self.path(id)),
            D::Removed(_) => Deed::Removed,
            D::Granted(id, role) => Deed::Granted(who(id), role_of(*role)),
            D::RoleChanged(id, role) => Deed::RoleChanged(who(id), role_of(*role)),
            D::Revoked(id) => Deed::Revoked(who(id)),
            D::Expired(id) => Deed::Expired(who(id)),
            D::Rekeyed(id) => Deed::Rekeyed(who(id)),
            D::Left => Deed::Left,
            D::Transferred(id) => Deed::Transferred(who(id)),
            D::NewKey => Deed::NewKey,
        }
    }
}

fn who(people: &People, id: &VaultId) -> Option<String> {
    let known = people.get(id).cloned();
    known.unwrap_or_else(|| Some(short(id)))
}

fn nodes_of(event: &Event) -> Vec<NodeId> {
    use sharing::Deed as D;
    match event {
        Event::ServerSays(download) => download.node.into_iter().collect(),
        Event::Verified(entry) => {
            let nodes = entry.deeds.iter().filter_map(|deed| match deed {
                D::Added(id) | D::Changed(id) => Some(*id),
                _ => None,
            });
            nodes.collect()
        }
    }
}

/// Whom something was done to.
fn about(deed: &sharing::Deed) -> Option<VaultId> {
    use sharing::Deed as D;
    match deed {
        D::Granted(id, _)
        | D::RoleChanged(id, _)
        | D::Revoked(id)
        | D::Expired(id)
        | D::Rekeyed(id)
        | D::Transferred(id) => Some(*id),
        D::Added(_) | D::Changed(_) | D::Removed(_) | D::Left | D::NewKey => None,
    }
}
