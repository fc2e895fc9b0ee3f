//! HTTP: extract, call one service, map the answer. The routes come from the
//! table of endpoints in `sv_api`.

mod answer;
mod caller;
mod events;
mod health;
mod listen;
mod log;
mod page;
mod pages;
mod peer;
mod plain;
mod route;
mod v1;

use std::any::Any;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Router, http};
use sv_api::ErrorCode;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use answer::Refused;
pub(crate) use listen::serve;
pub use peer::{AddressRange, InvalidRange};

use crate::app::App;

/// How long one request may take as a whole. A block at 50 KiB/s fits.
const REQUEST_TIME: Duration = Duration::from_secs(120);
/// How long a sender may pause within a body.
const PAUSE: Duration = Duration::from_secs(20);
/// Keeps answers from being embedded by other sites.
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Everything the server answers to.
pub fn router(app: App) -> Router {
    let nosniff = fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let no_referrer = fixed(header::REFERRER_POLICY, "no-referrer");
    let own_site = fixed(CORP, "same-origin");
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), log::log))
        .layer(nosniff)
        .layer(no_referrer)
        .layer(own_site)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(hurry))
        .layer(RequestBodyTimeoutLayer::new(PAUSE));
    let api = v1::routes()
        .into_router()
        .merge(health::routes())
        .merge(events::routes())
        .layer(fixed(header::CACHE_CONTROL, "no-store"));
    api.merge(pages::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(layers)
        .with_state(app)
}

/// Gives up a request that takes too long.
async fn hurry(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refused(ErrorCode::Unavailable),
    }
}

async fn not_found(request: Request) -> Response {
    pages::not_found(&request).unwrap_or_else(|| refused(ErrorCode::NotFound))
}

/// Outside the API's own routes; not to be kept either.
fn refused(code: ErrorCode) -> Response {
    let mut response = Refused::from(code).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

/// The panic's own hook has logged where; nothing of it leaves the server.
fn panicked(_: Box<dyn Any + Send>) -> http::Response<axum::body::Body> {
    tracing::error!("a handler panicked");
    refused(ErrorCode::Internal)
}

fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sv_api::endpoint::ENDPOINTS;

    /// An endpoint without a handler fails here.
    #[test]
    fn every_endpoint_has_one_handler() {
        let routes = super::v1::routes();
        let mounted: BTreeSet<_> = routes.mounted().iter().copied().collect();
        let table: BTreeSet<_> = ENDPOINTS
            .iter()
            .map(|e| (e.method.as_str(), e.path))
            .collect();
        assert_eq!(mounted, table);
        assert_eq!(routes.mounted().len(), table.len());
    }
}
