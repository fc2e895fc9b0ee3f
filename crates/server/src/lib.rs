//! The SecureVault server: it keeps signed logs, sealed records and sealed
//! blocks, decides who may read and write them, and can open none of them.
//!
//! A request goes `http` → `service` → `store` and `blocks`; `db` is the one
//! place that knows a database engine.

pub mod app;
pub mod backup;
pub mod blocks;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod ephemeral;
pub mod http;
pub mod jobs;
pub mod metrics;
mod mounts;
pub mod moving;
pub mod random;
pub mod secrets;
pub mod server;
pub mod service;
pub mod store;
pub mod tls;
