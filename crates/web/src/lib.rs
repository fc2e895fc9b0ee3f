//! The page of the web application, which shows and asks ([`ui`]). It holds no
//! key and links nothing that could: the client is in the **engine**
//! (`sv-engine`), another WebAssembly module in a worker of its own, which the
//! page reaches through [`bridge`].
//!
//! Natively there is nothing of it but what needs no browser, for its tests: it
//! ships inside `securevaultd` as files.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod bridge;
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
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod ui;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen::prelude::wasm_bindgen;

/// Shows the page.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#[wasm_bindgen(start)]
pub fn start() {
    ui::mount();
}
