//! Elements, by accessible role and name. Every action waits until its element
//! is there and would really be hit.

use std::ops::Not;

use serde_json::{Value, json};

use super::key::Key;
use super::page::Page;

/// An accessible name, whole or in part.
#[derive(Debug, Clone)]
pub enum Name {
    /// Exactly this.
    Is(String),
    /// With this in it.
    Has(String),
    /// Any.
    Any,
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self::Is(name.to_owned())
    }
}

impl From<&String> for Name {
    fn from(name: &String) -> Self {
        Self::Is(name.clone())
    }
}

impl Name {
    /// A name with a text in it.
    pub fn has(part: &str) -> Self {
        Self::Has(part.to_owned())
    }

    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Is(wanted) => name.trim() == wanted.trim(),
            Self::Has(part) => name.contains(part.as_str()),
            Self::Any => true,
        }
    }
}

/// What is to be found in a page, or in another element of it.
#[derive(Clone)]
pub struct Element {
    page: Page,
    role: &'static str,
    name: Name,
    inside: Option<Box<Element>>,
}

/// An element that is there.
#[derive(Debug, Clone)]
struct Found {
    node: i64,
    name: String,
    value: String,
    properties: Value,
}

impl Element {
    pub(super) const fn new(page: Page, role: &'static str, name: Name) -> Self {
        Self {
            page,
            role,
            name,
            inside: None,
        }
    }

    /// An element inside of this one.
    #[must_use]
    pub fn role(&self, role: &'static str, name: impl Into<Name>) -> Self {
        Self {
            page: self.page.clone(),
            role,
            name: name.into(),
            inside: Some(Box::new(self.clone())),
        }
    }

    /// A button inside of this one.
    #[must_use]
    pub fn button(&self, name: impl Into<Name>) -> Self {
        self.role("button", name)
    }

    /// Waits until it is there.
    pub async fn wait(&self) -> &Self {
        self.found().await;
        self
    }

    /// Waits until there is none.
    pub async fn wait_gone(&self) {
        let what = format!("end of {self:?}");
        self.page
            .until(&what, async || self.all().await.is_empty().then_some(()))
            .await;
    }

    /// Whether it is there now.
    pub async fn is_there(&self) -> bool {
        !self.all().await.is_empty()
    }

    /// How many there are now.
    pub async fn count(&self) -> usize {
        self.all().await.len()
    }

    /// Names of all that are there now.
    pub async fn names(&self) -> Vec<String> {
        self.all()
            .await
            .into_iter()
            .map(|found| found.name)
            .collect()
    }

    /// The text in a field.
    pub async fn value(&self) -> String {
        self.found().await.value
    }

    /// A state of it as the accessibility tree has it: `checked`, `expanded`.
    pub async fn state(&self, property: &str) -> Value {
        let found = self.found().await;
        let all = found.properties.as_array().into_iter().flatten();
        let mut named = all.filter(|one| one["name"] == property);
        named
            .next()
            .map_or(Value::Null, |one| one["value"]["value"].clone())
    }

    /// Whether it has the focus now.
    pub async fn is_focused(&self) -> bool {
        let all = self.all().await;
        let properties = all.iter().flat_map(|found| found.properties.as_array());
        let mut focused = properties.flatten().filter(|one| one["name"] == "focused");
        focused.any(|one| one["value"]["value"] == true)
    }

    /// Waits until it has the focus.
    pub async fn wait_focused(&self) {
        let what = format!("focus in {self:?}");
        self.page
            .until(&what, async || self.is_focused().await.then_some(()))
            .await;
    }

