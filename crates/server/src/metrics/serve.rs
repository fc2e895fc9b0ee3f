//! `/metrics`, on a listener of its own: what it shows is the operator's.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use prometheus_client::encoding::prometheus_text;
use tokio::net::TcpListener;

use super::Metrics;

/// Serves until dropped.
pub(crate) async fn serve(listener: TcpListener, metrics: Metrics) {
    let show = move || {
        let text = render(&metrics);
        async {
            (
                [(header::CONTENT_TYPE, prometheus_text::CONTENT_TYPE)],
                text,
            )
        }
    };
    let router = Router::new().route("/metrics", get(show));
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "metrics are no longer shown");
    }
}

/// Everything, in Prometheus' text format.
pub fn render(metrics: &Metrics) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = prometheus_text::encode(&mut text, metrics.registry());
    text
}
