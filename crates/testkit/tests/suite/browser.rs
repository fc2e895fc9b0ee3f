//! The web application as people use it, in Chromium.

mod harness;