    /// All text in it.
    pub async fn text(&self) -> String {
        let found = self.found().await;
        let text = self
            .on(&found, "function() { return this.innerText }", json!([]))
            .await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until its text has a part.
    pub async fn wait_text(&self, part: &str) -> &Self {
        let what = format!("{part:?} in {self:?}");
        self.page
            .until(&what, async || {
                let found = self.all().await.into_iter().next()?;
                let text = self.try_on(&found, "function() { return this.innerText }", json!([]));
                text.await?.as_str()?.contains(part).then_some(())
            })
            .await;
        self
    }

    /// Clicks it.
    pub async fn click(&self) {
        self.click_with(0, 1).await;
    }

    /// Clicks it with Ctrl held.
    pub async fn ctrl_click(&self) {
        self.click_with(2, 1).await;
    }

    /// Clicks it with Shift held.
    pub async fn shift_click(&self) {
        self.click_with(8, 1).await;
    }

    /// Clicks it twice.
    pub async fn double_click(&self) {
        self.click_with(0, 1).await;
        self.click_with(0, 2).await;
    }

    /// Puts a text in place of what is in a field.
    pub async fn fill(&self, text: &str) {
        self.write(text).await;
        let what = format!("{text:?} in {self:?}");
        // A password's value is not shown.
        if !self.is_password().await {
            let is_written = async || (self.value().await == text).then_some(());
            self.page.until(&what, is_written).await;
        }
    }

    /// The same in a field that goes away once it is full.
    pub async fn write(&self, text: &str) {
        self.click().await;
        self.page.press(Key::A.ctrl()).await;
        match text {
            "" => self.page.press(Key::DELETE).await,
            text => self.page.type_text(text).await,
        }
    }

    /// Gives it the focus.
    pub async fn focus(&self) {
        let node = self.found().await.node;
        self.page
            .call("DOM.focus", json!({ "backendNodeId": node }))
            .await;
    }

    /// Presses a key in it.
    pub async fn press(&self, key: Key) {
        self.focus().await;
        self.page.press(key).await;
    }

    /// Turns the wheel over it, by CSS pixels downwards.
    pub async fn scroll(&self, pixels: i32) {
        let (x, y) = self.place().await;
        let event = json!({ "type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": pixels });
        self.page.call("Input.dispatchMouseEvent", event).await;
    }

    /// Where its middle is, once it is shown and nothing is over it.
    pub(super) async fn place(&self) -> (f64, f64) {
        let what = format!("{self:?} that can be pressed");
        self.page
            .until(&what, async || Some(self.pressable().await?.1))
            .await
    }

    /// The first that a press would reach now, and where.
    async fn pressable(&self) -> Option<(Found, (f64, f64))> {
        for found in self.all().await {
            if let Some(place) = self.place_of(&found).await {
                return Some((found, place));
            }
        }
        None
    }

    async fn is_password(&self) -> bool {
        let found = self.found().await;
        let kind = self
            .on(&found, "function() { return this.type }", json!([]))
            .await;
        kind == "password"
    }

    /// Presses it, again if it was drawn anew under the pointer.
    async fn click_with(&self, modifiers: u32, count: u32) {
        let what = format!("{self:?} that stays to be pressed");
        self.page
            .until(&what, async || {
                let (found, place) = self.pressable().await?;
                self.try_on(&found, WATCH, json!([])).await?;
                self.press_at(place, modifiers, count).await;
                let is_reached = json!({ "expression": IS_REACHED, "returnByValue": true });
                let told = self.page.try_call("Runtime.evaluate", is_reached).await;
                // A page that has gone was left by the press.
                told.is_ok_and(|told| told["result"]["value"] == false)
                    .not()
                    .then_some(())
            })
            .await;
    }

    async fn press_at(&self, (x, y): (f64, f64), modifiers: u32, count: u32) {
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let is_press = kind != "mouseMoved";
            let event = json!({
                "type": kind,
                "x": x,
                "y": y,
                "button": if is_press { "left" } else { "none" },
                "clickCount": if is_press { count } else { 0 },
                "modifiers": modifiers,
            });
            self.page.call("Input.dispatchMouseEvent", event).await;
        }
    }

    async fn place_of(&self, found: &Found) -> Option<(f64, f64)> {
        let node = json!({ "backendNodeId": found.node });
        let page = &self.page;
        page.try_call("DOM.scrollIntoViewIfNeeded", node.clone())
            .await
            .ok()?;
        let quads = page.try_call("DOM.getContentQuads", node).await.ok()?;
        let quad: Vec<f64> = serde_json::from_value(quads["quads"][0].clone()).ok()?;
        let middle = |first: usize| quad.iter().skip(first).step_by(2).sum::<f64>() / 4.0;
        let (x, y) = (middle(0), middle(1));
        let is_hit = self.try_on(found, HIT, json!([{ "value": x }, { "value": y }]));
        (is_hit.await? == true).then_some((x, y))
    }

