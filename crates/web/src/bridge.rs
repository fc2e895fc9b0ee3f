//! The page's end of the bridge: calls with an answer each, and the stream of
//! events.

pub(crate) use sv_bridge::*;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{MessageChannel, MessageEvent, ServiceWorkerContainer, Worker};

#[wasm_bindgen]
extern "C" {
    /// Starts the engine; from `boot.js`, which alone may make URLs of scripts.
    #[wasm_bindgen(js_namespace = securevault, js_name = startEngine, catch)]
    fn start_engine() -> Result<Worker, JsValue>;

    /// Registers the service worker and gives it once it is active; rejects
    /// where the browser has none (private windows of some).
    #[wasm_bindgen(js_namespace = securevault, js_name = startServiceWorker)]
    fn start_service_worker() -> Promise;
}

type Waiting = HashMap<u32, oneshot::Sender<Result<Vec<u8>, Failure>>>;

/// How far the engine has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Nobody has asked for it.
    Unasked,
    /// On its way: calls wait for it.
    Loading,
    /// It could not be had: calls wait for [`load_engine`].
    Missing,
    /// It listens.
    Ready,
}

#[derive(Default)]
struct Page {
    worker: Option<Worker>,
    /// Messages for an engine that has not said that it listens.
    unsent: Option<Vec<JsValue>>,
    /// Told how far it has come.
    on_engine: Option<Rc<dyn Fn(Engine)>>,
    waiting: Waiting,
    last_id: u32,
    events: Option<mpsc::UnboundedSender<Event>>,
    service_worker: Option<ServiceWorkerContainer>,
}

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

/// Starts engine and service worker. Call it once. The engine has yet to be
/// loaded: calls wait for it, and `on_engine` is told.
pub(crate) fn connect(on_engine: impl Fn(Engine) + 'static) -> mpsc::UnboundedReceiver<Event> {
    let (sender, events) = mpsc::unbounded();
    PAGE.with_borrow_mut(|page| {
        page.unsent = Some(Vec::new());
        page.on_engine = Some(Rc::new(on_engine));
        page.events = Some(sender);
    });
    load_engine();
    events
}

/// Loads the engine, again if it could not be had before.
pub(crate) fn load_engine() {
    let Ok(worker) = start_engine() else {
        return say(Engine::Missing);
    };
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        receive(&event.data());
    });
    worker.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
    let on_error = Closure::<dyn FnMut(JsValue)>::new(|_| crash());
    let on_error = on_error.into_js_value();
    worker.set_onerror(Some(on_error.unchecked_ref()));
    worker.set_onmessageerror(Some(on_error.unchecked_ref()));
    PAGE.with_borrow_mut(|page| page.worker = Some(worker));
    say(Engine::Loading);
    // What the engine lacked, the service worker has lacked as well.
    spawn_local(introduce_service_worker());
}

fn say(engine: Engine) {
    let on_engine = PAGE.with_borrow(|page| page.on_engine.clone());
    if let Some(on_engine) = on_engine {
        on_engine(engine);
    }
}

/// Asks the engine to do something.
///
/// # Errors
/// Those of the call; [`FailureKind::Crashed`] if the engine ended.
pub(crate) async fn call<C: Call>(call: C) -> Result<C::Answer, Failure> {
    call_with(call, &[]).await
}

/// The same, with objects beside it: `File`, `Blob`, `FileSystemFileHandle`.
///
/// # Errors
/// As [`call`].
pub(crate) async fn call_with<C: Call>(call: C, objects: &[JsValue]) -> Result<C::Answer, Failure> {
    let bytes = ask(call.into(), objects).await?;
    decode::<Result<C::Answer, Failure>>(&bytes)
        .ok_or_else(|| Failure::new(FailureKind::Crashed))?
}

/// Gives the answer as it crosses: the same code for all calls.
async fn ask(call: AnyCall, objects: &[JsValue]) -> Result<Vec<u8>, Failure> {
    let bytes = Uint8Array::from(encode(&call).as_slice());
    let (sender, answer) = oneshot::channel();
    let sent = PAGE.with_borrow_mut(|page| {
        page.last_id = page.last_id % (SERVICE_WORKER_PORT - 1) + 1;
        page.waiting.insert(page.last_id, sender);
        let objects: Array = objects.iter().collect();
        let message = Array::of3(&page.last_id.into(), &bytes, &objects);
        page.send(message.into(), &Array::new())
    });
    sent.map_err(|error| crashed(&error))?;
    answer
        .await
        .map_err(|_| Failure::new(FailureKind::Crashed))?
}

impl Page {
    fn send(&mut self, message: JsValue, transfer: &Array) -> Result<(), JsValue> {
        match &mut self.unsent {
            Some(unsent) if transfer.length() == 0 => {
                unsent.push(message);
                Ok(())
            }
            _ => {
                let worker = self.worker.as_ref().ok_or("the engine is not started")?;
                worker.post_message_with_transfer(&message, transfer)
            }
        }
    }
}

