//! The DevTools protocol: JSON messages that end in a zero byte.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};

use super::deadline;
use super::events::Events;

type Answer = Result<Value, String>;

/// Sends calls and hands out their answers; what comes without a call goes to
/// [`Events`].
pub(super) struct Pipe {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
}

impl Pipe {
    pub(super) fn open(process: &mut Child, events: Arc<Events>) -> Arc<Self> {
        let mut input = process.stdin.take().expect("a pipe");
        let output = process.stdout.take().expect("a pipe");
        let (outgoing, mut messages) = mpsc::unbounded_channel::<Vec<u8>>();
        tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                if input.write_all(&message).await.is_err() {
                    break;
                }
            }
        });
        let pipe = Arc::new(Self {
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            outgoing,
        });
        let reader = Arc::downgrade(&pipe);
        tokio::spawn(async move {
            let mut output = BufReader::new(output);
            let mut message = Vec::new();
            while output
                .read_until(0, &mut message)
                .await
                .is_ok_and(|n| n > 0)
            {
                message.pop();
                let Some(pipe) = reader.upgrade() else { break };
                if let Ok(value) = serde_json::from_slice(&message) {
                    pipe.take(value, &events);
                }
                message.clear();
            }
        });
        pipe
    }

    /// Calls a method of a session, or of the browser itself.
    pub(super) async fn call(&self, session: Option<&str>, method: &str, params: Value) -> Answer {
        let (sender, answer) = oneshot::channel();
        self.send(session, method, params, Some(sender));
        match tokio::time::timeout(deadline(), answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("the browser has ended".to_owned()),
            Err(_) => Err("the browser does not answer".to_owned()),
        }
    }

    /// The same where nothing waits for the answer.
    pub(super) fn tell(&self, session: &str, method: &str, params: Value) {
        self.send(Some(session), method, params, None);
    }

    fn send(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
        sender: Option<oneshot::Sender<Answer>>,
    ) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        if let Some(sender) = sender {
            self.waiting().insert(id, sender);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        // If it is closed, the answer does not come either, which is noticed.
        let _ = self.outgoing.send(bytes);
    }

    fn take(&self, mut message: Value, events: &Events) {
        let Some(id) = message["id"].as_u64() else {
            events.take(self, &message);
            return;
        };
        if let Some(sender) = self.waiting().remove(&id) {
            let answer = match message["error"]["message"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(message["result"].take()),
            };
            let _ = sender.send(answer);
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
