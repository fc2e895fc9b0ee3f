//! What comes from the page, and from the service worker through a port that
//! the page handed over.

use futures::StreamExt;
use futures::channel::mpsc;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, MessagePort};

use sv_bridge::{AnyCall, SERVICE_WORKER_PORT};

/// Something to be dealt with.
pub(super) enum Message {
    /// The page asks.
    Call(Asked),
    /// The service worker asks for what a URL stands for.
    Fetch(Fetch),
    /// Another tab has taken the account over.
    Lost,
}

/// A call.
pub(super) struct Asked {
    /// For its answer.
    pub(super) id: u32,
    /// What is asked; none if it is not understood.
    pub(super) call: Option<AnyCall>,
    /// What came beside it.
    pub(super) objects: Vec<JsValue>,
}

/// A request that the service worker intercepted.
pub(super) struct Fetch {
    /// Path of the URL.
    pub(super) path: String,
    /// Its `Range` header.
    pub(super) range: Option<String>,
    /// Where the answer goes.
    pub(super) port: MessagePort,
}

/// Everything that comes in, in order.
pub(super) struct Inbox {
    messages: mpsc::UnboundedReceiver<Message>,
    sender: mpsc::UnboundedSender<Message>,
}

impl Inbox {
    pub(super) fn open(scope: &DedicatedWorkerGlobalScope) -> Self {
        let (sender, messages) = mpsc::unbounded();
        let into = sender.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            receive(&event.data(), &into);
        });
        scope.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
        Self { messages, sender }
    }

    /// The next message; never the end, for this holds a sender itself.
    pub(super) async fn next(&mut self) -> Option<Message> {
        self.messages.next().await
    }

    /// Another way in.
    pub(super) fn sender(&self) -> mpsc::UnboundedSender<Message> {
        self.sender.clone()
    }
}

fn receive(data: &JsValue, into: &mpsc::UnboundedSender<Message>) {
    let Some(parts) = data.dyn_ref::<Array>() else {
        return;
    };
    let id = parts.get(0).as_f64().unwrap_or_default() as u32;
    if id == SERVICE_WORKER_PORT {
        if let Ok(port) = parts.get(1).dyn_into::<MessagePort>() {
            listen(&port, into.clone());
        }
        return;
    }
    let bytes = parts.get(1).dyn_into::<Uint8Array>();
    let bytes = bytes.map(|bytes| bytes.to_vec()).unwrap_or_default();
    let objects = parts.get(2).dyn_into::<Array>();
    let asked = Asked {
        id,
        call: sv_bridge::decode(&bytes),
        objects: objects.map(|objects| objects.to_vec()).unwrap_or_default(),
    };
    // The receiver lives as long as the worker.
    let _ = into.unbounded_send(Message::Call(asked));
}

/// Takes requests `[path, range or null, port]` of the service worker.
fn listen(port: &MessagePort, into: mpsc::UnboundedSender<Message>) {
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let Ok(parts) = event.data().dyn_into::<Array>() else {
            return;
        };
        let (Some(path), Ok(port)) = (parts.get(0).as_string(), parts.get(2).dyn_into()) else {
            return;
        };
        let range = parts.get(1).as_string();
        let _ = into.unbounded_send(Message::Fetch(Fetch { path, range, port }));
    });
    port.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
}
