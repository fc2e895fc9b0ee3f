//! The folder tree that a set of records makes. Parents live only inside
//! records, written by several devices that did not wait for each other, so
//! **any** set of records must give one tree, the same everywhere, in which
//! nothing is hidden (spec: `records.md` §6).

use std::collections::{BTreeMap, BTreeSet};

use sv_core::record::{Kind, Record};
use sv_ledger::id::NodeId;
use sv_ledger::limits::TREE_DEPTH;
use sv_ledger::state::Role;

use crate::path::RemotePath;

/// The folder under which nodes appear whose own folder is gone.
pub const LOST_AND_FOUND: &str = "Lost and found";

/// A place to put nodes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Folder {
    /// The drive itself.
    Root,
    /// What has lost its folder.
    LostAndFound,
    /// A folder.
    Node(NodeId),
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The drive itself.
    Root,
    /// What has lost its folder.
    LostAndFound,
    /// A file, note or folder.
    Node(NodeId),
}

/// One row of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name under which it is shown and found: its own, or with a suffix
    /// where another node has the same.
    pub name: String,
    /// The node; `None` for the lost and found folder.
    pub node: Option<NodeId>,
}

/// Nodes as the tree sees them.
pub trait Nodes {
    /// Every readable node, with the role its creator had.
    fn each(&self) -> impl Iterator<Item = (NodeId, &Record, Role)>;
}

/// The tree.
#[derive(Debug, Default)]
pub struct Tree {
    children: BTreeMap<Folder, BTreeMap<String, NodeId>>,
    names: BTreeMap<NodeId, (Folder, String)>,
    trashed: Vec<NodeId>,
}

impl Tree {
    /// Builds the tree of a set of records.
    pub fn build(nodes: &impl Nodes) -> Self {
        let records: BTreeMap<NodeId, (&Record, Role)> = nodes
            .each()
            .map(|(id, record, role)| (id, (record, role)))
            .collect();
        let mut tree = Self::default();
        let mut rows: BTreeMap<Folder, Vec<NodeId>> = BTreeMap::new();
        let cut = cycle_cuts(&records);
        for (id, (record, _)) in &records {
            if record.trashed.is_some() {
                tree.trashed.push(*id);
            }
            rows.entry(folder_of(*id, record, &records, &cut))
                .or_default()
                .push(*id);
        }
        for (folder, mut ids) in rows {
            ids.sort_by_key(|id| {
                let by_outsider = records
                    .get(id)
                    .is_some_and(|(_, role)| *role < Role::Editor);
                (by_outsider, *id)
            });
            tree.fill(folder, &ids, &records);
        }
        tree
    }

    /// Names the nodes of one folder; the first of equal names keeps it.
    fn fill(
        &mut self,
        folder: Folder,
        ids: &[NodeId],
        records: &BTreeMap<NodeId, (&Record, Role)>,
    ) {
        let own: BTreeSet<&str> = ids
            .iter()
            .filter_map(|id| Some(records.get(id)?.0.name.as_str()))
            .collect();
        let shown = self.children.entry(folder).or_default();
        for id in ids {
            let Some((record, _)) = records.get(id) else {
                continue;
            };
            if record.trashed.is_some() {
                // Reached through the trash only; does not take up the name.
                continue;
            }
            let mut name = record.name.to_string();
            let taken = |name: &str, shown: &BTreeMap<String, NodeId>| {
                shown.contains_key(name) || (folder == Folder::Root && name == LOST_AND_FOUND)
            };
            let mut number = 2;
            while taken(&name, shown) || (number > 2 && own.contains(name.as_str())) {
                name = with_suffix(record.name.as_str(), number);
                number += 1;
            }
            self.names.insert(*id, (folder, name.clone()));
            shown.insert(name, *id);
        }
    }

    /// What a path leads to, if anything.
    pub fn find(&self, path: &RemotePath) -> Option<Place> {
        let mut place = Place::Root;
        for name in path.names() {
            place = self.child(place, name.as_str())?;
        }
        Some(place)
    }

    fn child(&self, place: Place, name: &str) -> Option<Place> {
        if place == Place::Root && name == LOST_AND_FOUND && self.has_lost() {
            return Some(Place::LostAndFound);
        }
        self.children
            .get(&place.into())?
            .get(name)
            .copied()
            .map(Place::Node)
    }

    fn has_lost(&self) -> bool {
        self.children
            .get(&Folder::LostAndFound)
            .is_some_and(|rows| !rows.is_empty())
    }

