//! Where the servers of a test keep what they are given: which database, and
//! which block store.

use std::path::Path;
use std::process::Command;

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
}

/// A stage that is set.
pub struct Backing {
    stage: Stage,
}

impl Backing {
    pub(crate) async fn open(stage: Stage, data: &Path) -> Self {
        std::fs::create_dir(data).expect("a folder");
        Self { stage }
    }

    /// Which it is.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Tells a server's command where everything is.
    pub(crate) fn name_to(&self, _command: &mut Command) {}
}
