//! Codes in a picture of the camera: the page films, and this reads. No picture
//! is kept.

use rqrr::PreparedImage;

/// Texts of all QR codes that can be read in a picture, of so many pixels in a
/// row, each as bright as its byte says. Nothing, if the last row is not whole.
pub fn codes(width: usize, grey: &[u8]) -> Vec<String> {
    let rows = grey.chunks_exact(width.max(1));
    if width == 0 || !rows.remainder().is_empty() {
        return Vec::new();
    }
    let pixel = |x, y| grey.get(y * width + x).copied().unwrap_or_default();
    let mut picture = PreparedImage::prepare_from_greyscale(width, rows.len(), pixel);
    let grids = picture.detect_grids();
    let read = grids.iter().filter_map(|grid| grid.decode().ok());
    read.map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use qrcode::{Color, EcLevel, QrCode};

    use super::*;

    /// As long as a person's code is.
    const CODE: &str = "svid1-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v\
        MDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiYw";
    /// Side of a picture.
    const SIDE: usize = 640;

    /// A camera that does not see well.
    #[derive(Clone, Copy)]
    struct Camera {
        /// Pixels of a module in the middle.
        module: f64,
        /// How much the sheet is turned, radians, and leans back.
        turn: f64,
        lean: f64,
        /// Brightness of ink and of paper, and how far either may be off.
        light: (f64, f64),
        noise: u32,
    }

    const GOOD: Camera = Camera {
        module: 8.0,
        turn: 0.0,
        lean: 0.0,
        light: (20.0, 240.0),
        noise: 0,
    };

    impl Camera {
        /// Takes a picture of a sheet on a grey table.
        fn picture(self, text: &str) -> Vec<u8> {
            let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
            let (width, modules) = (code.width(), code.to_colors());
            let (middle, half) = (SIDE as f64 / 2.0, width as f64 / 2.0);
            let mut dice = dice(7);
            let mut pixel = |at: usize| {
                let (x, y) = ((at % SIDE) as f64 - middle, (at / SIDE) as f64 - middle);
                let scale = self.module * (1.0 + self.lean * y / middle);
                let (sin, cos) = self.turn.sin_cos();
                let across = (x * cos + y * sin) / scale + half;
                let down = (y * cos - x * sin) / scale + half;
                let is_in = |at: f64, from: f64| (-from..width as f64 + from).contains(&at);
                let (ink, paper) = self.light;
                let light = if !is_in(across, 4.0) || !is_in(down, 4.0) {
                    f64::midpoint(ink, paper)
                } else if is_in(across, 0.0)
                    && is_in(down, 0.0)
                    && modules[down as usize * width + across as usize] == Color::Dark
                {
                    ink
                } else {
                    paper
                };
                let off = dice() % (2 * self.noise + 1);
                (light + f64::from(off) - f64::from(self.noise)).clamp(0.0, 255.0) as u8
            };
            (0..SIDE * SIDE).map(&mut pixel).collect()
        }
    }

    /// Numbers without order, always the same.
    fn dice(mut seed: u32) -> impl FnMut() -> u32 {
        move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 16
        }
    }

    /// A person's code is read by a bad camera: from far away, turned, leaning,
    /// in poor light. Any other code is as well.
    #[test]
    fn a_code_is_read_as_a_camera_sees_it() {
        for (what, camera) in [
            ("straight", GOOD),
            (
                "near",
                Camera {
                    module: 11.0,
                    ..GOOD
                },
            ),
            (
                "far",
                Camera {
                    module: 4.0,
                    ..GOOD
                },
            ),
            ("turned", Camera { turn: 0.3, ..GOOD }),
            ("on its side", Camera { turn: 1.6, ..GOOD }),
            ("upside down", Camera { turn: 3.3, ..GOOD }),
            ("leaning", Camera { lean: 0.12, ..GOOD }),
            (
                "dim",
                Camera {
                    light: (25.0, 90.0),
                    ..GOOD
                },
            ),
            ("grainy", Camera { noise: 40, ..GOOD }),
        ] {
            assert_eq!(codes(SIDE, &camera.picture(CODE)), [CODE], "{what}");
        }
        let foreign = GOOD.picture("https://example.org");
        assert_eq!(codes(SIDE, &foreign), ["https://example.org"]);
    }

    /// Whatever is held in front of the camera, reading it comes to an end.
    #[test]
    fn what_is_no_code_is_none() {
        assert!(codes(0, &[]).is_empty());
        assert!(codes(0, &[1]).is_empty());
        assert!(codes(3, &[1, 2, 3, 4]).is_empty());
        assert!(codes(1, &[1]).is_empty());
        for light in [0, 128, 255] {
            assert!(codes(SIDE, &[light; SIDE * SIDE]).is_empty());
        }
        let mut dice = dice(1);
        for round in 0..60 {
            let side = [1, 2, 3, 20, 64, 200][round % 6];
            let noise: Vec<u8> = (0..side * side).map(|_| dice() as u8).collect();
            assert!(codes(side, &noise).is_empty());
        }
        // A code of which anything is wrong is read rightly or not at all.
        let whole = Camera {
            module: 4.0,
            ..GOOD
        }
        .picture(CODE);
        for _ in 0..120 {
            let mut picture = whole.clone();
            let (left, top) = (160 + dice() as usize % 320, 160 + dice() as usize % 320);
            let (side, light) = (8 + dice() as usize % 120, dice() as u8);
            for row in picture.chunks_exact_mut(SIDE).skip(top).take(side) {
                for pixel in row.iter_mut().skip(left).take(side) {
                    *pixel = light ^ (dice() as u8 & 0x7f);
                }
            }
            let read = codes(SIDE, &picture);
            assert!(read.iter().all(|text| text == CODE), "{read:?}");
        }
    }
}
