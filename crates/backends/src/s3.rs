//! An S3 server in this process: s3s over a temporary folder, with signatures
//! checked, and a switch for everything that goes wrong on a network.

mod objects;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinHandle, JoinSet};

use objects::Objects;

/// The id of the one key that is let in.
const KEY_ID: &str = "test-key";
/// Its secret; a canary for logs too.
const SECRET: &str = "test-secret-5f3a9c";
/// The one bucket.
const BUCKET: &str = "vault";

/// An object store that listens on a free port of this machine.
#[derive(Debug)]
pub struct ObjectStore {
    folder: TempDir,
    address: SocketAddr,
    service: S3Service,
    faults: Arc<Faults>,
    running: Option<JoinHandle<()>>,
}

/// What goes wrong on purpose.
#[derive(Debug, Default)]
struct Faults {
    /// Requests that are still to be refused with 503.
    refusals: AtomicUsize,
    /// Milliseconds that each request waits before it is looked at.
    delay_ms: AtomicU64,
    /// Requests that came.
    requests: AtomicUsize,
}

impl ObjectStore {
    /// Starts one with an empty bucket.
    ///
    /// # Errors
    /// The system's.
    pub async fn start() -> io::Result<Self> {
        let folder = TempDir::new()?;
        std::fs::create_dir(folder.path().join(BUCKET))?;
        let mut builder = S3ServiceBuilder::new(Objects::new(folder.path())?);
        builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let mut store = Self {
            folder,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            service: builder.build(),
            faults: Arc::default(),
            running: None,
        };
        store.restart().await?;
        Ok(store)
    }

    /// Its bucket, as `--blocks` takes it.
    pub fn url(&self) -> String {
        self.url_of("blocks")
    }

    /// The same with another prefix, for stores that are to be apart.
    pub fn url_of(&self, prefix: &str) -> String {
        let address = self.address;
        format!("s3://{BUCKET}/{prefix}?endpoint=http://{address}&region=us-east-1")
    }

    /// The id and the secret of the key that is let in.
    pub const fn credentials(&self) -> (&'static str, &'static str) {
        (KEY_ID, SECRET)
    }

    /// The same as a process takes them.
    pub const fn env(&self) -> [(&'static str, &'static str); 2] {
        [
            ("AWS_ACCESS_KEY_ID", KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ]
    }

    /// The folder that has the objects of the bucket, each in a file of its
    /// key's name: to look at them, and to damage them.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
    }

    /// Refuses the next `count` requests with 503.
    pub fn refuse(&self, count: usize) {
        self.faults.refusals.store(count, Ordering::SeqCst);
    }

    /// Lets every request wait from now on.
    pub fn delay(&self, delay: Duration) {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.faults.delay_ms.store(delay_ms, Ordering::SeqCst);
    }

    /// How many requests have come so far.
    pub fn requests(&self) -> usize {
        self.faults.requests.load(Ordering::SeqCst)
    }

    /// Goes away, in the middle of whatever is under way.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            // It ends by being aborted, which is no success.
            let _ = running.await;
        }
    }

    /// Comes back at the same address, with what was stored.
    ///
    /// # Errors
    /// The system's.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.stop().await;
        let listener = listen(self.address)?;
        self.address = listener.local_addr()?;
        let serving = serve(listener, self.service.clone(), self.faults.clone());
        self.running = Some(tokio::spawn(serving));
        Ok(())
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

/// Connections that were cut keep the port for a while; this takes it again.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(256)
}

/// Its connections end with it.
async fn serve(listener: TcpListener, service: S3Service, faults: Arc<Faults>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (service, faults) = (service.clone(), faults.clone());
        connections.spawn(async move {
            let answer = service_fn(|request| answer(&service, &faults, request));
            // A client that goes away is no failure of ours.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    service: &S3Service,
    faults: &Faults,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    faults.requests.fetch_add(1, Ordering::SeqCst);
    let delay = Duration::from_millis(faults.delay_ms.load(Ordering::SeqCst));
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let refuse = |left: usize| left.checked_sub(1);
    let left = &faults.refusals;
    if left
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuse)
        .is_ok()
    {
        return Ok(bare(StatusCode::SERVICE_UNAVAILABLE));
    }
    let answered = Service::call(service, request).await;
    Ok(answered.unwrap_or_else(|_| bare(StatusCode::INTERNAL_SERVER_ERROR)))
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
