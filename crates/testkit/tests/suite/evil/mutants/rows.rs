//! Rows of the database, changed under a server that runs.

use sv_testkit::{Database, Dice, Row, TestServer};

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
        match &new {
            Some(new) if *new == old => return None,
            Some(new) => {
                if !self.database.replace(&old, new).await {
                    return None;
                }
            }
            None => self.database.remove(&old).await,
        }
        let device = self.scene.live();
        let outcome = self.scene.judge(&device).await;
        match &new {
            Some(new) => undo(&mut self.database, new, &old).await,
            None => assert!(self.database.add(&old).await),
        }
        Some((format!("{table}.{what}"), outcome))
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
