//! The web application as people use it, in Chromium.

mod calm;
mod camera;
mod damage;
mod everyday;
mod fernet;
mod figures;
mod ghost;
mod harness;
mod heard;
mod hostile;
mod inside;
mod keyboard;
mod loading;
mod media;
mod panel;
mod person;
mod plain;
mod residue;
mod screens;
mod shared;
mod sharing;
mod together;
