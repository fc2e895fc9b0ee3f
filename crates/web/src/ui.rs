//! The page: every screen.

/// Shows the page in the document's body.
pub(crate) const fn mount() {}
