//! What becomes of the old rows: for each person a folder of what was theirs
//! alone, and one for each circle of people who could read the same of it.

use std::collections::{BTreeMap, BTreeSet};

use sv_core::Name;
use sv_core::record::Kind;
use sv_ledger::handle::Handle;
use sv_ledger::limits::NAME_LEN;

use crate::database::{Item, User};
use crate::people::People;

/// What is to be moved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// One for each owner and circle of readers.
    pub folders: Vec<Folder>,
    /// Items of users who are left out, by number.
    pub left_out: Vec<i64>,
}

/// A folder: what one person owned and the same others could read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// What it is called.
    pub name: Name,
    /// Whose it is to be.
    pub owner: Handle,
    /// Who may read it.
    pub readers: BTreeSet<Handle>,
    /// What is in it, in the order of their numbers.
    pub items: Vec<PlannedItem>,
}

/// One file or note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedItem {
    /// Its number in the old database.
    pub id: i64,
    /// What it is called here; unique in its folder, whatever the disk.
    pub name: Name,
    /// A file or a note.
    pub kind: Kind,
    /// When it was made, Unix milliseconds.
    pub created_ms: u64,
    /// Bytes of its token.
    pub token_len: u64,
}

impl Plan {
    /// Plans to move everything of everyone who is somebody here.
    pub fn new(
        users: &[User],
        items: &[Item],
        shares: &BTreeMap<i64, BTreeSet<i64>>,
        people: &People,
    ) -> Self {
        let known: BTreeSet<i64> = users.iter().map(|user| user.id).collect();
        let mut circles: BTreeMap<(Handle, BTreeSet<Handle>), Vec<&Item>> = BTreeMap::new();
        let mut left_out = Vec::new();
        for item in items {
            let owner = people.handle(item.user_id);
            let Some(owner) = owner.filter(|_| known.contains(&item.user_id)) else {
                left_out.push(item.id);
                continue;
            };
            let readers = shares.get(&item.id).into_iter().flatten();
            let readers = readers.filter_map(|user| people.handle(*user)).cloned();
            let readers: BTreeSet<Handle> = readers.filter(|reader| reader != owner).collect();
            circles
                .entry((owner.clone(), readers))
                .or_default()
                .push(item);
        }
        let mut taken = BTreeSet::new();
        let folders = circles.into_iter().map(|((owner, readers), items)| Folder {
            name: free_name(&folder_name(&owner, &readers), "", &mut taken),
            owner,
            readers,
            items: planned(&items),
        });
        Self {
            folders: folders.collect(),
            left_out,
        }
    }
}

/// Names in the order of numbers, so that every run gives the same ones.
fn planned(items: &[&Item]) -> Vec<PlannedItem> {
    let mut taken = BTreeSet::new();
    let plan = |item: &&Item| {
        let extension = item
            .extension
            .as_deref()
            .map(|e| harmless(e.trim_start_matches('.')));
        let ending = extension
            .as_ref()
            .map_or(String::new(), |e| format!(".{e}"));
        let title = harmless(&item.title);
        let has_ending = title.to_lowercase().ends_with(&ending.to_lowercase());
        let stem = if has_ending {
            title.get(..title.len() - ending.len()).unwrap_or(&title)
        } else {
            &title
        };
        PlannedItem {
            id: item.id,
            name: free_name(stem, &ending, &mut taken),
            kind: if item.extension.is_some() {
                Kind::File
            } else {
                Kind::Note
            },
            created_ms: item.created_ms,
            token_len: item.token_len,
        }
    };
    items.iter().map(plan).collect()
}

fn folder_name(owner: &Handle, readers: &BTreeSet<Handle>) -> String {
    const NAMED: usize = 3;
    let owner = owner.as_str();
    if readers.is_empty() {
        return owner.to_owned();
    }
    let mut names: Vec<&str> = readers.iter().take(NAMED).map(Handle::as_str).collect();
    let more = format!("{} more", readers.len().saturating_sub(NAMED));
    if readers.len() > NAMED {
        names.push(&more);
    }
    format!("{owner}, read by {}", names.join(", "))
}

/// Text that a name can have: what cannot be in one becomes `_`. Each character
/// is in NFC, so that the whole does not grow by being brought into it.
fn harmless(text: &str) -> String {
    let mut name = String::new();
    for c in text.trim().chars() {
        match Name::parse(c.encode_utf8(&mut [0; 4])) {
            Ok(c) => name.push_str(c.as_str()),
            Err(_) => name.push(if c == '.' { '.' } else { '_' }),
        }
    }
    name
}

