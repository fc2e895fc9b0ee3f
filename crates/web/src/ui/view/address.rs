//! Addresses that may stand in the page.

use reactive_graph::owner::on_cleanup;
use web_sys::{Blob, Url};

use crate::ui::route::Route;

/// Where a link leads: a screen of this application, or a web page that is
/// opened in a tab of its own and learns nothing of this one. Nothing else has
/// a form here: no `javascript:`, no `data:`.
#[derive(Clone)]
pub(crate) struct Address {
    text: String,
    leaves: bool,
}

impl Address {
    /// A screen.
    pub(crate) fn screen(route: &Route) -> Self {
        Self {
            text: route.to_hash(),
            leaves: false,
        }
    }

    /// A web or mail address from something a person wrote.
    pub(crate) fn outside(text: &str) -> Option<Self> {
        let url = Url::new(text.trim()).ok()?;
        let known = ["https:", "http:", "mailto:"].contains(&url.protocol().as_str());
        known.then(|| Self {
            text: url.href(),
            leaves: true,
        })
    }

    /// Bytes of this page, in a tab of their own.
    pub(crate) fn blob(url: &BlobUrl) -> Self {
        Self {
            text: url.0.clone(),
            leaves: true,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) const fn leaves(&self) -> bool {
        self.leaves
    }
}

/// Bytes in this page under an address, for as long as the view that shows
/// them.
#[derive(Clone)]
pub(crate) struct BlobUrl(String);

impl BlobUrl {
    /// Gives a blob an address. Its media type must be one that cannot run.
    pub(crate) fn of(blob: &Blob) -> Option<Self> {
        let url = Url::create_object_url_with_blob(blob).ok()?;
        let gone = url.clone();
        on_cleanup(move || {
            let _ = Url::revoke_object_url(&gone);
        });
        Some(Self(url))
    }

    /// A stream of the application's own service worker.
    pub(crate) fn stream(path: &str) -> Option<Self> {
        path.starts_with('/').then(|| Self(path.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
