//! Real back ends for the tests: database servers of the `MySQL` protocol
//! (`sql`) and an object store (`s3`), each started once and shared by a test
//! process, with a fresh database or bucket for every test.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

pub mod s3;
mod skip;
pub mod sql;

pub use skip::skip;