/// A name with that beginning and ending that nothing else has, also where
/// upper and lower case are one.
fn free_name(stem: &str, ending: &str, taken: &mut BTreeSet<String>) -> Name {
    let ending = shortened(ending, NAME_LEN / 4);
    let stem = if stem.is_empty() { "untitled" } else { stem };
    let mut number = 1_u64;
    loop {
        let suffix = if number == 1 {
            ending.to_owned()
        } else {
            format!(" ({number}){ending}")
        };
        let stem = shortened(stem, NAME_LEN - suffix.len());
        // Only `..` is no name yet.
        let name = Name::parse(&format!("{stem}{suffix}"))
            .or_else(|_| Name::parse(&format!("_{}{suffix}", shortened(stem, NAME_LEN / 4))));
        if let Ok(name) = name
            && taken.insert(name.as_str().to_lowercase())
        {
            return name;
        }
        number += 1;
    }
}

/// As much of the beginning as fits.
fn shortened(text: &str, len: usize) -> &str {
    text.get(..text.floor_char_boundary(len))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: i64, user_id: i64, title: &str, extension: Option<&str>) -> Item {
        Item {
            id,
            user_id,
            title: title.to_owned(),
            extension: extension.map(str::to_owned),
            created_ms: 1,
            token_len: 100,
        }
    }

    fn users() -> Vec<User> {
        ["alice", "bob", "carol", "d@d"]
            .iter()
            .zip(1..)
            .map(|(name, id)| User {
                id,
                name: (*name).to_owned(),
            })
            .collect()
    }

    fn plan(items: &[Item], shares: &[(i64, &[i64])]) -> Plan {
        let shares = shares
            .iter()
            .map(|(item, users)| (*item, users.iter().copied().collect()));
        Plan::new(
            &users(),
            items,
            &shares.collect(),
            &People::propose(&users()),
        )
    }

    fn names(plan: &Plan) -> Vec<&str> {
        let items = plan.folders.iter().flat_map(|folder| &folder.items);
        items.map(|item| item.name.as_str()).collect()
    }

    #[test]
    fn what_the_same_people_could_read_comes_together() {
        let items = [
            item(1, 1, "own", None),
            item(2, 1, "for bob", Some("pdf")),
            item(3, 1, "for bob too", Some(".pdf")),
            item(4, 1, "for both", None),
            item(5, 2, "bob's", None),
            item(6, 4, "of nobody here", None),
            item(7, 9, "of nobody there", None),
        ];
        // With oneself, and with somebody who is left out: nothing.
        let plan = plan(
            &items,
            &[(1, &[1, 4]), (2, &[2]), (3, &[2, 4]), (4, &[2, 3])],
        );
        let folders: Vec<_> = plan
            .folders
            .iter()
            .map(|f| (f.name.as_str(), f.items.len()))
            .collect();
        let expected = [
            ("alice", 1),
            ("alice, read by bob", 2),
            ("alice, read by bob, carol", 1),
            ("bob", 1),
        ];
        assert_eq!(folders, expected);
        assert_eq!(plan.left_out, [6, 7]);
        assert_eq!(plan.folders[1].items[1].name.as_str(), "for bob too.pdf");
        let kinds: Vec<_> = plan.folders[1].items.iter().map(|item| item.kind).collect();
        assert_eq!(
            (kinds[0], plan.folders[0].items[0].kind),
            (Kind::File, Kind::Note)
        );
    }

    #[test]
    fn a53_titles_become_harmless_and_unique_names() {
        let long = "ü".repeat(300);
        let items = [
            item(1, 1, "../../etc/passwd", None),
            item(2, 1, "..", None),
            item(3, 1, "", Some("pdf")),
            item(4, 1, "a\0b\nc\u{202e}", Some("../x")),
            item(5, 1, "Report.PDF", Some("pdf")),
            item(6, 1, "report", Some("pdf")),
            item(7, 1, &long, Some("txt")),
            item(8, 1, &long, Some("txt")),
            item(9, 1, "x", Some(&long)),
            item(10, 1, "\u{fb2c}".repeat(90).as_str(), None),
        ];
        let plan = plan(&items, &[]);
        let names = names(&plan);
        assert_eq!(names[..3], [".._.._etc_passwd", "_..", "untitled.pdf"]);
        assert!(names[3].starts_with("a_b_c_.") && !names[3].contains('/'));
        assert_eq!(names[4..6], ["Report.pdf", "report (2).pdf"]);
        assert!(names[6].ends_with("ü.txt") && names[7].ends_with("ü (2).txt"));
        assert!(names.iter().all(|name| name.len() <= NAME_LEN));
        let lower: BTreeSet<_> = names.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(lower.len(), items.len());
    }
}
