//! On what the tests of this suite run: SQLite, unless [`on`] says otherwise
//! for the thread, and whether things go wrong meanwhile.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use sv_backends::sql::{Engine, FreshDatabase};
use sv_server::db::Database;
use sv_server::db::faults::{Fault, Faults, Point};

thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

#[derive(Debug, Clone)]
struct Stage {
    engine: Engine,
    faults: Option<Arc<Strikes>>,
}

/// Runs a test on an engine, if that is here.
pub(crate) fn on(engine: Engine, test: fn()) {
    play(engine, None, test);
}

/// Runs a test while everything goes wrong once: it must pass all the same.
pub(crate) fn on_failing(engine: Engine, test: fn()) {
    let faults = Arc::new(Strikes::default());
    if play(engine, Some(faults.clone()), test) {
        let struck = faults.struck.lock().unwrap().places.len();
        assert!(struck >= 2, "only {struck} things went wrong");
    }
}

fn play(engine: Engine, faults: Option<Arc<Strikes>>, test: fn()) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // Starts it, or says that it is not here.
    if runtime.block_on(engine.fresh()).is_none() {
        return false;
    }
    STAGE.set(Some(Stage { engine, faults }));
    let played = std::panic::catch_unwind(test);
    STAGE.set(None);
    if let Err(panic) = played {
        std::panic::resume_unwind(panic);
    }
    true
}

/// A database on the stage's server, with its schema; none for a file.
pub(crate) async fn server_database() -> Option<FreshDatabase> {
    let engine = STAGE.with_borrow(|stage| stage.as_ref().map(|stage| stage.engine))?;
    if engine == Engine::Sqlite {
        return None;
    }
    let fresh = engine.fresh().await.unwrap();
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
            Point::Statement(sql) => {
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
