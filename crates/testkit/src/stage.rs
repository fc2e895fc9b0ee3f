//! Where the servers of a test keep what they are given: which database, and
//! which block store.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sv_backends::s3::ObjectStore;
pub use sv_backends::sql::Engine;
use sv_backends::sql::{FreshDatabase, Server};

use crate::dice::Dice;
use crate::scale::scaled;

/// A block store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// Files in the data folder.
    Files,
    /// Rows of the database.
    Database,
    /// Objects in a bucket.
    S3,
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
    pub const ONE_FOLDER: Self = Self::new(Engine::Sqlite, Store::Files);

    /// A database and a block store.
    pub const fn new(engine: Engine, store: Store) -> Self {
        Self { engine, store }
    }

    /// What several servers keep together: a database on a server, or a file
    /// where there is none here, and objects.
    pub fn together() -> Self {
        let servers = [Engine::External, Engine::MariaDb, Engine::MySql];
        let here = servers.into_iter().find(|engine| engine.is_here().is_ok());
        Self::new(here.unwrap_or(Engine::Sqlite), Store::S3)
    }

    /// Every database that is here with every block store; of a database that
    /// somebody else runs, in a sample, rows alone.
    pub fn matrix() -> Vec<Self> {
        let stores = [Store::Files, Store::Database, Store::S3];
        let mut stages = Vec::new();
        for engine in Engine::ALL {
            match engine.is_here() {
                Ok(()) => stages.extend(stores.map(|store| Self::new(engine, store))),
                Err(lack) => {
                    if engine != Engine::External {
                        crate::skip(&format!("the stages on {}: {lack}", engine.name()));
                    }
                }
            }
        }
        let is_spare =
            |stage: &Self| stage.engine == Engine::MySql && stage.store != Store::Database;
        if !scaled(false, true) {
            stages.retain(|stage| !is_spare(stage));
        }
        stages
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = match self.store {
            Store::Files => "files",
            Store::Database => "rows",
            Store::S3 => "S3",
        };
        write!(f, "{} and {store}", self.engine.name())
    }
}

/// A stage that is set.
pub struct Backing {
    stage: Stage,
    // Before its server: it is dropped on it.
    database: Option<FreshDatabase>,
    /// One of this test's own, which it may restart.
    server: Option<Server>,
    objects: Option<ObjectStore>,
}

impl Backing {
    /// Sets a stage. With `is_own`, nobody shares its database server.
    pub(crate) async fn open(stage: Stage, is_own: bool, data: &Path) -> Self {
        let Stage { engine, store } = stage;
        if engine == Engine::Sqlite || store == Store::Files {
            std::fs::create_dir(data).expect("a folder");
        }
        let is_process = matches!(engine, Engine::MariaDb | Engine::MySql);
        let server = match is_own && is_process {
            true => Some(Server::start(engine, &[]).await),
            false => None,
        };
        let database = match (&server, engine) {
            (Some(server), _) => Some(server.fresh().await),
            (None, Engine::Sqlite) => None,
            (None, _) => engine.fresh().await,
        };
        let objects = match store {
            Store::S3 => Some(ObjectStore::start().await.expect("an object store")),
            Store::Files | Store::Database => None,
        };
        Self {
            stage,
            database,
            server,
            objects,
        }
    }

    /// Which it is.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Tells a server's command where everything is.
    pub(crate) fn name_to(&self, command: &mut Command) {
        if let Some(database) = &self.database {
            command.args(["--database", database.url()]);
        }
        if self.stage.store == Store::Database {
            command.args(["--blocks", "db://"]);
        }
        if let Some(objects) = &self.objects {
            command
                .args(["--blocks", &objects.url()])
                .envs(objects.env());
        }
    }

    pub(crate) async fn restart_database(&self) -> Option<&'static str> {
        self.server.as_ref()?.restart().await;
        Some("kill -9 of the database")
    }

    pub(crate) async fn cut_connections(&self) -> Option<&'static str> {
        self.database.as_ref()?.break_connections().await;
        Some("every connection to the database cut")
    }

    pub(crate) async fn trouble_blocks(&mut self, dice: &mut Dice) -> Option<&'static str> {
        let objects = self.objects.as_mut()?;
        if dice.chance(50) {
            objects.refuse(1 + dice.below(10));
            return Some("requests refused by the object store");
        }
        objects.stop().await;
        tokio::time::sleep(Duration::from_millis(dice.below(700) as u64)).await;
        objects.restart().await.expect("the object store");
        Some("the object store away")
    }
}
