//! Accounts over the real router: stories, attacks, limits, authorisation.

pub(crate) mod actor;
pub(crate) mod admin;
pub(crate) mod deletion;
pub(crate) mod halves;
pub(crate) mod limits;
pub(crate) mod matrix;
pub(crate) mod page;
pub(crate) mod random_requests;
pub(crate) mod running;
pub(crate) mod second_factor;
pub(crate) mod stories;
pub(crate) mod unlockers;
