//! A QR code, drawn here: the secret in it goes nowhere else.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

use crate::ui::prelude::*;
use crate::ui::view::svg;

/// Modules of quiet zone that readers want around it.
const QUIET: usize = 4;

/// Draws a text as a QR code; `None` if it is too long for one.
pub(crate) fn qr(text: &str, label: Text) -> Option<El> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (index, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (index % width + QUIET, index / width + QUIET);
            // Writing to a string does not fail.
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    let side = width + 2 * QUIET;
    Some(
        svg("svg")
            .class("qr")
            .view_box(side)
            .role("img")
            .label(label)
            .child(svg("path").path_data(&path)),
    )
}
