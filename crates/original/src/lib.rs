//! What the Django application kept, as this program needs it to move it: who
//! its users were, which Fernet tokens with which keys they had, and who read
//! whose.
//!
//! [`database`] reads the old tables and nothing else; [`plan`] decides, from
//! their rows alone, which files and notes become of them, and who else could
//! read each; [`people`] who of them is who here; [`record`] knows what was moved
//! and handed over. What is in a row is a stranger's: names are made harmless,
//! lengths are limited, and a token that does not open is reported and left.

pub mod database;
pub mod people;
pub mod plan;
pub mod record;

pub use database::{Database, DatabaseError, Item, ItemError, User};
pub use people::{InvalidMap, People, Person, Undecided};
pub use plan::{Moving, Plan, PlannedItem, Taken};
pub use record::{ItemShare, Lot, Record, Stage, Stored};
