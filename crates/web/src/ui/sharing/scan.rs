//! Reading somebody's code with the camera. The pictures go to an engine that
//! looks for a code in them, and nowhere else.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

use futures::future::{Either, select};
use js_sys::{Object, Reflect};
use reactive_graph::owner::on_cleanup;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    CanvasRenderingContext2d, DomException, Event, HtmlCanvasElement, HtmlVideoElement,
    MediaStream, MediaStreamConstraints, MediaStreamTrack,
};

use crate::bridge::{ReadCode, Reader, Sight};
use crate::ui::part::state;
use crate::ui::prelude::*;
use crate::ui::view::{listen_while_shown, sleep};

/// Milliseconds between an answer and the next look: a few looks a second.
const LOOK_MS: i32 = 150;
/// Milliseconds that one picture may take to read.
const READ_MS: i32 = 3000;
/// The side of a picture that is looked at, pixels at most.
const SIDE: u32 = 640;

/// What the camera does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Camera {
    Off,
    On,
    /// It does not film, and why.
    Failed(Text),
}

/// The button, and the picture while the camera is on; `found` gets what was
/// read.
pub(super) fn view(name: &str, found: impl Fn(String) + Clone + 'static) -> El {
    let camera = RwSignal::new(Camera::Off);
    let label = t::SCAN.with(&[name]);
    let has_begun = Cell::new(false);
    let start = move || {
        let start = button("btn btn-outline")
            .child(icon(Icon::Camera))
            .child(span("").text(&label))
            .on_click(move || camera.set(Camera::On));
        match has_begun.replace(true) {
            true => start.focus_when_shown(),
            false => start,
        }
    };
    div("scanner").show(
        move || camera.get(),
        move |now| match now {
            Camera::On => picture(camera, found.clone()),
            Camera::Off => start(),
            Camera::Failed(why) => div("")
                .role("alert")
                .child(state::alert("alert-warning", Icon::Camera, why.get()))
                .child(start()),
        },
    )
}

fn picture(camera: RwSignal<Camera>, found: impl Fn(String) + 'static) -> El {
    let video = el("video").class("scanner-picture").label(t::CAMERA);
    let screen: HtmlVideoElement = video.node().clone().unchecked_into();
    screen.set_muted(true);
    let _ = screen.set_attribute("playsinline", "");
    let (is_shown, is_foreign) = (Rc::new(Cell::new(true)), RwSignal::new(false));
    // Not stopped with the view: a camera that comes later must be switched off.
    act({
        let (screen, is_shown) = (screen.clone(), is_shown.clone());
        async move {
            let read = film(&screen, &is_shown, is_foreign).await;
            if !is_shown.get() {
                return;
            }
            match read {
                Ok(text) => {
                    camera.set(Camera::Off);
                    found(text);
                }
                Err(error) => camera.set(Camera::Failed(why(&error))),
            }
        }
    });
    let kept = SendWrapper::new((screen, is_shown));
    on_cleanup(move || {
        let (screen, is_shown) = kept.take();
        is_shown.set(false);
        if let Some(stream) = screen.src_object() {
            stop(&stream);
        }
        screen.set_src_object(None);
    });
    // A page that nobody sees does not film.
    listen_while_shown(&document(), "visibilitychange", move |_: Event| {
        if document().hidden() {
            camera.set(Camera::Off);
        }
    });
    let status = div("").role("status").show(
        move || is_foreign.get(),
        |is_foreign| match is_foreign {
            true => state::alert("alert-warning", Icon::QuestionCircle, t::SCAN_FOREIGN.get()),
            false => el("p").class("form-text").say(t::SCANNING),
        },
    );
    div("")
        .child(div("scanner-view").child(video))
        .child(status)
        .child(
            button("btn btn-quiet")
                .say(t::STOP_SCAN)
                .on_click(move || camera.set(Camera::Off))
                // Brings the picture above it into sight.
                .focus_when_shown(),
        )
}

