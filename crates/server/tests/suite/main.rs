//! One integration binary: the conformance suites of the ports, and the vault services.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set its stage has to stop"
)]

mod account;
mod append;
mod audit;
mod author;
mod blocks_conformance;
mod collection;
mod database_tls;
mod edge;
mod engines;
mod faults;
mod integrity;
mod moving;
mod pace;
mod quotas;
mod races;
mod schedules;
mod schema;
mod sharing;
mod shipped;
mod stage;
mod store_conformance;
mod uploads;
mod world;
