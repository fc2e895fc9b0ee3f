//! Whole stories: real clients against a real server.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::await_holding_refcell_ref,
    clippy::ptr_arg,
    reason = "a test that cannot be set up has failed; one thread runs each story"
)]

mod access;
mod at_once;
mod browser;
mod endure;
mod evil;
mod figures;
mod moving;
mod page;
mod roles;
mod story;
mod transfers;
