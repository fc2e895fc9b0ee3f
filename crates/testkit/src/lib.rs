//! Actors for tests: a real server in process, real clients over real
//! sockets, and between them a network that the test may turn hostile. Or the
//! real programs: a server process that can be killed, and the command line.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod actor;
mod authenticator;
mod browser;
mod canary;
mod clock;
mod daemon;
mod database;
mod dice;
mod files;
mod insider;
mod liar;
mod listener;
mod network;
mod platform;
mod process;
mod programs;
mod proxy;
mod running;
mod scale;
mod server;
mod stage;
mod tap;
mod terminal;

pub use actor::{Actor, Host, PASSWORD, get, one_time_code, put};
pub use browser::{Browser, Element, Key, Name, Page, Profile, Screen};
pub use canary::Canaries;
pub use clock::TestClock;
pub use daemon::{Checked, Daemon, Newcomer, Wrapper};
pub use database::{Database, Row, Value};
pub use dice::Dice;
pub use files::{ContentTarget, MemoryFiles, MemoryTarget, dated_file, file, folder};
pub use insider::{Dump, Insider, Opened, claimed_leaves};
pub use liar::{Answer, Liar};
pub use listener::Listener;
pub use network::{Exchange, Held, Network, Recording, fits};
pub use platform::{MemoryStorage, TestPlatform, TestRandom};
pub use process::{Aim, Ambush, BlockWatch, Toll, files_below, peak_memory, toll};
pub use proxy::{Proxy, Trouble};
pub use scale::{scaled, skip};
pub use server::{Snapshot, TakenBackup, TestServer};
pub use stage::{Backing, Engine, Stage, Store};
pub use tap::Tap;
pub use terminal::{Ran, Terminal, expect_same_tree};

/// Runs a test's future on one thread, as a shell would.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    // Set RUST_LOG to see what the server says.
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_test_writer()
        .try_init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(test)
}
