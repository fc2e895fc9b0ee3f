//! Vaults with more than one member: who may do what, by which way, until
//! when; over the services and over the router.

pub(crate) mod ahead;
pub(crate) mod bounds;
pub(crate) mod matrix;
pub(crate) mod signer;
pub(crate) mod stories;
mod tokens;
