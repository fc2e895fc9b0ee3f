//! The public half of SecureVault: everything that server and client check
//! alike, without holding a secret or touching the outside world.
//!
//! Read [`entry`] and [`membership_op`] for what a log entry is, [`apply`] for
//! when it is valid, [`state`] and [`membership`] for what it changes, and
//! [`principals`] for vaults that are members of others. `docs/spec/` is the
//! normative text.

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
pub mod membership;
pub mod membership_op;
pub mod principals;
pub mod sealed;
pub mod state;
pub mod unlock;
#[cfg(any(test, feature = "vectors"))]
pub mod vectors;
