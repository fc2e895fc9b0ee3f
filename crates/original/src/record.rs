//! What was moved and handed over, so that the next run goes on from there and
//! moves nothing twice. One record a person, as JSON; where it is kept is up to
//! whoever moves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sv_core::Name;
use sv_ledger::id::{NodeId, VaultId};

use crate::plan::{PlannedItem, Taken};

/// What became of one old user's items.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// One lot as a rule; another one for what came after that was handed over.
    pub lots: Vec<Lot>,
}

/// Items that go together, in a vault of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// The vault, once there is one; noted before it is made.
    #[serde(
        default,
        with = "text_or_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub vault: Option<VaultId>,
    /// The handle of whom it is for.
    pub owner: String,
    /// How far it has come.
    pub stage: Stage,
    /// What is in it, by the old numbers.
    pub items: BTreeMap<i64, Stored>,
}

/// How far a lot has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// It is the mover's, and takes more.
    Open,
    /// It is being handed over: of some of its vaults the mover may be out.
    Leaving,
    /// It is its owner's.
    Over,
}

/// An item of a lot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// What it was called when it came; noted before it is stored.
    pub name: String,
    /// Its node, once it is stored; whatever it is called by now.
    #[serde(
        default,
        with = "text_or_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub node: Option<NodeId>,
    /// That others may read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<ItemShare>,
}

/// An item that others may read: a vault of its own, shown where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemShare {
    /// That vault.
    #[serde(with = "text")]
    pub vault: VaultId,
    /// Their handles, and whether they have access by now; else they have no
    /// account yet.
    pub readers: BTreeMap<String, bool>,
    /// Whether the mover has nothing more to do with it.
    pub is_over: bool,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// What makes no sense in it.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Writes it.
    ///
    /// # Errors
    /// None that a record can cause.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }

    /// The lot that takes more, if there is one.
    pub fn open(&mut self) -> Option<&mut Lot> {
        self.lots.last_mut().filter(|lot| lot.stage == Stage::Open)
    }

    /// What of a plan is in no lot yet.
    pub fn missing<'p>(&self, planned: &'p [PlannedItem]) -> Vec<&'p PlannedItem> {
        let is_stored = |item: &&PlannedItem| {
            let known = self.lots.iter().filter_map(|lot| lot.items.get(&item.id));
            known.into_iter().any(|stored| stored.node.is_some())
        };
        planned.iter().filter(|item| !is_stored(item)).collect()
    }
}

impl Lot {
    /// A lot for somebody, without a vault yet.
    pub const fn new(owner: String) -> Self {
        Self {
            vault: None,
            owner,
            stage: Stage::Open,
            items: BTreeMap::new(),
        }
    }

    /// Notes what each of these items is called here; those that have a name
    /// keep it.
    pub fn name(&mut self, missing: &[&PlannedItem], taken: &mut Taken) {
        for item in missing {
            self.items.entry(item.id).or_insert_with(|| Stored {
                name: item.name(taken).to_string(),
                node: None,
                share: None,
            });
        }
    }

    /// What an item that is to be stored is called.
    pub fn name_of(&self, item: i64) -> Option<Name> {
        let stored = self.items.get(&item)?;
        Name::parse(&stored.name).ok()
    }

    /// What never came is none of it any more.
    pub fn close(&mut self) {
        self.stage = Stage::Over;
        self.items.retain(|_, stored| stored.node.is_some());
    }
}

impl ItemShare {
    /// Readers who have no account yet; none once the mover has nothing more to
    /// do with it.
    pub fn waited_for(&self) -> Vec<String> {
        let waited = self.readers.iter().filter(|(_, has_access)| !**has_access);
        let waited = waited.filter(|_| !self.is_over);
        waited.map(|(reader, _)| reader.clone()).collect()
    }

    /// Whether there are such.
    pub fn waits(&self) -> bool {
        !self.waited_for().is_empty()
    }
}

/// An id as its text.
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<T: Display, S: Serializer>(id: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(from)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The same where there may be none.
mod text_or_none {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(super) fn serialize<T, S>(id: &Option<T>, to: S) -> Result<S::Ok, S::Error>
    where
        T: Display,
        S: Serializer,
    {
        id.as_ref().map(T::to_string).serialize(to)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(from)?;
        let parsed = text.map(|text| text.parse().map_err(de::Error::custom));
        parsed.transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::database::{Item, User};
    use crate::people::People;
    use crate::plan::Plan;

    fn planned(titles: &[&str]) -> Vec<PlannedItem> {
        let users = [User {
            id: 1,
            name: "alice".to_owned(),
        }];
        let item = |(id, title): (i64, &&str)| Item {
            id,
            user_id: 1,
            title: (*title).to_owned(),
            extension: None,
            created_ms: 0,
            token_len: 100,
        };
        let items: Vec<Item> = (1..).zip(titles).map(item).collect();
        let shares = BTreeMap::<i64, BTreeSet<i64>>::new();
        let plan = Plan::new(&users, &items, &shares, &People::propose(&users));
        plan.people.into_iter().flat_map(|m| m.items).collect()
    }

    fn store(lot: &mut Lot, id: i64) {
        lot.items.get_mut(&id).unwrap().node = Some(NodeId::new([id as u8; 16]));
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let mut record = Record::default();
        let mut lot = Lot::new("alice".to_owned());
        lot.vault = Some(VaultId::new([7; 32]));
        lot.name(
            &planned(&["a", "b"]).iter().collect::<Vec<_>>(),
            &mut Taken::default(),
        );
        store(&mut lot, 1);
        lot.items.get_mut(&1).unwrap().share = Some(ItemShare {
            vault: VaultId::new([8; 32]),
            readers: BTreeMap::from([("bob".to_owned(), false)]),
            is_over: false,
        });
        record.lots.push(lot);
        let bytes = record.to_bytes().unwrap();
        assert_eq!(Record::parse(&bytes).unwrap(), record);
        for wrong in ["", "{}x", "{\"lots\": [{\"vault\": \"x\"}]}"] {
            assert!(Record::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_stay_when_rows_go_and_what_is_handed_over_never_comes_again() {
        let all = planned(&["scan", "scan", "scan"]);
        let mut record = Record::default();
        record.lots.push(Lot::new("alice".to_owned()));
        let lot = record.open().unwrap();
        lot.name(&[&all[0], &all[1]], &mut Taken::default());
        assert_eq!(lot.name_of(2).unwrap().as_str(), "scan (2)");
        // The first row is gone from the old database: the second keeps its name.
        let mut taken: Taken = ["scan (2)"].into_iter().collect();
        lot.name(&[&all[1], &all[2]], &mut taken);
        assert_eq!(lot.name_of(2).unwrap().as_str(), "scan (2)");
        assert_eq!(lot.name_of(3).unwrap().as_str(), "scan");
        store(lot, 2);
        let missing = |record: &Record| -> Vec<i64> {
            record.missing(&all).iter().map(|item| item.id).collect()
        };
        assert_eq!(missing(&record), [1, 3]);
        record.open().unwrap().close();
        assert!(record.open().is_none());
        assert_eq!(record.lots[0].items.len(), 1);
        assert_eq!(missing(&record), [1, 3]);
    }
}
