//! A running server: open, listen, work in the background, stop in order.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::app::{App, OpenError};
use crate::clock::Clock;
use crate::config::Config;
use crate::http;
use crate::metrics;
use crate::tls::{Tls, TlsError};

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
    tls: Option<Tls>,
    metrics_address: Option<SocketAddr>,
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
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
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
        let (listener, address) = listen(&config.listen).await?;
        let metrics = match &config.metrics {
            Some(at) => Some(listen(at).await?),
            None => None,
        };
        let app = App::open(&config, clock).await?;
        let tls = Tls::open(&config.tls, &config.storage.data)?;
        let (metrics, metrics_address) = metrics.unzip();
        let task = tokio::spawn(run(app.clone(), listener, tls.clone(), metrics));
        Ok(Self {
            url: url(&config.listen, address.port(), tls.as_ref()),
            app,
            address,
            tls,
            metrics_address,
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

    /// The same for a client: with TLS for others too, else on this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// TLS, where it is on.
    pub const fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Where it shows its metrics, if it does.
    pub const fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Takes no new work, lets requests under way finish, and closes.
    pub async fn stop(self) {
        self.app.draining().cancel();
        if tokio::time::timeout(DRAIN_TIME, self.task).await.is_err() {
            tracing::warn!("requests were still under way when the server stopped");
        }
        // What was seen and not written down yet.
        if let Err(error) = self.app.vaults().write_accesses(true).await {
            tracing::warn!(%error, "the last downloads could not be written down");
        }
        if let Err(error) = self.app.audit().chain().await {
            tracing::warn!(%error, "the last events wait for their place in the audit log");
        }
        self.app.db().close().await;
    }
}

async fn listen(at: &str) -> Result<(TcpListener, SocketAddr), StartError> {
    let cannot = |error| StartError::Listen(at.to_owned(), error);
    let listener = TcpListener::bind(at).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok((listener, address))
}

fn url(listen: &str, port: u16, tls: Option<&Tls>) -> String {
    let named = match listen.rsplit_once(':') {
        // Passkeys want a name, and an address that means "all" is none.
        Some(("0.0.0.0" | "[::]" | "", _)) | None => None,
        Some((host, _)) => Some(host.to_owned()),
    };
    let Some(tls) = tls else {
        let host = named.unwrap_or_else(|| "localhost".to_owned());
        return format!("http://{host}:{port}");
    };
    let host = match tls.is_self_signed() {
        true => named.or_else(|| tls.host()),
        false => tls.host().or(named),
    };
    let host = match host {
        Some(host) if host.parse::<Ipv6Addr>().is_ok() => format!("[{host}]"),
        Some(host) => host,
        None => "localhost".to_owned(),
    };
    match port {
        443 => format!("https://{host}"),
        _ => format!("https://{host}:{port}"),
    }
}

async fn run(app: App, listener: TcpListener, tls: Option<Tls>, metrics: Option<TcpListener>) {
    let background = tokio::spawn(work(app.clone(), tls.clone(), metrics));
    http::serve(listener, app, tls).await;
    background.abort();
}

/// What the server does on its own, until it is told to stop.
async fn work(app: App, tls: Option<Tls>, metrics: Option<TcpListener>) {
    let renew = async {
        if let Some(tls) = &tls {
            tls.renew_forever().await;
        }
    };
    let show = async {
        if let Some(listener) = metrics {
            metrics::serve(listener, app.metrics().clone()).await;
        }
    };
    let jobs = app.jobs().run_forever(JOBS_INTERVAL, app.metrics());
    let accesses = app.vaults().write_accesses_forever();
    let chain = app.audit().chain_forever();
    let prune = prune_audit_forever(&app);
    tokio::join!(
        jobs,
        expire_forever(&app),
        renew,
        show,
        accesses,
        chain,
        prune
    );
}

async fn prune_audit_forever(app: &App) {
    let Some(keep_ms) = app.audit_keep_ms() else {
        return;
    };
    loop {
        match app.audit().prune(keep_ms).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "the audit log was pruned"),
            Err(error) => tracing::error!(%error, "the audit log could not be pruned"),
        }
        tokio::time::sleep(JOBS_INTERVAL).await;
    }
}

async fn expire_forever(app: &App) {
    loop {
        if let Err(error) = app.accounts().expire().await {
            tracing::error!(%error, "expiry failed");
        }
        tokio::time::sleep(EXPIRY_INTERVAL).await;
    }
}
