//! What a browser is shown: the pages and files that `build.rs` prepared, in
//! the program itself. They are the same for everybody and hold no secret, so
//! they may be compressed and cached; nothing of that goes for the API.

mod accept;
mod asset;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;

use crate::app::App;
use asset::{Asset, Variant};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Scripts and styles are files of this server, nothing is inline, nothing
/// goes to anybody else, and nobody frames the pages. Text becomes script
/// nowhere: the one policy that makes addresses of scripts is `boot.js`'s.
/// What files hold is shown from `blob:`, which only pictures and media may.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; \
    connect-src 'self'; worker-src 'self'; manifest-src 'self'; frame-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types securevault";

/// The camera reads QR codes; nothing else of a device is wanted.
const PERMISSIONS: &str = "camera=(self), accelerometer=(), display-capture=(), geolocation=(), \
    gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

/// The page for what is not there.
const NOT_FOUND: &str = "not-found.html";

pub(super) fn routes() -> Router<App> {
    let mut router = Router::new().route("/assets/{name}", get(hashed));
    let is_named = |asset: &&Asset| !asset.is_hashed && asset.name != NOT_FOUND;
    for asset in ASSETS.iter().filter(is_named) {
        let show = move |headers: HeaderMap| async move { asset.respond(&headers) };
        router = router.route(asset.address, get(show));
    }
    router.layer(map_response(async |response| guard(response)))
}

/// For somebody who followed a link: a screen of the web application, or a page
/// that says that nothing is there. A program is told in its own format.
pub(super) fn not_found(request: &Request) -> Option<Response> {
    let (path, headers) = (request.uri().path(), request.headers());
    let is_look = matches!(*request.method(), Method::GET | Method::HEAD);
    let accepts = headers.get(header::ACCEPT)?.to_str().ok()?;
    if !is_look || path.starts_with("/v1/") || !accepts.contains("text/html") {
        return None;
    }
    if let Some(app) = app().filter(|_| is_screen(path)) {
        return Some(guard(app.respond(headers)));
    }
    let page = ASSETS.iter().find(|asset| asset.name == NOT_FOUND)?;
    let mut response = page.respond_whole(request.headers());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Some(guard(response))
}

/// The page of the web application, where it was built in: its service worker
/// is among the files then.
fn app() -> Option<&'static Asset> {
    let named = |name| ASSETS.iter().find(|asset| asset.name == name);
    named("sw.js").and_then(|_| named("index.html"))
}

/// Whether a path may be a screen's. Those of files are not, nor are those that
/// the service worker answers: without it there is nothing.
fn is_screen(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    !last.contains('.')
        && !["/assets/", "/vault/"]
            .iter()
            .any(|one| path.starts_with(one))
}

async fn hashed(request: Request) -> Response {
    let path = request.uri().path();
    let mut hashed = ASSETS.iter().filter(|asset| asset.is_hashed);
    match hashed.find(|asset| asset.address == path) {
        Some(asset) => asset.respond(request.headers()),
        None => super::not_found(request).await,
    }
}

/// What the pages may do, and that other sites get nothing of them.
fn guard(mut response: Response) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY.as_str(), POLICY),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("permissions-policy", PERMISSIONS),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_streams_are_no_screens() {
        for screen in [
            "/login",
            "/files/AAAAAAAAAAAAAAAAAAAAAA",
            "/settings/sessions",
            "/files/",
        ] {
            assert!(is_screen(screen), "{screen}");
        }
        for other in [
            "/favicon.ico",
            "/assets/old",
            "/vault/1/a",
            "/files/a.b",
            "/.well-known",
        ] {
            assert!(!is_screen(other), "{other}");
        }
    }
}
