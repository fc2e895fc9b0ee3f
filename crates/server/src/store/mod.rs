//! The rows of the database, and the statements that read and write them.
//! One file a table; no rules here, and no transaction is begun or ended.

pub mod accesses;
pub mod accounts;
pub mod audit;
pub mod block_parts;
pub mod blocks;
pub mod bodies;
pub mod contents;
pub mod entries;
pub mod envelopes_ahead;
pub mod garbage;
pub mod leases;
pub mod leaves;
pub mod members;
pub mod named_vaults;
pub mod quotas;
pub mod references;
pub mod remains;
pub mod removed_vaults;
pub mod reservations;
pub mod vaults;

/// A stored value that this crate wrote and can no longer read.
pub(crate) const fn corrupt(expected: &'static str) -> crate::db::Error {
    crate::db::Error::Corrupt(expected)
}
