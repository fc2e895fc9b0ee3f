//! Reading a QR code with the camera, where the browser has both: a camera,
//! and something that reads codes. The picture leaves the page as little as
//! anything else.

use js_sys::{Array, Object, Promise, Reflect};
use reactive_graph::owner::on_cleanup;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlVideoElement, MediaStream, MediaStreamConstraints, MediaStreamTrack};

use crate::ui::part::state;
use crate::ui::prelude::*;
use crate::ui::view::sleep;

#[wasm_bindgen]
extern "C" {
    /// The Shape Detection API, of which web-sys has no stable binding.
    type BarcodeDetector;

    #[wasm_bindgen(constructor, catch)]
    fn new(options: &Object) -> Result<BarcodeDetector, JsValue>;

    #[wasm_bindgen(method)]
    fn detect(this: &BarcodeDetector, source: &HtmlVideoElement) -> Promise;
}

/// Milliseconds between two looks at the picture.
const LOOK_MS: i32 = 200;

/// What the camera does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Camera {
    Off,
    On,
    /// There is none, or the browser may not.
    Refused,
}

/// The button, and the picture while the camera is on; `found` gets what was
/// read.
pub(super) fn view(name: &str, found: impl Fn(String) + Clone + 'static) -> El {
    if !can_read() {
        return el("p").class("form-text").say(t::NO_SCANNER);
    }
    let camera = RwSignal::new(Camera::Off);
    let label = t::SCAN.with(&[name]);
    div("scanner").show(
        move || camera.get(),
        move |now| match now {
            Camera::On => picture(camera, found.clone()),
            Camera::Off => start(camera, &label),
            Camera::Refused => div("")
                .child(state::alert(
                    "alert-warning",
                    Icon::Camera,
                    t::NO_CAMERA.get(),
                ))
                .child(start(camera, &label)),
        },
    )
}

/// Whether this browser reads codes.
fn can_read() -> bool {
    Reflect::get(&window(), &"BarcodeDetector".into()).is_ok_and(|found| found.is_function())
}

fn start(camera: RwSignal<Camera>, label: &str) -> El {
    button("btn btn-outline")
        .child(icon(Icon::Camera))
        .child(span("").text(label))
        .on_click(move || camera.set(Camera::On))
}

fn picture(camera: RwSignal<Camera>, found: impl Fn(String) + 'static) -> El {
    let video = el("video").class("scanner-picture").label(t::CAMERA);
    let screen: HtmlVideoElement = video.node().clone().unchecked_into();
    screen.set_muted(true);
    let _ = screen.set_attribute("playsinline", "");
    let shown = screen.clone();
    task(async move {
        match read(&shown).await {
            Ok(text) => {
                camera.set(Camera::Off);
                found(text);
            }
            Err(_) => camera.set(Camera::Refused),
        }
    });
    let screen = SendWrapper::new(screen);
    on_cleanup(move || stop(&screen));
    div("")
        .child(video)
        .child(el("p").class("form-text").role("status").say(t::SCANNING))
        .child(
            button("btn btn-quiet")
                .say(t::STOP_SCAN)
                .on_click(move || camera.set(Camera::Off)),
        )
}

/// Looks through the camera until there is a code.
async fn read(screen: &HtmlVideoElement) -> Result<String, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"formats".into(), &Array::of1(&"qr_code".into()))?;
    let detector = BarcodeDetector::new(&options)?;
    let facing = Object::new();
    Reflect::set(&facing, &"facingMode".into(), &"environment".into())?;
    let wanted = MediaStreamConstraints::new();
    wanted.set_video(&facing);
    let devices = window().navigator().media_devices()?;
    let stream = JsFuture::from(devices.get_user_media_with_constraints(&wanted)?).await?;
    screen.set_src_object(Some(stream.unchecked_ref::<MediaStream>()));
    JsFuture::from(screen.play()?).await?;
    while screen.is_connected() {
        // Between two frames there may be nothing to look at.
        if let Ok(codes) = JsFuture::from(detector.detect(screen)).await {
            let first = codes.unchecked_into::<Array>().get(0);
            let text = Reflect::get(&first, &"rawValue".into());
            if let Some(text) = text.ok().and_then(|text| text.as_string()) {
                return Ok(text);
            }
        }
        sleep(LOOK_MS).await;
    }
    Err(JsValue::NULL)
}

/// The camera's light goes out.
fn stop(screen: &HtmlVideoElement) {
    if let Some(stream) = screen.src_object() {
        for track in stream.get_tracks().iter() {
            track.unchecked_into::<MediaStreamTrack>().stop();
        }
    }
    screen.set_src_object(None);
}
