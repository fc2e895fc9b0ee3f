//! Sharing: the dialog, who people are, and what is new.

mod add;
pub(crate) mod member;
pub(crate) mod news;
pub(crate) mod offer;
pub(crate) mod panel;
pub(crate) mod safety;
mod scan;
pub(crate) mod words;
