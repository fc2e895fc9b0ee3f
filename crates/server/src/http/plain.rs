//! HTTP without TLS at a port that speaks TLS: whoever types an address into
//! a browser gets there, and is sent on. Nothing else is answered, since what
//! was sent is already open to the network.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;

use super::listen::HEAD_TIME;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(20);
const EXPLANATION: &str = "This server speaks TLS here: write https:// in place of http://\n";

/// Answers one request.
pub(super) async fn answer(stream: TcpStream, watcher: Watcher) {
    let service = service_fn(|request: Request<_>| {
        let response = respond(&request);
        async { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Broken off or overdue: there is nobody to tell.
    let _ = tokio::time::timeout(PATIENCE, watcher.watch(connection)).await;
}

fn respond<B>(request: &Request<B>) -> Response<Body> {
    let is_look = matches!(*request.method(), Method::GET | Method::HEAD);
    match secure_address(request).filter(|_| is_look) {
        Some(address) => {
            let location = [(header::LOCATION, address)];
            (StatusCode::PERMANENT_REDIRECT, location, EXPLANATION).into_response()
        }
        None => (StatusCode::BAD_REQUEST, EXPLANATION).into_response(),
    }
}

/// The same address with TLS, if the request says which host it meant.
fn secure_address<B>(request: &Request<B>) -> Option<HeaderValue> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let host: Authority = host.parse().ok()?;
    if host.as_str().contains('@') {
        return None;
    }
    let path = request.uri().path_and_query()?;
    format!("https://{host}{path}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, host: Option<&str>) -> Response<Body> {
        let mut request = Request::builder().method(method).uri("/signup?x=1");
        if let Some(host) = host {
            request = request.header("host", host);
        }
        respond(&request.body(()).unwrap())
    }

    #[test]
    fn only_a_look_is_sent_on() {
        let sent = ask("GET", Some("192.168.1.5:8443"));
        assert_eq!(sent.status(), 308);
        assert_eq!(
            sent.headers()["location"],
            "https://192.168.1.5:8443/signup?x=1"
        );
        assert_eq!(ask("POST", Some("192.168.1.5:8443")).status(), 400);
        assert_eq!(ask("GET", None).status(), 400);
        for host in ["a b", "evil@host", "/", ""] {
            assert_eq!(ask("GET", Some(host)).status(), 400, "{host}");
        }
    }
}
