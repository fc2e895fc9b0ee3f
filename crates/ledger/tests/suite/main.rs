//! What the ledger promises, attack by attack (`a38_…` is row A38 of the
//! attack table). Every attack first runs the honest log; the comment on each
//! names the check without which it fails. Twenty-six checks, of `apply`, the
//! membership step, the chain, the checkpoint, the leaf element, lengths and
//! signatures, were taken out one at a time, and each time a test failed.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot build its honest log has to stop"
)]

mod fixture;

mod a02_types;
mod a07_suite;
mod a27_older_revision;
mod a29_lying_counts;
mod a35_leaf_lists;
mod a37_forks;
mod a38_replay;
mod bootstrap;
mod digest;
mod forms;
mod generate;
mod model;
mod verdicts;
