//! Accounts, and everything that decides who may use them.

pub(crate) mod account;
pub(crate) mod code;
pub(crate) mod instance;
pub(crate) mod invitation;
pub(crate) mod login;
pub(crate) mod restored;
pub(crate) mod session;
pub(crate) mod signup;
pub(crate) mod throttle;
