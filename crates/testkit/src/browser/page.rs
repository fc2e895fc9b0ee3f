//! A tab: where it is, how large it is shown, and what can be found in it.

use std::path::Path;
use std::sync::Arc;

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::element::{Element, Name};
use super::events::Events;
use super::key::Key;
use super::pipe::Pipe;
use super::{LOOK_AGAIN, deadline, text};

/// A tab of somebody's browser.
#[derive(Clone)]
pub struct Page {
    pub(super) pipe: Arc<Pipe>,
    pub(super) events: Arc<Events>,
    pub(super) session: String,
}

/// What a page is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// 1280 × 800, with a mouse.
    Desktop,
    /// 390 × 844, with fingers.
    Phone,
}

impl Page {
    pub(super) const fn new(pipe: Arc<Pipe>, events: Arc<Events>, session: String) -> Self {
        Self {
            pipe,
            events,
            session,
        }
    }

    /// Goes to an address, and waits until it is loaded.
    pub async fn go(&self, url: &str) {
        self.events.expect_load(&self.session);
        let answer = self.call("Page.navigate", json!({ "url": url })).await;
        let error = answer["errorText"].as_str();
        assert!(error.is_none(), "{url}: {error:?}");
        self.events.loaded(&self.session).await;
    }

    /// Loads the page again; whether it asked first. That is answered with yes.
    pub async fn reload(&self) -> bool {
        self.events.take_warning(&self.session);
        self.events.expect_load(&self.session);
        self.call("Page.reload", json!({})).await;
        self.events.loaded(&self.session).await;
        self.events.take_warning(&self.session)
    }

    /// Closes the tab.
    pub async fn close(self) {
        self.call("Page.close", json!({})).await;
    }

    /// Shows the page on a screen.
    pub async fn show_on(&self, screen: Screen) {
        let (width, height, is_phone) = match screen {
            Screen::Desktop => (1280, 800, false),
            Screen::Phone => (390, 844, true),
        };
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        let touch = json!({ "enabled": is_phone });
        self.call("Emulation.setTouchEmulationEnabled", touch).await;
    }

    /// Has the system prefer dark, or light, colours.
    pub async fn prefer_dark(&self, is_dark: bool) {
        let scheme = if is_dark { "dark" } else { "light" };
        let media = json!({
            "features": [
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-reduced-motion", "value": "reduce" },
            ],
        });
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    /// Writes what is shown as PNG.
    pub async fn screenshot(&self, file: &Path) {
        let shot = json!({ "format": "png" });
        let answer = self.call("Page.captureScreenshot", shot).await;
        let png = BASE64.decode(text(&answer["data"]).as_bytes());
        std::fs::write(file, png.expect("base64")).expect("a file");
    }

    /// The element of a role and a name, once it is there.
    pub fn role(&self, role: &'static str, name: impl Into<Name>) -> Element {
        Element::new(self.clone(), role, name.into())
    }

    /// A button.
    pub fn button(&self, name: impl Into<Name>) -> Element {
        self.role("button", name)
    }

    /// A field for one or several lines of text.
    pub fn field(&self, name: impl Into<Name>) -> Element {
        self.role("textbox", name)
    }

    /// A link.
    pub fn link(&self, name: impl Into<Name>) -> Element {
        self.role("link", name)
    }

    /// A heading: where one is.
    pub fn heading(&self, name: impl Into<Name>) -> Element {
        self.role("heading", name)
    }

    /// Presses a key where the focus is.
    pub async fn press(&self, key: Key) {
        for stroke in key.strokes() {
            self.call("Input.dispatchKeyEvent", stroke).await;
        }
    }

    /// Types where the focus is.
    pub async fn type_text(&self, text: &str) {
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Cuts the page and its workers off from every server, or not.
    pub async fn set_offline(&self, is_offline: bool) {
        self.events.set_offline(&self.pipe, is_offline).await;
    }

    /// Notes from now on what the browser asks any server for.
    pub fn note_requests(&self) {
        self.events.note_requests(&self.pipe);
    }

    /// Addresses that were asked for since [`Self::note_requests`].
    pub fn requests(&self) -> Vec<String> {
        self.events.requests()
    }

    /// Where the page is.
    pub async fn address(&self) -> String {
        text(&self.evaluate("location.href").await)
    }

    /// What an expression gives, for what no person could see: storage,
    /// headers, timings. Never to find or to press anything.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let options = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true,
        });
        let mut answer = self.call("Runtime.evaluate", options).await;
        let exception = &answer["exceptionDetails"];
        assert!(exception.is_null(), "{expression}: {exception}");
        answer["result"]["value"].take()
    }

    /// Everything that is shown, as a screen reader has it: role and name,
    /// line by line.
    pub async fn outline(&self) -> String {
        let answer = self.call("Accessibility.getFullAXTree", json!({})).await;
        let nodes = answer["nodes"].as_array();
        let lines = nodes.into_iter().flatten().filter_map(|node| {
            let (role, name) = (&node["role"]["value"], node["name"]["value"].as_str());
            let name = name.filter(|name| !name.trim().is_empty())?;
            let is_text = ["StaticText", "InlineTextBox"].contains(&role.as_str()?);
            (node["ignored"] != true && !is_text).then(|| format!("{} {name:?}", text(role)))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Waits until `look` finds something.
    pub(super) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let deadline = tokio::time::Instant::now() + deadline();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            if tokio::time::Instant::now() > deadline {
                if let Some(folder) = std::env::var_os("SV_SCREENS") {
                    self.screenshot(&Path::new(&folder).join("failed.png"))
                        .await;
                }
                panic!(
                    "no {what} at {}; there is\n{}\ncomplaints: {:?}",
                    self.address().await,
                    self.outline().await,
                    self.events.take_complaints()
                );
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    pub(super) async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.try_call(method, params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    pub(super) async fn try_call(&self, method: &str, params: Value) -> Result<Value, String> {
        self.pipe.call(Some(&self.session), method, params).await
    }
}
