//! Interim.
use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::dice::Dice;

/// A database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file in the data folder.
    Sqlite,
}

/// A block store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// Files in the data folder.
    Files,
}

/// A database and a block store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// The database.
    pub engine: Engine,
    /// The block store.
    pub store: Store,
}

impl Stage {
    /// Everything in the data folder.
    pub const ONE_FOLDER: Self = Self {
        engine: Engine::Sqlite,
        store: Store::Files,
    };

    /// What several servers keep together.
    pub fn together() -> Self {
        Self::ONE_FOLDER
    }

    /// Every database with every block store.
    pub fn matrix() -> Vec<Self> {
        vec![Self::ONE_FOLDER]
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} × {:?}", self.engine, self.store)
    }
}

/// A stage that is set.
pub struct Backing {
    stage: Stage,
}

impl Backing {
    pub(crate) async fn open(stage: Stage, _is_own: bool, data: &Path) -> Self {
        std::fs::create_dir(data).expect("a folder");
        Self { stage }
    }

    /// Which it is.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Tells a server's command where everything is.
    pub(crate) fn name_to(&self, _command: &mut Command) {}

    pub(crate) async fn restart_database(&self) -> Option<&'static str> {
        None
    }

    pub(crate) async fn cut_connections(&self) -> Option<&'static str> {
        None
    }

    pub(crate) async fn trouble_blocks(&mut self, _dice: &mut Dice) -> Option<&'static str> {
        None
    }
}
