//! Actors for tests: a real server in process, real clients over real
//! sockets, and between them a network that the test may turn hostile.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod actor;
mod clock;
mod database;
mod files;
mod network;
mod platform;
mod server;

pub use actor::{Actor, PASSWORD, get, put};
pub use clock::TestClock;
pub use database::{Database, Row, Value};
pub use files::{MemoryFiles, MemoryTarget, file, folder};
pub use network::{Exchange, Network, Recording, fits};
pub use platform::{MemoryStorage, TestPlatform};
pub use server::{Snapshot, TestServer};

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
