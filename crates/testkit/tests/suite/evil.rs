//! The evil server (threat model, rows A1 to A40): the real server, whose
//! answers, rows and files a test changes, against the real client.
//!
//! A name `aN_…` is the row of the list of attacks. Each test first shows the
//! honest run, and its comment names the check without which it fails. Samples
//! here; `SV_FULL=1` (`cargo xtask evil`) runs the full size.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a scene that cannot be set up has failed"
)]

mod a01_account_key;
mod a05_same_traffic;
mod a06_stretching;
mod a07_suite;
mod a08_dump;
mod a13_names;
mod a14_insiders;
mod a15_planted_keys;
mod a17_lost_keys;
mod a20_grants;
mod a20_groups;
mod a20_left_keys;
mod a21_blocks;
mod a23_shared_contents;
mod a24_copies;
mod a24_salts;
mod a26_exchange;
mod a29_lies;
mod a29_program;
mod a35_missing;
mod a36_restored;
mod a36_rollback;
mod a37_forks;
mod a38_entries;
mod a39_what_is_told;
mod a40_lengths;
mod a46_mounts;
mod groups;
mod meanwhile;
mod mutants;
mod mutations;
mod phantom;
mod sampling;
pub(crate) mod sharing;
pub(crate) mod stand;
mod world;