    /// The rows of a folder, by name.
    pub fn rows(&self, place: Place) -> Vec<Row> {
        let rows = self.children.get(&place.into()).into_iter().flatten();
        let mut rows: Vec<Row> = rows
            .map(|(name, id)| Row {
                name: name.clone(),
                node: Some(*id),
            })
            .collect();
        if place == Place::Root && self.has_lost() {
            rows.push(Row {
                name: LOST_AND_FOUND.to_owned(),
                node: None,
            });
        }
        rows
    }

    /// The nodes in the trash, each with whatever is inside it.
    pub fn trashed(&self) -> &[NodeId] {
        &self.trashed
    }

    /// The names from the root to a node; `None` if it is in the trash or
    /// inside something that is.
    pub fn path(&self, node: &NodeId) -> Option<String> {
        let mut parts = Vec::new();
        let mut at = *node;
        loop {
            let (folder, name) = self.names.get(&at)?;
            parts.push(name.as_str());
            match folder {
                Folder::Root => break,
                Folder::LostAndFound => {
                    parts.push(LOST_AND_FOUND);
                    break;
                }
                Folder::Node(parent) => at = *parent,
            }
            if parts.len() > TREE_DEPTH {
                return None;
            }
        }
        parts.reverse();
        Some(format!("/{}", parts.join("/")))
    }

    /// A place and everything inside it, folders before what they hold, with
    /// the names below that place.
    pub fn walk(&self, place: Place) -> Vec<(Vec<String>, NodeId)> {
        let mut found = Vec::new();
        let mut stack = vec![(Vec::new(), place)];
        while let Some((names, place)) = stack.pop() {
            for row in self.rows(place).into_iter().rev() {
                let mut names: Vec<String> = names.clone();
                names.push(row.name);
                let inside = row.node.map_or(Place::LostAndFound, Place::Node);
                stack.push((names, inside));
            }
            if let Place::Node(id) = place {
                found.push((names, id));
            }
        }
        found
    }

    /// Every node inside a node, however deep and whether or not in the trash.
    pub fn inside(node: NodeId, nodes: &impl Nodes) -> Vec<NodeId> {
        let mut by_parent: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        for (id, record, _) in nodes.each() {
            if let Some(parent) = record.parent {
                by_parent.entry(parent).or_default().push(id);
            }
        }
        let mut found = Vec::new();
        let mut seen = BTreeSet::from([node]);
        let mut stack = vec![node];
        while let Some(at) = stack.pop() {
            for child in by_parent.get(&at).into_iter().flatten() {
                if seen.insert(*child) {
                    found.push(*child);
                    stack.push(*child);
                }
            }
        }
        found
    }
}

impl From<Place> for Folder {
    fn from(place: Place) -> Self {
        match place {
            Place::Root => Self::Root,
            Place::LostAndFound => Self::LostAndFound,
            Place::Node(id) => Self::Node(id),
        }
    }
}

/// `report.txt` and 2 give `report (2).txt`.
pub fn with_suffix(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({number}).{extension}"),
        _ => format!("{name} ({number})"),
    }
}

fn folder_of(
    id: NodeId,
    record: &Record,
    records: &BTreeMap<NodeId, (&Record, Role)>,
    cut: &BTreeSet<NodeId>,
) -> Folder {
    match record.parent {
        None => Folder::Root,
        Some(_) if cut.contains(&id) => Folder::LostAndFound,
        Some(parent) => match records.get(&parent) {
            Some((folder, _)) if folder.kind == Kind::Folder => Folder::Node(parent),
            _ => Folder::LostAndFound,
        },
    }
}

/// The smallest node of every cycle of parents, and whatever lies too deep.
fn cycle_cuts(records: &BTreeMap<NodeId, (&Record, Role)>) -> BTreeSet<NodeId> {
    // How deep a node lies; absent while its ancestors are being walked.
    let mut depth: BTreeMap<NodeId, usize> = BTreeMap::new();
    let mut cuts = BTreeSet::new();
    for start in records.keys() {
        let mut trail: Vec<NodeId> = Vec::new();
        let mut on_trail = BTreeSet::new();
        let mut at = Some(*start);
        let mut base = 0;
        while let Some(id) = at {
            if let Some(known) = depth.get(&id) {
                base = *known + 1;
                break;
            }
            if !on_trail.insert(id) {
                let cycle = trail.iter().skip_while(|other| **other != id);
                cuts.extend(cycle.min());
                break;
            }
            trail.push(id);
            at = records.get(&id).and_then(|(record, _)| record.parent);
        }
        for id in trail.into_iter().rev() {
            if base >= TREE_DEPTH {
                cuts.insert(id);
                base = 0;
            }
            depth.insert(id, base);
            base += 1;
        }
    }
    cuts
}
