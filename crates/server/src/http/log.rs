//! One line and one count for every request: what was asked for and how it went, never by
//! whom or about what. Routes are logged as templates, so no id shows.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;

pub(super) async fn log(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let (status, took) = (response.status().as_u16(), started.elapsed());
    app.metrics().request(route, &method, status, took);
    tracing::info!(
        method = method.as_str(),
        route,
        status,
        ms = took.as_millis(),
        "request"
    );
    response
}
