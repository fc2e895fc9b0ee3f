//! The engine of the web application: a WebAssembly module of its own, in a
//! worker of its own, which holds every key and the whole client ([`worker`]).
//! The page is another module (`sv-web`); what crosses is in `sv-bridge`.
//!
//! Natively there is nothing of it but what needs no browser, for its tests: it
//! ships inside `securevaultd` as files.

pub mod sight;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod worker;
pub mod zip;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};

/// Serves the page that started this worker.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#[wasm_bindgen(start)]
pub fn start() {
    worker::serve(js_sys::global().unchecked_into());
}
