//! On what the tests of this suite run: SQLite, unless [`on`] says otherwise
//! for the thread, and whether things go wrong meanwhile.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use sv_backends::sql::{Engine, FreshDatabase, Server};
use sv_server::db::Database;
use sv_server::db::faults::{Fault, Faults, Point};

thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

#[derive(Debug, Clone)]
struct Stage {
    engine: Engine,
    /// A server of the test's own.
    own: Option<Arc<Server>>,
    faults: Option<Arc<Strikes>>,
}

/// Runs a test on an engine, if that is here.
pub(crate) fn on(engine: Engine, test: fn()) {
    play(Stage::of(engine), test);
}

/// Runs a test on a `MariaDB` of its own with some settings, which it may end
/// and start again.
pub(crate) fn on_own(settings: &[&str], test: impl FnOnce(&Server)) {
    let engine = Engine::MariaDb;
    let server = runtime().block_on(async {
        // Says if it is not here.
        engine.fresh().await?;
        Some(Arc::new(Server::start(engine, settings).await))
    });
    let Some(server) = server else { return };
    let stage = Stage {
        own: Some(server.clone()),
        ..Stage::of(engine)
    };
    play(stage, || test(&server));
}

/// For a test that is no future.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Runs a test while everything goes wrong once: it must pass all the same.
pub(crate) fn on_failing(engine: Engine, test: fn()) {
    let faults = Arc::new(Strikes::default());
    let stage = Stage {
        faults: Some(faults.clone()),
        ..Stage::of(engine)
    };
    if play(stage, test) {
        let struck = faults.struck.lock().unwrap().places.len();
        assert!(struck >= 2, "only {struck} things went wrong");
    }
}

impl Stage {
    const fn of(engine: Engine) -> Self {
        Self {
            engine,
            own: None,
            faults: None,
        }
    }
}

fn play(stage: Stage, test: impl FnOnce()) -> bool {
    // Starts it, or says that it is not here.
    if runtime().block_on(stage.engine.fresh()).is_none() {
        return false;
    }
    STAGE.set(Some(stage));
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
    STAGE.set(None);
    if let Err(panic) = played {
        std::panic::resume_unwind(panic);
    }
    true
}

/// A database on the stage's server, with its schema; none for a file.
pub(crate) async fn server_database() -> Option<FreshDatabase> {
    let Stage { engine, own, .. } = STAGE.with_borrow(Clone::clone)?;
    let fresh = match (engine, own) {
        (Engine::Sqlite, _) => return None,
        (_, Some(server)) => server.fresh().await,
        (_, None) => engine.fresh().await.unwrap(),
    };
    Database::migrate(fresh.url()).await.unwrap();
    Some(fresh)
}

/// The database as the stage wants it: whole, or with things going wrong.
pub(crate) fn staged(db: Database) -> Database {
    let faults = STAGE.with_borrow(|stage| stage.as_ref().and_then(|stage| stage.faults.clone()));
    match faults {
        Some(faults) => db.failing(faults),
        None => db,
    }
}

/// What a server may answer to any statement, and what is then to be done
/// again (`engines` in the decision records).
const AGAIN: [Fault; 19] = [
    Fault::Number(1020),
    Fault::Number(1205),
    Fault::Number(1213),
    Fault::Number(1927),
    Fault::Number(3572),
    Fault::Number(8002),
    Fault::Number(8005),
    Fault::Number(8022),
    Fault::Number(8027),
    Fault::Number(8028),
    Fault::Number(8229),
    Fault::Number(9001),
    Fault::Number(9002),
    Fault::Number(9003),
    Fault::Number(9004),
    Fault::Number(9005),
    Fault::Number(9007),
    Fault::Number(1053),
    Fault::Lost,
];

/// Goes wrong once at every statement, and once before and once after every
/// commit that follows another statement than those before; but lets what was
/// struck succeed at the next attempt.
#[derive(Debug, Default)]
struct Strikes {
    struck: Mutex<Struck>,
}

#[derive(Debug, Default)]
struct Struck {
    places: BTreeSet<String>,
    last: String,
    is_next_spared: bool,
    is_spared: bool,
}

impl Faults for Strikes {
    fn strike(&self, point: Point<'_>) -> Option<Fault> {
        let mut struck = self.struck.lock().unwrap();
        let place = match point {
            Point::Begin => {
                struck.is_spared = std::mem::take(&mut struck.is_next_spared);
                "BEGIN".to_owned()
            }
            Point::Statement(sql, _) => {
                sql.clone_into(&mut struck.last);
                short(sql)
            }
            Point::Commit => format!("COMMIT after {}", short(&struck.last)),
            Point::Committed => format!("answer to COMMIT after {}", short(&struck.last)),
        };
        if struck.is_spared || !struck.places.insert(place) {
            return None;
        }
        struck.is_spared = true;
        struck.is_next_spared = point != Point::Committed;
        let turn = struck.places.len() % AGAIN.len();
        AGAIN.get(turn).copied()
    }
}

/// A statement without the number of its rows.
fn short(sql: &str) -> String {
    sql.replace("(?, ", "(").replace("?, ", "")
}
