//! Known answers, properties and the attacks of the design's table that the
//! sealed formats must stop. Each attack says which check it needs: with that
//! check removed, it fails.

mod attack_content;
mod attack_keys;
mod attack_separation;
mod commitment;
mod fernet;
mod foreign;
mod known_answers;
mod people;
mod records;
mod registry;
mod sizes;
mod support;
mod vector_files;
mod wycheproof;
