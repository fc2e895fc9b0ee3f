//! A running server: open, listen, work in the background, stop in order.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::app::{App, OpenError};
use crate::clock::Clock;
use crate::config::Config;
use crate::http;

/// How long requests under way may take after the server was told to stop.
const DRAIN_TIME: Duration = Duration::from_secs(20);
/// How often short-lived rows are forgotten.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);
/// How often blocks are collected and logs pruned.
const JOBS_INTERVAL: Duration = Duration::from_secs(15 * 60);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    app: App,
    address: SocketAddr,
    url: String,
    task: JoinHandle<()>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Database or key.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The address is taken, or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(String, #[source] std::io::Error),
}

impl Server {
    /// Opens everything and listens.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_at(config, Clock::system()).await
    }

    /// The same by another clock.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start_at(config: Config, clock: Clock) -> Result<Self, StartError> {
        let cannot = |error| StartError::Listen(config.listen.clone(), error);
        let listener = TcpListener::bind(&config.listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let app = App::open(&config, clock).await?;
        let task = tokio::spawn(run(app.clone(), listener));
        let host = match config.listen.rsplit_once(':') {
            // Passkeys want a name, and an address that means "all" is none.
            Some(("0.0.0.0" | "[::]" | "", _)) | None => "localhost",
            Some((host, _)) => host,
        };
        Ok(Self {
            url: format!("http://{host}:{}", address.port()),
            app,
            address,
            task,
        })
    }

    /// Its services.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same for a client on this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes no new work, lets requests under way finish, and closes.
    pub async fn stop(self) {
        self.app.draining().cancel();
        if tokio::time::timeout(DRAIN_TIME, self.task).await.is_err() {
            tracing::warn!("requests were still under way when the server stopped");
        }
        self.app.db().close().await;
    }
}

async fn run(app: App, listener: TcpListener) {
    let background = tokio::spawn(work(app.clone()));
    http::serve(listener, app).await;
    background.abort();
}

/// What the server does on its own, until it is told to stop.
async fn work(app: App) {
    tokio::join!(app.jobs().run_forever(JOBS_INTERVAL), expire_forever(&app));
}

async fn expire_forever(app: &App) {
    loop {
        if let Err(error) = app.accounts().expire().await {
            tracing::error!(%error, "expiry failed");
        }
        tokio::time::sleep(EXPIRY_INTERVAL).await;
    }
}