/// Takes an answer, an event, or the word that the engine listens (no array).
fn receive(message: &JsValue) {
    let Some(parts) = message.dyn_ref::<Array>() else {
        PAGE.with_borrow_mut(|page| {
            for message in page.unsent.take().into_iter().flatten() {
                // Lost only together with the engine, which `crash` tells.
                let _ = page.send(message, &Array::new());
            }
        });
        return say(Engine::Ready);
    };
    let id = parts.get(0).as_f64().map_or(EVENT, |id| id as u32);
    let bytes = parts.get(1).dyn_into::<Uint8Array>();
    let bytes = bytes.map(|bytes| bytes.to_vec()).unwrap_or_default();
    if id != EVENT {
        let waiting = PAGE.with_borrow_mut(|page| page.waiting.remove(&id));
        if let Some(waiting) = waiting {
            // Whoever asked may have stopped waiting.
            let _ = waiting.send(Ok(bytes));
        }
    } else if let Some(event) = decode(&bytes) {
        if matches!(&event, Event::Transfer(row) if row.kind != TransferKind::Upload) {
            keep_service_worker();
        }
        tell(event);
    }
}

/// The browser stops a service worker that hears of no page for half a minute,
/// and with it the download that goes through it.
fn keep_service_worker() {
    PAGE.with_borrow(|page| {
        let container = page.service_worker.as_ref();
        if let Some(controller) = container.and_then(ServiceWorkerContainer::controller) {
            let _ = controller.post_message(&JsValue::NULL);
        }
    });
}

fn tell(event: Event) {
    PAGE.with_borrow(|page| {
        if let Some(events) = &page.events {
            let _ = events.unbounded_send(event);
        }
    });
}

/// The engine ended. If it never listened, nothing is lost: calls go on waiting.
fn crash() {
    let waiting = PAGE.with_borrow_mut(|page| {
        if let Some(worker) = page.worker.take() {
            worker.terminate();
        }
        page.unsent
            .is_none()
            .then(|| std::mem::take(&mut page.waiting))
    });
    let Some(waiting) = waiting else {
        return say(Engine::Missing);
    };
    for waiting in waiting.into_values() {
        let _ = waiting.send(Err(Failure::new(FailureKind::Crashed)));
    }
    tell(Event::Crashed);
}

/// Gives engine and service worker the two ends of a channel, now and whenever
/// the service worker asks: the browser may stop it at any time, and it
/// remembers nothing.
async fn introduce_service_worker() {
    let Ok(container) = JsFuture::from(start_service_worker()).await else {
        return;
    };
    let container: ServiceWorkerContainer = container.unchecked_into();
    PAGE.with_borrow_mut(|page| page.service_worker = Some(container.clone()));
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
        let container = container.clone();
        move |_: MessageEvent| introduce(&container)
    });
    container.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
    let on_change = Closure::<dyn FnMut(JsValue)>::new({
        let container = container.clone();
        move |_: JsValue| introduce(&container)
    });
    container.set_oncontrollerchange(Some(on_change.into_js_value().unchecked_ref()));
    introduce(&container);
}

fn introduce(container: &ServiceWorkerContainer) {
    let Some(controller) = container.controller() else {
        return;
    };
    let Ok(channel) = MessageChannel::new() else {
        return;
    };
    let (ours, theirs) = (channel.port1(), channel.port2());
    let to_engine = Array::of2(&SERVICE_WORKER_PORT.into(), &ours);
    PAGE.with_borrow_mut(|page| {
        let sent = page.send(to_engine.into(), &Array::of1(&ours));
        if sent.is_ok() {
            let _ = controller.post_message_with_transferable(&theirs, &Array::of1(&theirs));
        }
    });
}

/// An engine that opens no account, and so has no key, reads the pictures of
/// the camera: anybody may hold anything in front of one.
pub(crate) struct Reader {
    worker: Worker,
    /// What it answers, and that it listens; nothing once it has ended.
    said: mpsc::UnboundedReceiver<Option<Vec<u8>>>,
    /// Called as long as this lives.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(JsValue)>,
}

impl Reader {
    /// Starts one.
    ///
    /// # Errors
    /// [`FailureKind::Crashed`] if the browser starts no worker.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let worker = start_engine().map_err(|error| crashed(&error))?;
        let (says, said) = mpsc::unbounded();
        let ends = says.clone();
        // The receiver lives as long as these are called.
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let parts = event.data().dyn_into::<Array>().unwrap_or_default();
            let bytes = parts.get(1).dyn_into::<Uint8Array>();
            let bytes = bytes.map(|bytes| bytes.to_vec()).unwrap_or_default();
            let _ = says.unbounded_send(Some(bytes));
        });
        let on_error = Closure::<dyn FnMut(JsValue)>::new(move |_| {
            let _ = ends.unbounded_send(None);
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let mut this = Self {
            worker,
            said,
            _on_message: on_message,
            _on_error: on_error,
        };
        let listens = this.said.next().await.flatten();
        listens.ok_or_else(|| Failure::new(FailureKind::Crashed))?;
        Ok(this)
    }

    /// What there is in a picture; none if that was the end of this engine.
    pub(crate) async fn read(&mut self, picture: ReadCode) -> Option<Sight> {
        let bytes = Uint8Array::from(encode(&AnyCall::from(picture)).as_slice());
        let message = Array::of3(&1.into(), &bytes, &Array::new());
        self.worker.post_message(&message).ok()?;
        let answer = self.said.next().await.flatten()?;
        decode::<Result<Sight, Failure>>(&answer)?.ok()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

fn crashed(why: &JsValue) -> Failure {
    let detail = why.as_string().unwrap_or_else(|| format!("{why:?}"));
    Failure::with_detail(FailureKind::Crashed, detail)
}
