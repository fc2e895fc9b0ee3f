//! Keys of a keyboard, as the protocol wants them.

use serde_json::{Value, json};

/// A key, perhaps with Ctrl or Shift.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    key: &'static str,
    code: &'static str,
    number: u32,
    text: &'static str,
    modifiers: u32,
}

const CTRL: u32 = 2;
const SHIFT: u32 = 8;

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident $key:literal $code:literal $number:literal $text:literal;)*) => {
        impl Key {
            $($(#[$doc])* pub const $name: Self = Self {
                key: $key, code: $code, number: $number, text: $text, modifiers: 0,
            };)*
        }
    };
}

keys! {
    /// Enter.
    ENTER "Enter" "Enter" 13 "\r";
    /// Escape.
    ESCAPE "Escape" "Escape" 27 "";
    /// Tab.
    TAB "Tab" "Tab" 9 "";
    /// Space.
    SPACE " " "Space" 32 " ";
    /// Delete.
    DELETE "Delete" "Delete" 46 "";
    /// F2.
    F2 "F2" "F2" 113 "";
    /// F10.
    F10 "F10" "F10" 121 "";
    /// Home.
    HOME "Home" "Home" 36 "";
    /// End.
    END "End" "End" 35 "";
    /// Down.
    DOWN "ArrowDown" "ArrowDown" 40 "";
    /// Up.
    UP "ArrowUp" "ArrowUp" 38 "";
    /// Left.
    LEFT "ArrowLeft" "ArrowLeft" 37 "";
    /// Right.
    RIGHT "ArrowRight" "ArrowRight" 39 "";
    /// a.
    A "a" "KeyA" 65 "a";
    /// s.
    S "s" "KeyS" 83 "s";
    /// z.
    Z "z" "KeyZ" 90 "z";
    /// /.
    SLASH "/" "Slash" 191 "/";
    /// ?.
    QUESTION "?" "Slash" 191 "?";
}

impl Key {
    /// With Ctrl held.
    #[must_use]
    pub const fn ctrl(self) -> Self {
        Self {
            modifiers: self.modifiers | CTRL,
            text: "",
            ..self
        }
    }

    /// With Shift held.
    #[must_use]
    pub const fn shift(self) -> Self {
        Self {
            modifiers: self.modifiers | SHIFT,
            ..self
        }
    }

    /// Down and up, as parameters of `Input.dispatchKeyEvent`.
    pub(super) fn strokes(self) -> [Value; 2] {
        let stroke = |kind: &str| {
            json!({
                "type": kind,
                "key": self.key,
                "code": self.code,
                "windowsVirtualKeyCode": self.number,
                "modifiers": self.modifiers,
            })
        };
        let mut down = stroke(if self.text.is_empty() {
            "rawKeyDown"
        } else {
            "keyDown"
        });
        down["text"] = self.text.into();
        if self.modifiers == CTRL && self.key == "a" {
            // Headless Chromium has no menu that knows what Ctrl+A means.
            down["commands"] = json!(["selectAll"]);
        }
        [down, stroke("keyUp")]
    }
}
