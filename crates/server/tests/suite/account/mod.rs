//! Accounts over the real router: stories, attacks, limits, authorisation.

mod actor;
mod halves;
mod limits;
mod matrix;
mod random_requests;
mod running;
mod second_factor;
mod stories;
mod unlockers;
