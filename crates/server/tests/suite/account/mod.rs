//! Accounts over the real router: stories, attacks, limits, authorisation.

pub(crate) mod actor;
mod limits;
mod matrix;
mod random_requests;
mod running;
mod second_factor;
mod stories;
mod unlockers;
