//! Rows of the database, changed under a server that runs.

use std::collections::BTreeSet;

use sv_testkit::{Database, Dice, Row, TestServer, Value};

use super::scenes::{Outcome, Scene};
use crate::evil::mutations::{changed_values, undo};

/// Tables that a session reads, each as often as it stands here.
const TABLES: [&str; 10] = [
    "bodies", "bodies", "entries", "entries", "leaves", "blocks", "contents", "vaults", "members",
    "sessions",
];

/// A scene on a server whose rows are changed.
pub(super) struct Rows<'s> {
    database: Database,
    scene: &'s Scene,
}

impl<'s> Rows<'s> {
    pub(super) async fn of(server: &TestServer, scene: &'s Scene) -> Self {
        Self {
            database: server.database().await,
            scene,
        }
    }

    /// Changes one row, has somebody look, and puts it back. `None` if the
    /// table does not take the change.
    pub(super) async fn try_one(&mut self, dice: &mut Dice) -> Option<(String, Outcome)> {
        let table = *dice.pick(&TABLES)?;
        let rows = self.database.rows(table).await;
        let old = dice.pick(&rows)?.clone();
        let (what, new) = change(&old, &rows, dice)?;
        let outcome = self.look_at(&old, new.as_ref()).await?;
        Some((format!("{table}.{what}"), outcome))
    }

    /// Puts every entry into the log of every other vault that has a place for
    /// it, one after the other.
    pub(super) async fn misplace_entries(&mut self) -> Vec<(String, Outcome)> {
        let entries = self.database.rows("entries").await;
        let vaults: BTreeSet<&[u8]> = entries.iter().map(|e| e.blob("vault_id")).collect();
        let mut outcomes = Vec::new();
        for old in &entries {
            for vault in &vaults {
                let new = old.with("vault_id", Value::Blob(vault.to_vec()));
                if let Some(outcome) = self.look_at(old, Some(&new)).await {
                    let seq = old.value("seq");
                    outcomes.push((format!("entry {seq:?} elsewhere"), outcome));
                }
            }
        }
        outcomes
    }

    /// Has somebody look while one row is another, or gone. `None` if it is the
    /// same, or the table does not take it.
    async fn look_at(&mut self, old: &Row, new: Option<&Row>) -> Option<Outcome> {
        match new {
            Some(new) if new == old => return None,
            Some(new) => {
                if !self.database.replace(old, new).await {
                    return None;
                }
            }
            None => self.database.remove(old).await,
        }
        let device = self.scene.live();
        let outcome = self.scene.judge(&device).await;
        match new {
            Some(new) => undo(&mut self.database, new, old).await,
            None => assert!(self.database.add(old).await),
        }
        Some(outcome)
    }
}

/// The row gone, with another value in a column, or with another row's.
fn change(old: &Row, rows: &[Row], dice: &mut Dice) -> Option<(String, Option<Row>)> {
    if dice.chance(15) {
        return Some(("row".to_owned(), None));
    }
    let (column, value) = dice.pick(&old.columns)?;
    let others = changed_values(value, dice);
    let new = match dice.chance(50) {
        true => dice.pick(&others)?.clone(),
        false => dice.pick(rows)?.value(column).clone(),
    };
    Some((column.clone(), Some(old.with(column, new))))
}
