//! What a SecureVault client does, without saying where it runs: account
//! flows, a verified replica of a vault, and transfers. Terminal and page are
//! shells around it; they bring a [`port::Platform`] and show what comes back.
//!
//! Flows return step values, not callbacks: a log-in gives
//! [`account::AwaitingCode`], a plan gives conflicts to decide.

pub mod account;
pub mod admin;
pub mod block;
pub mod call;
pub mod drive;
pub mod error;
mod journal;
pub mod path;
pub mod people;
pub mod port;
pub mod progress;
pub mod sharing;
pub mod transfer;
pub mod tree;
pub mod vault;

pub use error::{ClientError, Tamper};