/// Films until there is a code of ours, or nobody looks any more. The next
/// picture is taken when the last was answered.
async fn film(
    screen: &HtmlVideoElement,
    is_shown: &Cell<bool>,
    is_foreign: RwSignal<bool>,
) -> Result<String, JsValue> {
    let stream = open().await?;
    if !is_shown.get() {
        stop(&stream);
        return Err(JsValue::NULL);
    }
    screen.set_src_object(Some(&stream));
    JsFuture::from(screen.play()?).await?;
    let canvas = canvas()?;
    let mut reader = start_reader().await?;
    while is_shown.get() && stream.active() {
        if let Some(picture) = look(screen, &canvas)? {
            match read(&mut reader, picture).await {
                Some(Sight::Code(text)) => return Ok(text),
                Some(Sight::Foreign) if is_shown.get() => is_foreign.set(true),
                Some(_) => {}
                None => reader = start_reader().await?,
            }
        }
        sleep(LOOK_MS).await;
    }
    Err(JsValue::NULL)
}

/// What there is in a picture; none if the reader does not survive it, or does
/// not come to an end with it.
async fn read(reader: &mut Reader, picture: ReadCode) -> Option<Sight> {
    let limit = pin!(sleep(READ_MS));
    match select(pin!(reader.read(picture)), limit).await {
        Either::Left((sight, _)) => sight,
        Either::Right(_) => None,
    }
}

async fn start_reader() -> Result<Reader, JsValue> {
    Reader::start().await.map_err(|_| JsValue::NULL)
}

/// Asks for a camera, the one at the back if there are two.
async fn open() -> Result<MediaStream, JsValue> {
    let wanted = Object::new();
    Reflect::set(&wanted, &"facingMode".into(), &"environment".into())?;
    // As many pixels as the middle of it is looked at with.
    Reflect::set(&wanted, &"height".into(), &SIDE.into())?;
    let constraints = MediaStreamConstraints::new();
    constraints.set_video(&wanted);
    let devices = window().navigator().media_devices()?;
    let stream = JsFuture::from(devices.get_user_media_with_constraints(&constraints)?).await?;
    Ok(stream.unchecked_into())
}

/// Where pictures are drawn to be read.
fn canvas() -> Result<CanvasRenderingContext2d, JsValue> {
    let canvas: HtmlCanvasElement = el("canvas").node().clone().unchecked_into();
    let options = Object::new();
    Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
    let context = canvas.get_context_with_context_options("2d", &options)?;
    Ok(context.ok_or(JsValue::NULL)?.unchecked_into())
}

/// The middle of what the camera sees, which is what the page shows; none
/// before its first picture.
fn look(
    screen: &HtmlVideoElement,
    canvas: &CanvasRenderingContext2d,
) -> Result<Option<ReadCode>, JsValue> {
    let (width, height) = (screen.video_width(), screen.video_height());
    let side = width.min(height);
    let size = side.min(SIDE);
    let Some(drawn) = canvas.canvas().filter(|_| size > 0) else {
        return Ok(None);
    };
    if drawn.width() != size || drawn.height() != size {
        drawn.set_width(size);
        drawn.set_height(size);
    }
    let (left, top) = (
        f64::from(width - side) / 2.0,
        f64::from(height - side) / 2.0,
    );
    let (side, whole) = (f64::from(side), f64::from(size));
    canvas.draw_image_with_html_video_element_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
        screen, left, top, side, side, 0.0, 0.0, whole, whole,
    )?;
    let colours = canvas.get_image_data(0.0, 0.0, whole, whole)?.data();
    Ok(Some(ReadCode {
        width: size as usize,
        grey: colours.chunks_exact(4).map(brightness).collect(),
    }))
}

/// How bright a pixel is, of red, green and blue (BT.601, in 256ths).
fn brightness(pixel: &[u8]) -> u8 {
    let weighed = pixel.iter().zip([77, 150, 29]);
    let sum: u32 = weighed
        .map(|(part, weight)| u32::from(*part) * weight)
        .sum();
    (sum >> 8) as u8
}

/// What keeps the camera from filming.
fn why(error: &JsValue) -> Text {
    let name = error.dyn_ref::<DomException>().map(DomException::name);
    match name.as_deref() {
        Some("NotAllowedError") => t::CAMERA_DENIED,
        Some("NotFoundError") => t::CAMERA_NONE,
        _ => t::CAMERA_BUSY,
    }
}

/// The camera's light goes out.
fn stop(stream: &MediaStream) {
    for track in stream.get_tracks().iter() {
        track.unchecked_into::<MediaStreamTrack>().stop();
    }
}
