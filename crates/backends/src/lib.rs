//! Real back ends for the tests: database servers of the `MySQL` protocol
//! (`sql`) and an object store (`s3`), each started once and shared by a test
//! process, with a fresh database or bucket for every test.

pub mod s3;
pub mod sql;
