//! One engine at a time: two that write one profile would take each other's
//! state for an attack. The browser's lock says which; it goes with the tab.

use futures::channel::mpsc::UnboundedSender;
use futures::channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::inbox::Message;

#[wasm_bindgen]
extern "C" {
    /// Web Locks, of which web-sys has no stable binding.
    #[wasm_bindgen(js_namespace = ["navigator", "locks"], js_name = request, catch)]
    fn request_lock(name: &str, options: &Object, on_lock: &Function) -> Result<Promise, JsValue>;
}

const NAME: &str = "securevault-engine";

/// Whether to take the lock from whoever holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    IfFree,
    Seize,
}

/// Takes the lock for as long as this worker lives, or until another takes it:
/// then [`Message::Lost`] comes. Gives whether it was had.
pub(super) async fn hold(manner: Manner, inbox: UnboundedSender<Message>) -> bool {
    let options = Object::new();
    let option = match manner {
        Manner::IfFree => "ifAvailable",
        Manner::Seize => "steal",
    };
    // A plain object takes any property.
    let _ = Reflect::set(&options, &option.into(), &JsValue::TRUE);
    let (sender, granted) = oneshot::channel();
    let on_lock = Closure::once_into_js(move |lock: JsValue| -> Promise {
        let is_ours = !lock.is_null();
        let _ = sender.send(is_ours);
        match is_ours {
            // Never settles: the lock is kept.
            true => Promise::new(&mut |_: Function, _: Function| {}),
            false => Promise::resolve(&JsValue::NULL),
        }
    });
    let Ok(held) = request_lock(NAME, &options, on_lock.unchecked_ref()) else {
        return false;
    };
    spawn_local(async move {
        if JsFuture::from(held).await.is_err() {
            let _ = inbox.unbounded_send(Message::Lost);
        }
    });
    granted.await.unwrap_or(false)
}
