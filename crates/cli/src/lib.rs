//! SecureVault's command line, as a library: the native platform for every
//! program that is not a web page, and the commands.
//!
//! [`platform`] says how a client reaches sockets, files and keys; [`command`]
//! what a person can type. What an account or a vault *is*, [`sv_client`]
//! knows.

pub mod ask;
pub mod command;
pub mod context;
pub mod device;
pub mod failure;
pub mod human;
pub mod local;
pub mod output;
pub mod platform;
pub mod progress;
pub mod reach;
pub mod reveal;
pub mod sheet;
pub mod view;
