//! Whether the server runs, and whether it can serve.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sv_api::ErrorCode;

use super::answer::Refused;
use crate::app::App;

/// How long the database may take to answer before the server counts as away.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/healthz/live", get(|| async { "ok\n" }))
        .route("/healthz/ready", get(ready))
        .route("/openapi.json", get(openapi))
}

async fn ready(State(app): State<App>) -> Response {
    let ping = tokio::time::timeout(PATIENCE, app.ping()).await;
    if !app.is_draining() && matches!(ping, Ok(Ok(()))) {
        "ok\n".into_response()
    } else {
        Refused::from(ErrorCode::Unavailable).into_response()
    }
}

async fn openapi() -> Response {
    let headers = [(header::CONTENT_TYPE, sv_api::wire::JSON)];
    (headers, sv_api::openapi::document()).into_response()
}
