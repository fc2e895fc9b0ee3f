//! The public half of SecureVault: everything that server and client check
//! alike, without holding a secret or touching the outside world.
//!
//! Read [`entry`] for what a log entry is, [`apply`] for when it is valid and
//! [`state`] for what it changes. `docs/spec/` is the normative text.

pub mod apply;
pub mod bootstrap;
pub mod codec;
pub mod digest;
pub mod enc;
pub mod entry;
pub mod genesis;
pub mod handle;
pub mod id;
pub mod limits;
pub mod sealed;
pub mod state;
pub mod unlock;
#[cfg(any(test, feature = "vectors"))]
pub mod vectors;
