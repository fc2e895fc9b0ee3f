//! What becomes of the old rows: for each person the files and notes that were
//! theirs, each with who else could read it.

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
    /// Everybody who is somebody here and had something, in the order of their
    /// numbers.
    pub people: Vec<Moving>,
    /// Items of users who are left out, by number.
    pub left_out: Vec<i64>,
}

/// One old user, and what was theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moving {
    /// Their number in the old database.
    pub user: i64,
    /// Who they are here.
    pub handle: Handle,
    /// What was theirs, in the order of its numbers.
    pub items: Vec<PlannedItem>,
}

/// One file or note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedItem {
    /// Its number in the old database.
    pub id: i64,
    stem: String,
    ending: String,
    /// A file or a note.
    pub kind: Kind,
    /// When it was made, Unix milliseconds.
    pub created_ms: u64,
    /// Bytes of its token.
    pub token_len: u64,
    /// Who else could read it, and is somebody here.
    pub readers: BTreeSet<Handle>,
    /// Old names of those who could read it and are left out.
    pub nobody: BTreeSet<String>,
}

/// Names that are in use in a folder.
#[derive(Debug, Default)]
pub struct Taken(BTreeSet<String>);

impl<'n> FromIterator<&'n str> for Taken {
    fn from_iter<I: IntoIterator<Item = &'n str>>(names: I) -> Self {
        Self(names.into_iter().map(str::to_lowercase).collect())
    }
}

impl Plan {
    /// Plans to move everything of everyone who is somebody here.
    pub fn new(
        users: &[User],
        items: &[Item],
        shares: &BTreeMap<i64, BTreeSet<i64>>,
        people: &People,
    ) -> Self {
        let names: BTreeMap<i64, &str> = users.iter().map(|u| (u.id, u.name.as_str())).collect();
        let mut moving: BTreeMap<i64, Moving> = BTreeMap::new();
        let mut left_out = Vec::new();
        for item in items {
            let user = item.user_id;
            let owner = people.handle(user).filter(|_| names.contains_key(&user));
            let Some(owner) = owner else {
                left_out.push(item.id);
                continue;
            };
            let (mut readers, mut nobody) = (BTreeSet::new(), BTreeSet::new());
            for reader in shares.get(&item.id).into_iter().flatten() {
                match (people.handle(*reader), names.get(reader)) {
                    (Some(handle), _) if handle == owner => {}
                    (Some(handle), _) => drop(readers.insert(handle.clone())),
                    (None, Some(name)) => drop(nobody.insert((*name).to_owned())),
                    // Django leaves no such row.
                    (None, None) => {}
                }
            }
            let planned = PlannedItem::new(item, readers, nobody);
            let owned = moving.entry(user).or_insert_with(|| Moving {
                user,
                handle: owner.clone(),
                items: Vec::new(),
            });
            owned.items.push(planned);
        }
        Self {
            people: moving.into_values().collect(),
            left_out,
        }
    }
}

impl PlannedItem {
    fn new(item: &Item, readers: BTreeSet<Handle>, nobody: BTreeSet<String>) -> Self {
        let ending = match item.extension.as_deref() {
            Some(extension) => format!(".{}", harmless(extension.trim_start_matches('.'))),
            None => String::new(),
        };
        let title = harmless(&item.title);
        let has_ending = title.to_lowercase().ends_with(&ending.to_lowercase());
        let stem = if has_ending {
            title.get(..title.len() - ending.len()).unwrap_or(&title)
        } else {
            &title
        };
        Self {
            id: item.id,
            stem: stem.to_owned(),
            ending,
            kind: if item.extension.is_some() {
                Kind::File
            } else {
                Kind::Note
            },
            created_ms: item.created_ms,
            token_len: item.token_len,
            readers,
            nobody,
        }
    }

    /// What it is called where others are called so already, which it is then,
    /// too: unique in its folder, whatever the disk.
    pub fn name(&self, taken: &mut Taken) -> Name {
        free_name(&self.stem, &self.ending, &mut taken.0)
    }
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

    fn names(plan: &Plan) -> Vec<Name> {
        let mut taken = Taken::default();
        let items = plan.people.iter().flat_map(|moving| &moving.items);
        items.map(|item| item.name(&mut taken)).collect()
    }

    #[test]
    fn everyone_gets_what_was_theirs_and_who_read_it_is_known() {
        let items = [
            item(1, 1, "own", None),
            item(2, 1, "for bob", Some("pdf")),
            item(3, 1, "for both", Some(".pdf")),
            item(4, 2, "bob's", None),
            item(5, 4, "of nobody here", None),
            item(6, 9, "of nobody there", None),
        ];
        // With oneself, with somebody who is left out, with nobody: nothing.
        let plan = plan(&items, &[(1, &[1, 4, 9]), (2, &[2]), (3, &[2, 3, 4])]);
        let shape: Vec<_> = plan
            .people
            .iter()
            .map(|m| (m.user, m.handle.as_str(), m.items.len()))
            .collect();
        assert_eq!(shape, [(1, "alice", 3), (2, "bob", 1)]);
        assert_eq!(plan.left_out, [5, 6]);
        let alice = &plan.people[0].items;
        let readers: Vec<Vec<&str>> = alice
            .iter()
            .map(|item| item.readers.iter().map(Handle::as_str).collect())
            .collect();
        assert_eq!(readers, [vec![], vec!["bob"], vec!["bob", "carol"]]);
        let nobody: Vec<usize> = alice.iter().map(|item| item.nobody.len()).collect();
        assert_eq!(nobody, [1, 0, 1]);
        assert_eq!((alice[0].kind, alice[1].kind), (Kind::Note, Kind::File));
        assert_eq!(names(&plan)[2].as_str(), "for both.pdf");
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
        let names = names(&plan(&items, &[]));
        let names: Vec<&str> = names.iter().map(Name::as_str).collect();
        assert_eq!(names[..3], [".._.._etc_passwd", "_..", "untitled.pdf"]);
        assert!(names[3].starts_with("a_b_c_.") && !names[3].contains('/'));
        assert_eq!(names[4..6], ["Report.pdf", "report (2).pdf"]);
        assert!(names[6].ends_with("ü.txt") && names[7].ends_with("ü (2).txt"));
        assert!(names.iter().all(|name| name.len() <= NAME_LEN));
        let lower: BTreeSet<_> = names.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(lower.len(), items.len());
    }

    #[test]
    fn what_is_there_already_is_not_called_the_same() {
        let plan = plan(&[item(1, 1, "Scan", Some("pdf"))], &[]);
        let mut taken: Taken = ["SCAN.pdf", "x"].into_iter().collect();
        let name = plan.people[0].items[0].name(&mut taken);
        assert_eq!(name.as_str(), "Scan (2).pdf");
    }
}
