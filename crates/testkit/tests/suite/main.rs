//! Whole stories: real clients against a real server.

mod endure;
mod evil;
mod story;
