//! Server-sent events (WHATWG HTML §9.2): the heads of the session's vaults,
//! all at first and then each as it moves. What a slow listener missed is
//! made up for by all heads again.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::channel::mpsc;
use futures::{SinkExt, Stream};
use sv_api::Base64;
use sv_api::endpoint::EVENTS_PATH;
use sv_api::vault::VaultHead;
use tokio::sync::broadcast::error::RecvError;

use super::route::Caller;
use crate::app::App;
use crate::service::Result;
use crate::service::account::session::{Full, Session};
use crate::service::vault::Change;

/// How often a comment shows that the connection lives, and the session is
/// looked at again.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Events that may wait for a slow connection.
const WAITING: usize = 64;

pub(super) fn routes() -> Router<App> {
    Router::new().route(EVENTS_PATH, get(events))
}

async fn events(State(app): State<App>, headers: HeaderMap) -> Response {
    match Session::<Full>::identify(&app, &headers).await {
        Ok(session) => Sse::new(stream(app, session))
            .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
            .into_response(),
        Err(refused) => refused.into_response(),
    }
}

type Sender = mpsc::Sender<Result<Event, Infallible>>;

fn stream(app: App, session: Session<Full>) -> impl Stream<Item = Result<Event, Infallible>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        // Ends with the session, the connection, the server or the database.
        if let Err(error) = tell(&app, &session, sender).await {
            tracing::warn!(%error, "events ended");
        }
    });
    receiver
}

async fn tell(app: &App, session: &Session<Full>, mut sender: Sender) -> Result<()> {
    let _listener = app.metrics().listener();
    let mut changes = app.vaults().changes();
    let mut ticks = tokio::time::interval(KEEP_ALIVE);
    tell_all(app, session, &mut sender).await?;
    while !sender.is_closed() {
        let change = tokio::select! {
            () = app.draining().cancelled() => return Ok(()),
            _ = ticks.tick() => {
                if !app.accounts().is_alive(session).await? {
                    return Ok(());
                }
                continue;
            }
            change = changes.recv() => change,
        };
        match change {
            Ok(change) => tell_one(app, session, change, &mut sender).await?,
            Err(RecvError::Lagged(_)) => tell_all(app, session, &mut sender).await?,
            Err(RecvError::Closed) => return Ok(()),
        }
    }
    Ok(())
}

async fn tell_all(app: &App, session: &Session<Full>, sender: &mut Sender) -> Result<()> {
    for head in app.vaults().heads(session.uid()).await?.vaults {
        send(sender, &head).await;
    }
    Ok(())
}

async fn tell_one(
    app: &App,
    session: &Session<Full>,
    change: Change,
    sender: &mut Sender,
) -> Result<()> {
    let may_know = app.vaults().is_visible(session.uid(), change.vault_id);
    if may_know.await? && app.accounts().is_alive(session).await? {
        let head = VaultHead {
            vault_id: change.vault_id,
            seq: change.head.seq,
            hash: Base64::from(*change.head.hash.as_bytes()),
        };
        send(sender, &head).await;
    }
    Ok(())
}

/// A connection that is gone is noticed by the loop.
async fn send(sender: &mut Sender, head: &VaultHead) {
    let data = serde_json::to_string(head).unwrap_or_default();
    let _ = sender
        .send(Ok(Event::default().event("head").data(data)))
        .await;
}
