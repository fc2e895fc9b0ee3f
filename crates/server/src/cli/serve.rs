//! `securevaultd serve`.

use std::io::{IsTerminal, Write};

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use sv_api::account::SignupPolicy;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::Failure;
use crate::config::Config;
use crate::ephemeral;
use crate::server::{Server, StartError};
use crate::tls::Tls;

/// Prints a line. Whoever started the server may have stopped reading, which
/// is no reason to stop serving.
macro_rules! say {
    ($($part:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($part)*);
    }};
}

pub(super) async fn run(config: Config) -> Result<(), Failure> {
    start_logging();
    refuse_to_forget(&config)?;
    let (policy, storage) = (config.signup, config.storage.clone());
    let server = Server::start(config).await.map_err(|error| match error {
        StartError::Open(error) => error.into(),
        StartError::Listen(..) | StartError::Tls(_) => Failure::failed(error),
    })?;
    say!("listening on {}", server.url());
    if let Some(address) = server.metrics_address() {
        say!("metrics on http://{address}/metrics");
    }
    if let Some(tls) = server.tls().filter(|tls| tls.is_self_signed()) {
        introduce(&server, tls);
    }
    if storage.key_is_in_data() {
        tracing::warn!(
            "the key file lies in the data folder: whoever copies the folder has both. \
             Move it and name it with --key-file"
        );
    }
    if policy == SignupPolicy::Invite {
        invite_first(&server).await?;
    }
    until_told().await.map_err(Failure::failed)?;
    tracing::info!("stopping");
    server.stop().await;
    Ok(())
}

/// What people on this network need to reach the server and to know that
/// they did.
fn introduce(server: &Server, tls: &Tls) {
    if let Some(about) = tls.certificate() {
        say!("certificate fingerprint: {}", about.fingerprint);
        say!("  browsers show a warning, and this under the certificate's details: compare it");
        say!(
            "  securevault signup --server {} --fingerprint {}",
            server.url(),
            about.fingerprint
        );
    }
    // Of no use to whoever reads a log.
    if std::io::stdout().is_terminal()
        && let Ok(code) = QrCode::new(server.url())
    {
        say!("{}", drawn(&code).trim_end());
    }
}

/// By colours of its own, so that a phone can read it on any terminal.
fn drawn(code: &QrCode) -> String {
    let drawn = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build();
    let lines = drawn.lines();
    lines
        .map(|line| format!("\u{1b}[97;40m{line}\u{1b}[0m\n"))
        .collect()
}

/// Nothing is made, and no invitation printed, where it would be lost.
fn refuse_to_forget(config: &Config) -> Result<(), Failure> {
    let found = ephemeral::find(&config.storage);
    if let Some(place) = found.iter().find(|f| f.is_refused(config.ephemeral)) {
        return Err(Failure::refused(format!("{place}. {}", place.advice())));
    }
    for place in found {
        tracing::warn!("{place}. {}", place.advice());
    }
    Ok(())
}

async fn invite_first(server: &Server) -> Result<(), Failure> {
    let accounts = server.app().accounts();
    if let Some(code) = accounts.invite_first_administrator().await? {
        say!("invitation for the first administrator, for one sign-up within a day: {code}");
        say!("  {}/signup#invite={code}", server.url());
    }
    Ok(())
}

/// `SECUREVAULT_LOG` filters as `info` or `sv_server=debug`;
/// `SECUREVAULT_LOG_FORMAT=json` is for collectors.
fn start_logging() {
    let filter = EnvFilter::try_from_env("SECUREVAULT_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let is_json = std::env::var("SECUREVAULT_LOG_FORMAT").is_ok_and(|format| format == "json");
    // Fails only where logging was started before.
    let _ = match is_json {
        true => builder.json().try_init(),
        false => builder.try_init(),
    };
}

async fn until_told() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
