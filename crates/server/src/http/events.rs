//! Server-sent events (WHATWG HTML §9.2): the heads of the session's vaults,
//! all at first and then each as it moves, at whichever server, and which of
//! them it may no longer read. Of a vault that moves faster than a connection,
//! only the newest head is sent.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::{Stream, stream};
use sv_api::Base64;
use sv_api::endpoint::EVENTS_PATH;
use sv_api::vault::{LostVault, VaultHead};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::caller::Credentials;
use super::route::Caller;
use crate::app::App;
use crate::service::Result;
use crate::service::account::session::{Full, Session};
use crate::service::listeners::News;

/// How often a comment shows that the connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Events that may wait for a slow connection.
const WAITING: usize = 64;

pub(super) fn routes() -> Router<App> {
    Router::new().route(EVENTS_PATH, get(events))
}

async fn events(State(app): State<App>, headers: HeaderMap) -> Response {
    let identified = async {
        let credentials = Credentials::of(&headers)?;
        Session::<Full>::identify(&app, &credentials).await
    };
    match identified.await {
        Ok(session) => Sse::new(told(app, session))
            .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
            .into_response(),
        Err(refused) => refused.into_response(),
    }
}

fn told(app: App, session: Session<Full>) -> impl Stream<Item = Result<Event, Infallible>> {
    let (sender, mut receiver): (_, Receiver<Event>) = channel(WAITING);
    tokio::spawn(async move {
        // Ends with the session, the connection, the server or the database.
        tokio::select! {
            () = app.draining().cancelled() => {}
            () = sender.closed() => {}
            done = tell(&app, &session, &sender) => if let Err(error) = done {
                tracing::warn!(%error, "events ended");
            }
        }
    });
    stream::poll_fn(move |context| receiver.poll_recv(context).map(|event| event.map(Ok)))
}

async fn tell(app: &App, session: &Session<Full>, sender: &Sender<Event>) -> Result<()> {
    let _listener = app.metrics().listener();
    let mut listening = app.events().listen(session).await?;
    while let Some(heads) = listening.next().await {
        if !app.accounts().is_alive(session).await? {
            return Ok(());
        }
        for news in heads {
            // A connection that is gone ends all this.
            let _ = sender.send(event(news)).await;
        }
    }
    Ok(())
}

fn event(news: News) -> Event {
    let (name, json) = match news {
        News::Head(vault_id, head) => {
            let head = VaultHead {
                vault_id,
                seq: head.seq,
                hash: Base64::from(*head.hash.as_bytes()),
            };
            ("head", serde_json::to_string(&head))
        }
        News::Lost(vault_id) => ("lost", serde_json::to_string(&LostVault { vault_id })),
    };
    Event::default().event(name).data(json.unwrap_or_default())
}
