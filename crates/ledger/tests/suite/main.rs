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
mod a07_content_suite;
mod a07_suite;
mod a12_old_keys;
mod a14_ghosts;
mod a15_planted_keys;
mod a17_recipients;
mod a20_removed_members;
mod a27_older_revision;
mod a29_lying_counts;
mod a35_leaf_lists;
mod a37_forks;
mod a38_replay;
mod bootstrap;
mod chains;
mod digest;
mod forms;
mod generate;
mod membership_model;
mod model;
mod nesting;
mod roles;
mod verdicts;
