//! The web application as people use it, in Chromium.

mod damage;
mod everyday;
mod figures;
mod harness;
mod hostile;
mod person;
mod plain;
mod residue;
mod screens;
mod shared;
mod together;
