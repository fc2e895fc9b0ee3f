//! Who of the old users is who here: a file that a person can edit, one line
//! for each, made with a proposal for everyone whose name can be kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sv_ledger::handle::Handle;

use crate::database::User;

/// Waits for a decision.
const OPEN: &str = "?";
/// Is left out, by decision.
const NOBODY: &str = "-";
const HEAD: &str = "\
# Who of the old users is who here: number, old name, handle.
# `?` waits for a decision: write the handle that the person will have here.
# `-` leaves a person out, with all that is theirs.
";

/// What was decided about one old user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// Has, or will have, this handle.
    Handle(Handle),
    /// Is left out.
    Nobody,
    /// Not decided, and why their name could not be kept.
    Open(Undecided),
}

/// Why an old name is no handle here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// It breaks the rules of handles.
    #[error("the old name cannot be a handle here")]
    NotAHandle,
    /// Somebody else has it.
    #[error("`{0}` is {1}'s here")]
    Taken(String, String),
    /// It stood so in the file.
    #[error("not decided")]
    Waiting,
}

/// Why a file of who is who makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct InvalidMap {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

/// Every old user and what was decided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People(BTreeMap<i64, (String, Person)>);

impl People {
    /// A proposal: everyone keeps their name, if they can.
    pub fn propose(users: &[User]) -> Self {
        Self::default().with(users)
    }

    /// Adds a proposal for whoever is not in it: people who came since.
    #[must_use]
    pub fn with(mut self, users: &[User]) -> Self {
        let decided = self.0.values().filter_map(|(name, person)| match person {
            Person::Handle(handle) => Some((handle.as_str().to_owned(), name.clone())),
            Person::Nobody | Person::Open(_) => None,
        });
        let mut taken: BTreeMap<String, String> = decided.collect();
        for user in users {
            if self.0.contains_key(&user.id) {
                continue;
            }
            let person = match Handle::choose(&user.name) {
                Err(_) => Person::Open(Undecided::NotAHandle),
                Ok(handle) => match taken.get(handle.as_str()) {
                    Some(other) => {
                        let handle = handle.as_str().to_owned();
                        Person::Open(Undecided::Taken(handle, other.clone()))
                    }
                    None => {
                        taken.insert(handle.as_str().to_owned(), user.name.clone());
                        Person::Handle(handle)
                    }
                },
            };
            self.0.insert(user.id, (user.name.clone(), person));
        }
        self
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`InvalidMap`]: the first line that makes no sense.
    pub fn parse(text: &str) -> Result<Self, InvalidMap> {
        let (mut people, mut handles) = (BTreeMap::new(), BTreeSet::new());
        for (index, line) in text.lines().enumerate() {
            let wrong = |why: &str| InvalidMap {
                line: index + 1,
                why: why.to_owned(),
            };
            let line = line.trim_end_matches('\r');
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let mut fields = line.split('\t');
            let (Some(id), Some(name), Some(handle)) =
                (fields.next(), fields.next(), fields.next())
            else {
                return Err(wrong(
                    "wants a number, an old name and a handle, between tabs",
                ));
            };
            let id: i64 = id.trim().parse().map_err(|_| wrong("not a number"))?;
            let person = match handle.trim() {
                OPEN | "" => Person::Open(Undecided::Waiting),
                NOBODY => Person::Nobody,
                text => {
                    let handle = Handle::choose(text).map_err(|e| wrong(&e.to_string()))?;
                    if !handles.insert(handle.clone()) {
                        return Err(wrong("somebody above has the same handle"));
                    }
                    Person::Handle(handle)
                }
            };
            if people.insert(id, (name.to_owned(), person)).is_some() {
                return Err(wrong("the same number stands above"));
            }
        }
        Ok(Self(people))
    }

    /// The file.
    pub fn to_text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (id, (name, person)) in &self.0 {
            let name: String = name
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            // Writing to a text never fails.
            let _ = match person {
                Person::Handle(handle) => writeln!(text, "{id}\t{name}\t{}", handle.as_str()),
                Person::Nobody => writeln!(text, "{id}\t{name}\t{NOBODY}"),
                Person::Open(why) => writeln!(text, "{id}\t{name}\t{OPEN}\t{why}"),
            };
        }
        text
    }

    /// Whoever waits for a decision: old name, and why.
    pub fn undecided(&self) -> impl Iterator<Item = (&str, &Undecided)> {
        self.0.values().filter_map(|(name, person)| match person {
            Person::Open(why) => Some((name.as_str(), why)),
            Person::Handle(_) | Person::Nobody => None,
        })
    }

    /// The handle of an old user; none if they are left out or not decided.
    pub fn handle(&self, user: i64) -> Option<&Handle> {
        match self.0.get(&user) {
            Some((_, Person::Handle(handle))) => Some(handle),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: i64, name: &str) -> User {
        User {
            id,
            name: name.to_owned(),
        }
    }

    #[test]
    fn names_that_can_be_kept_are_and_the_others_wait() {
        let users = [
            user(1, "alice"),
            user(2, "Alice"),
            user(3, "bob@example.org"),
            user(4, "admin"),
        ];
        let people = People::propose(&users);
        assert_eq!(people.handle(1).unwrap().as_str(), "alice");
        let waiting: Vec<_> = people.undecided().map(|(name, _)| name).collect();
        assert_eq!(waiting, ["Alice", "bob@example.org", "admin"]);
        let text = people.to_text();
        let mut read = People::parse(&text).unwrap();
        assert_eq!(read.undecided().count(), 3);
        let text = text.replace("3\tbob@example.org\t?", "3\tbob@example.org\tbob");
        let text = text.replace("2\tAlice\t?", "2\tAlice\t-");
        read = People::parse(&text).unwrap();
        assert_eq!(read.handle(3).unwrap().as_str(), "bob");
        assert_eq!((read.handle(2), read.undecided().count()), (None, 1));
        // Somebody who came later, with a name that was given away.
        let more = read.with(&[user(1, "alice"), user(5, "bob"), user(6, "carol")]);
        assert_eq!(more.handle(5), None);
        assert_eq!(more.handle(6).unwrap().as_str(), "carol");
    }

    #[test]
    fn a_file_that_makes_no_sense_says_where() {
        for (text, line) in [
            ("1\ta\tx\n1\tb\ty", 2),
            ("# x\n\n1\ta\tx\n2\tb\tX", 4),
            ("one\ta\tx", 1),
            ("1 a x", 1),
            ("1\ta\tb@c", 1),
        ] {
            assert_eq!(People::parse(text).unwrap_err().line, line, "{text}");
        }
        assert!(People::parse("\u{feff}").is_err());
    }
}
