//! Keys, and what they do.

use crate::ui::part::dialog;
use crate::ui::prelude::*;

/// Opens the list of keys.
pub(crate) fn open() {
    dialog::open(|| {
        let group = |title: Text, keys: &[(&'static [&'static str], Text)]| {
            div("keys-group")
                .child(el("h3").say(title))
                .child(
                    el("dl")
                        .class("keys")
                        .children(keys.iter().flat_map(|(keys, what)| {
                            let names = keys.iter().map(|key| el("kbd").text(key));
                            [el("dt").children(names), el("dd").say(*what)]
                        })),
                )
        };
        let everywhere = group(
            t::KEYS_EVERYWHERE,
            &[
                (&["/"], t::KEY_SEARCH),
                (&["?"], t::KEY_HELP),
                (&["u"], t::UPLOAD_FILES),
                (&["n"], t::NEW_FOLDER),
                (&["Esc"], t::KEY_ESCAPE),
            ],
        );
        let list = group(
            t::KEYS_LIST,
            &[
                (&["↑", "↓"], t::KEY_ARROWS),
                (&["Home", "End"], t::KEY_ENDS),
                (&["Enter"], t::OPEN),
                (&["Space"], t::KEY_SELECT),
                (&["Shift", "↓"], t::KEY_RANGE),
                (&["Ctrl", "A"], t::CHOOSE_ALL),
                (&["F2"], t::RENAME),
                (&["Del"], t::TO_TRASH),
                (&["Ctrl", "C"], t::KEY_COPY),
                (&["Ctrl", "X"], t::KEY_CUT),
                (&["Ctrl", "V"], t::KEY_PASTE),
                (&["Shift", "F10"], t::KEY_MENU),
            ],
        );
        let done = button("btn btn-primary")
            .say(t::DONE)
            .data_first()
            .on_click(dialog::close);
        dialog::frame(
            t::KEYBOARD_HELP.get(),
            div("keys-help").child(everywhere).child(list),
            div("").child(done),
        )
    });
}
