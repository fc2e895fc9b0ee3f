//! Stories of people at a terminal: the real client against the real server,
//! over a socket, each in a world of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set its stage has to stop"
)]

mod account;
mod fernet;
mod files;
mod hostile;
mod interrupted;
mod keyring;
mod manual;
mod mounts;
mod original;
mod pinned;
mod restored;
mod scripts;
mod sharing;
mod versions;
mod world;
