//! The web application. One WebAssembly module runs in two places: as the
//! **page**, which shows and asks ([`ui`]), and as the **engine** in a worker of
//! its own, which holds every key and the whole client ([`engine`]). What
//! crosses between them is in [`bridge`].
//!
//! Natively there is nothing of it but what needs no browser, for its tests: it
//! ships inside `securevaultd` as files.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub mod bridge;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod engine;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod mime;
#[cfg(any(test, all(target_arch = "wasm32", target_os = "unknown")))]
#[cfg_attr(test, allow(dead_code, reason = "the page uses it, in a browser only"))]
mod strength;
#[cfg(any(test, all(target_arch = "wasm32", target_os = "unknown")))]
#[cfg_attr(
    test,
    allow(
        dead_code,
        unused_imports,
        reason = "the page uses it, in a browser only"
    )
)]
mod text;
#[cfg(any(test, all(target_arch = "wasm32", target_os = "unknown")))]
#[cfg_attr(test, allow(dead_code, reason = "the page uses it, in a browser only"))]
mod token;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod ui;
pub mod zip;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};

/// Starts what belongs where this module was loaded.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#[wasm_bindgen(start)]
pub fn start() {
    let global = js_sys::global();
    match global.dyn_into::<web_sys::DedicatedWorkerGlobalScope>() {
        Ok(worker) => engine::serve(worker),
        Err(_) => ui::mount(),
    }
}
