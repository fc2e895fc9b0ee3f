//! The page: every screen.

/// Shows the page in the document's body.
pub(crate) fn mount() {
    leptos::mount::mount_to_body(|| ());
}
