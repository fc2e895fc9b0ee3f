//! The rules: who may do what, in which transaction, within which quota.
//! Knows no web framework and no SQL.

pub mod account;
pub mod audit;
mod error;
pub mod events;
pub(crate) mod listeners;
pub mod quota;
pub mod vault;

pub(crate) use error::taken_meanwhile;
pub use error::{Error, Result};