    async fn found(&self) -> Found {
        self.page
            .until(&format!("{self:?}"), async || {
                self.all().await.into_iter().next()
            })
            .await
    }

    /// All that are there now, in the order of the document.
    async fn all(&self) -> Vec<Found> {
        let mut roots = Vec::new();
        match &self.inside {
            None => {
                let document = self
                    .page
                    .try_call("DOM.getDocument", json!({ "depth": 0 }))
                    .await;
                let node = document
                    .ok()
                    .and_then(|d| d["root"]["backendNodeId"].as_i64());
                roots.extend(node);
            }
            Some(outer) => {
                let outer = Box::pin(outer.all()).await;
                roots.extend(outer.iter().map(|found| found.node));
            }
        }
        let mut all = Vec::new();
        for root in roots {
            let query = json!({ "backendNodeId": root, "role": self.role });
            let answer = self.page.try_call("Accessibility.queryAXTree", query).await;
            // The document was exchanged meanwhile.
            let Ok(mut answer) = answer else { continue };
            let nodes = answer["nodes"].as_array_mut().map(std::mem::take);
            let nodes = nodes.into_iter().flatten().filter_map(found);
            all.extend(nodes.filter(|found| self.name.fits(&found.name)));
        }
        all
    }

    async fn on(&self, found: &Found, function: &str, arguments: Value) -> Value {
        let answer = self.try_on(found, function, arguments).await;
        answer.unwrap_or_else(|| panic!("{self:?} is gone"))
    }

    /// Calls a function on it; none if it is gone.
    async fn try_on(&self, found: &Found, function: &str, arguments: Value) -> Option<Value> {
        let node = json!({ "backendNodeId": found.node });
        let object = self.page.try_call("DOM.resolveNode", node).await.ok()?;
        let call = json!({
            "objectId": object["object"]["objectId"],
            "functionDeclaration": function,
            "arguments": arguments,
            "returnByValue": true,
        });
        let mut answer = self
            .page
            .try_call("Runtime.callFunctionOn", call)
            .await
            .ok()?;
        Some(answer["result"]["value"].take())
    }

    pub(super) const fn page(&self) -> &Page {
        &self.page
    }
}

impl std::fmt::Debug for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.role, self.name)?;
        match &self.inside {
            Some(outer) => write!(f, " in {outer:?}"),
            None => Ok(()),
        }
    }
}

/// Whether a press at a place reaches the element, or its label.
const HIT: &str = "function(x, y) {
  if (this.matches(':disabled') || this.getAttribute('aria-disabled') === 'true') return false;
  const at = document.elementFromPoint(x, y);
  if (!at) return false;
  // What takes no pointer itself is pressed through what it lies in.
  const lets = getComputedStyle(this).pointerEvents === 'none' && at.contains(this);
  return lets || this.contains(at) || at.closest('label')?.control === this;
}";

/// Notes whether a press reaches the element: as a click, or at least as a
/// press of what is still there.
const WATCH: &str = "function() {
  const seen = {};
  const reaches = ({ target }) => this.contains(target) || target.closest('label')?.control === this
    || (getComputedStyle(this).pointerEvents === 'none' && target.contains(this));
  const note = (event) => { seen[event.type] ||= reaches(event) };
  for (const type of ['pointerdown', 'click']) addEventListener(type, note, true);
  globalThis.isReached = () => {
    for (const type of ['pointerdown', 'click']) removeEventListener(type, note, true);
    return Boolean(seen.click || (seen.pointerdown && this.isConnected));
  };
  return true;
}";
const IS_REACHED: &str = "globalThis.isReached ? isReached() : true";

fn found(node: Value) -> Option<Found> {
    if node["ignored"] == true {
        return None;
    }
    let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
    Some(Found {
        node: node["backendDOMNodeId"].as_i64()?,
        name: text(&node["name"]),
        value: text(&node["value"]),
        properties: node["properties"].clone(),
    })
}
