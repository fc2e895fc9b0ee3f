//! One integration binary: the conformance suites of the ports, and the vault services.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set its stage has to stop"
)]

mod account;
mod append;
mod author;
mod blocks_conformance;
mod collection;
mod engines;
mod integrity;
mod races;
mod schema;
mod stage;
mod store_conformance;
mod uploads;
mod world;
