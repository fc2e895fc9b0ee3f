//! What goes to the page.

use js_sys::{Array, Uint8Array};
use serde::Serialize;
use wasm_bindgen::JsValue;
use web_sys::DedicatedWorkerGlobalScope;

use crate::worker::failure::Failure;
use sv_bridge::{Call, EVENT, Event, FailureKind};

/// The way to the page.
#[derive(Clone)]
pub(super) struct Outlet(DedicatedWorkerGlobalScope);

impl Outlet {
    pub(super) const fn new(scope: DedicatedWorkerGlobalScope) -> Self {
        Self(scope)
    }

    /// The worker's own scope.
    pub(super) const fn scope(&self) -> &DedicatedWorkerGlobalScope {
        &self.0
    }

    /// Says that messages are taken from now on.
    pub(super) fn ready(&self) {
        // A page that is gone misses nothing.
        let _ = self.0.post_message(&JsValue::NULL);
    }

    /// Answers a call.
    pub(super) fn answer<C: Call>(&self, id: u32, answer: Result<C::Answer, Failure>) {
        self.post(id, &answer.map_err(sv_bridge::Failure::from));
    }

    /// Refuses a call, whichever it is.
    pub(super) fn refuse(&self, id: u32, kind: FailureKind) {
        self.post::<Result<(), _>>(id, &Err(sv_bridge::Failure::new(kind)));
    }

    /// Says what happened.
    pub(super) fn tell(&self, event: &Event) {
        self.post(EVENT, event);
    }

    fn post<T: Serialize>(&self, id: u32, what: &T) {
        let bytes = Uint8Array::from(sv_bridge::encode(what).as_slice());
        let message = Array::of2(&id.into(), &bytes);
        let _ = self.0.post_message(&message);
    }
}
