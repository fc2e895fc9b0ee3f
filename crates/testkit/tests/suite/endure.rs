//! What holds under load, violence and time: devices at once, kills, damage,
//! full disks, memory, and what can be read where nothing should be. A sample
//! of each; `cargo xtask endure --full` runs the full sizes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set its stage has to stop"
)]

mod canaries;
mod converge;
mod damage;
mod kill_client;
mod kill_server;
mod matrix;
mod memory;
mod model;
mod refusals;
mod seen;
mod soak;
mod together;
