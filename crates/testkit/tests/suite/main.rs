//! Whole stories: real clients against a real server.

mod story;
