//! Server-sent events: the heads of the session's vaults as they move.

use axum::Router;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
}
