//! The engine: a worker that owns every key and the whole client, and serves
//! the calls of [`crate::bridge`].

use js_sys::{Array, JsString};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::bridge::{Failure, FailureKind};

/// Listens for calls.
pub(crate) fn serve(scope: DedicatedWorkerGlobalScope) {
    let answers = scope.clone();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let message: Array = event.data().unchecked_into();
        let failure: Result<(), _> = Err(Failure::new(FailureKind::OutOfOrder));
        let json = serde_json::to_string(&failure).unwrap_or_default();
        let answer = Array::of2(&message.get(0), &JsString::from(json));
        let _ = answers.post_message(&answer);
    });
    scope.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
    let _ = scope.post_message(&JsValue::NULL);
}
