//! The accept loop: HTTP/1.1 on TCP, or on TLS. A sender that dawdles over its
//! greeting or its headers is cut off, and there is a limit to connections, so
//! that neither uses up the server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use super::plain;
use crate::app::App;
use crate::metrics::Held;
use crate::tls::{Greeting, Tls};

/// Connections at once.
const CONNECTIONS: usize = 4096;
/// How long a request's head may take.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Browsers come back by TLS alone. Not said with a self-signed certificate:
/// they would then let nobody past their warning.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");
/// Pause after the system refused a connection, for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What every connection is served with.
#[derive(Clone)]
struct Service {
    app: App,
    router: Router,
    tls: Option<Tls>,
}

/// One connection, as long as it counts as one.
struct Place {
    peer: SocketAddr,
    watcher: Watcher,
    _permit: OwnedSemaphorePermit,
    _counted: Held,
}

/// Serves until the app drains, and then until the last request is done.
pub(crate) async fn serve(listener: TcpListener, app: App, tls: Option<Tls>) {
    let service = Service {
        router: super::router(app.clone()),
        app: app.clone(),
        tls,
    };
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = GracefulShutdown::new();
    loop {
        let next = async {
            let permit = permits.clone().acquire_owned().await.ok()?;
            Some((listener.accept().await, permit))
        };
        let (accepted, permit) = tokio::select! {
            () = app.draining().cancelled() => break,
            next = next => match next {
                Some(next) => next,
                None => break,
            },
        };
        match accepted {
            Ok((stream, peer)) => {
                let place = Place {
                    peer,
                    watcher: connections.watcher(),
                    _permit: permit,
                    _counted: app.metrics().connection(),
                };
                tokio::spawn(service.clone().welcome(stream, place));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

impl Service {
    /// Greets a connection and serves it. That a client broke it off is no news.
    async fn welcome(self, stream: TcpStream, place: Place) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let Some(tls) = &self.tls else {
            return self.converse(stream, place, None).await;
        };
        let hsts = (!tls.is_self_signed()).then_some(HSTS);
        let greeting = tokio::select! {
            () = self.app.draining().cancelled() => return,
            greeting = tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)) => greeting,
        };
        match greeting {
            Ok(Ok(Greeting::Encrypted(stream))) => self.converse(*stream, place, hsts).await,
            Ok(Ok(Greeting::Plain(stream))) => plain::answer(stream, place.watcher).await,
            Ok(Ok(Greeting::Done)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn converse<S>(self, stream: S, place: Place, hsts: Option<HeaderValue>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (router, peer) = (self.router, place.peer);
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let (answer, hsts) = (router.clone().oneshot(request), hsts.clone());
            async move {
                let mut response: Response = answer.await?;
                if let Some(hsts) = hsts {
                    let headers = response.headers_mut();
                    headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts);
                }
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = place.watcher.watch(connection).await {
            tracing::debug!(%error, "connection");
        }
    }
}
