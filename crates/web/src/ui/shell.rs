//! What is around every screen of an open account: where one can go, search,
//! transfers, and how the server is.

use wasm_bindgen::JsCast;
use web_sys::{Event, KeyboardEvent, MouseEvent};

use super::app::is_offline;
use super::part::{dialog, menu, meter, toast};
use super::prelude::*;
use super::route::{AdminTab, SettingsTab};
use super::screen::{files, of_route, open_help};
use super::view::listen_while_shown;
use super::{transfers, upload};
use crate::bridge::{Identity, LogOut, Place};
use crate::text::Language;

/// The whole page of an open account.
pub(crate) fn shell(identity: &Identity, language: RwSignal<Language>) -> El {
    keys();
    let app = app();
    let main = el("main").class("main").id("content").tab_index("-1").show(
        move || {
            let is_searching = app.search.with(|text| !text.trim().is_empty());
            (!is_searching).then(|| app.route.get())
        },
        move |route| match route {
            Some(route) => {
                app.announcement.set(String::new());
                of_route(&route, language).once_shown(|_| {
                    if !is_typing() && !dialog::is_open() {
                        dialog::focus_content();
                    }
                })
            }
            None => files::search(),
        },
    );
    div("shell")
        .child(skip_link())
        .child(side(identity))
        .child(
            div("center")
                .child(top(identity))
                .child(offline_bar())
                .child(main)
                .child(bottom()),
        )
        .child(transfers::panel())
        .child(upload::pickers(place_now))
}

fn skip_link() -> El {
    button("skip")
        .say(t::SKIP_TO_CONTENT)
        .on_click(dialog::focus_content)
}

/// Where new things go: the folder that is shown, or the drive.
fn place_now() -> Place {
    match app().route.get_untracked() {
        Route::Files(place) if files::choose::takes(place) => place,
        _ => Place::Root,
    }
}

fn brand() -> El {
    el("a")
        .class("brand")
        .href(&Address::screen(&Route::Home))
        .child(mark())
        .child(span("").text("SecureVault"))
}

/// The product's mark, drawn as on its icon.
pub(crate) fn mark() -> El {
    use super::view::svg;
    svg("svg").class("brand-mark").view_box(64).aria("aria-hidden", "true").children([
        svg("path").class("brand-ground").path_data("M15 0h34a15 15 0 0 1 15 15v34a15 15 0 0 1-15 15H15A15 15 0 0 1 0 49V15A15 15 0 0 1 15 0z"),
        svg("path").class("brand-wheel").path_data("M50 32a18 18 0 1 1-36 0 18 18 0 0 1 36 0zM32 8v6M32 50v6M8 32h6M50 32h6"),
        svg("path").class("brand-key").path_data("M32 25a5 5 0 0 1 2.6 9.3l1.4 6.2h-8l1.4-6.2A5 5 0 0 1 32 25z"),
    ])
}

fn side(identity: &Identity) -> El {
    let account = app().account;
    let storage = div("side-storage").show(
        move || account.get(),
        |account| account.map(|account| meter::storage(account.used_bytes, account.quota_bytes)),
    );
    el("aside")
        .class("side")
        .child(brand())
        .child(new_button("btn btn-primary side-new", true))
        .child(
            el("nav")
                .class("side-nav")
                .label(t::MAIN_NAVIGATION)
                .children(destinations().into_iter().map(nav_link))
                .show(
                    move || {
                        account.with(|account| account.as_ref().is_some_and(|a| a.administrator))
                    },
                    |is_admin| is_admin.then(|| nav_link(admin())),
                ),
        )
        .child(storage)
        .child(account_button(identity, "side-account"))
}

struct Destination {
    picture: Icon,
    label: Text,
    route: Route,
    is_here: fn(&Route) -> bool,
}

fn destinations() -> [Destination; 5] {
    [
        Destination {
            picture: Icon::House,
            label: t::HOME,
            route: Route::Home,
            is_here: |route| matches!(route, Route::Home),
        },
        Destination {
            picture: Icon::Folder,
            label: t::FILES,
            route: Route::Files(Place::Root),
            is_here: |route| matches!(route, Route::Files(_) | Route::View(_)),
        },
        Destination {
            picture: Icon::JournalText,
            label: t::NOTES,
            route: Route::Notes,
            is_here: |route| matches!(route, Route::Notes | Route::Note(_) | Route::NewNote(_)),
        },
        Destination {
            picture: Icon::Trash3,
            label: t::TRASH,
            route: Route::Trash,
            is_here: |route| matches!(route, Route::Trash),
        },
        Destination {
            picture: Icon::Gear,
            label: t::SETTINGS,
            route: Route::Settings(SettingsTab::Security),
            is_here: |route| matches!(route, Route::Settings(_) | Route::Decrypt),
        },
    ]
}

fn admin() -> Destination {
    Destination {
        picture: Icon::People,
        label: t::ADMIN,
        route: Route::Admin(AdminTab::People),
        is_here: |route| matches!(route, Route::Admin(_)),
    }
}

fn nav_link(to: Destination) -> El {
    let is_here = to.is_here;
    let link = el("a")
        .class("nav-item")
        .href(&Address::screen(&to.route))
        .aria_with("aria-current", move || {
            let here = app().search.with(String::is_empty) && is_here(&app().route.get());
            here.then(|| "page".to_owned())
        })
        .child(icon(to.picture))
        .child(span("").say(to.label))
        .on("click", |_: Event| app().search.set(String::new()));
    match to.route {
        Route::Files(place) => super::drop::target(link, place, None),
        _ => link,
    }
}

/// On a phone: the same places with the thumb, and what makes new things.
fn bottom() -> El {
    let nav = el("nav")
        .class("bottom-nav")
        .label(t::MAIN_NAVIGATION)
        .children(destinations().into_iter().map(nav_link));
    let makes_new = || {
        matches!(
            app().route.get(),
            Route::Home | Route::Files(_) | Route::Notes
        )
    };
    div("bottom")
        .show_if(makes_new, || new_button("btn btn-primary fab", false))
        .child(nav)
}

fn new_button(classes: &'static str, has_label: bool) -> El {
    button(classes)
        .hint(t::NEW)
        .aria("aria-haspopup", "menu")
        .aria_with("aria-disabled", || {
            app().is_read_only.get().then(|| "true".to_owned())
        })
        .child(icon(Icon::PlusLg))
        .child(has_label.then(|| span("").say(t::NEW)))
        .on("click", |event: MouseEvent| {
            if app().is_read_only.get_untracked() {
                return toast::warn(t::FAILED_READ_ONLY.get());
            }
            if let Some(anchor) = event.current_target() {
                let anchor: &web_sys::Element = anchor.unchecked_ref();
                let at = anchor.get_bounding_client_rect();
                menu::open((at.left(), at.bottom() + 4.0), t::NEW.get(), new_items());
            }
        })
}

fn new_items() -> Vec<menu::Item> {
    let place = place_now();
    let mut items = vec![
        menu::Item::new(Icon::Upload, t::UPLOAD_FILES, || upload::Pick::Files.open()),
        menu::Item::new(Icon::CloudUpload, t::UPLOAD_FOLDER, || {
            upload::Pick::Folder.open()
        }),
    ];
    if app().is_narrow.get_untracked() {
        items.push(menu::Item::new(Icon::Camera, t::TAKE_PHOTO, || {
            upload::Pick::Photo.open()
        }));
    }
    items.push(
        menu::Item::new(Icon::FolderPlus, t::NEW_FOLDER, move || {
            files::actions::new_folder(place)
        })
        .after_line(),
    );
    items.push(menu::Item::new(Icon::JournalPlus, t::NEW_NOTE, move || {
        go(Route::NewNote(place))
    }));
    items
}

fn top(identity: &Identity) -> El {
    el("header")
        .class("top")
        .child(div("only-narrow").child(brand_small()))
        .child(search_box())
        .child(transfers::button_at_top())
        .child(
            button("btn btn-icon only-wide")
                .hint(t::KEYBOARD_HELP)
                .child(icon(Icon::QuestionCircle))
                .on_click(open_help),
        )
        .child(account_button(identity, "top-account only-narrow"))
}

fn brand_small() -> El {
    el("a")
        .class("brand")
        .label(t::HOME)
        .href(&Address::screen(&Route::Home))
        .child(mark())
}

fn search_box() -> El {
    let search = app().search;
    div("search")
        .role("search")
        .child(icon(Icon::Search))
        .child(
            el("input")
                .kind("search")
                .id("search")
                .class("form-control")
                .label(t::SEARCH_LABEL)
                .placeholder(t::SEARCH)
                .autocomplete("off")
                .spelling_off()
                .bind(search)
                .on("keydown", |event: KeyboardEvent| {
                    match event.key().as_str() {
                        "Escape" => {
                            app().search.set(String::new());
                            dialog::focus_content();
                            event.stop_propagation();
                        }
                        "ArrowDown" | "Enter" => {
                            if let Ok(Some(list)) = document().query_selector("[data-list]") {
                                event.prevent_default();
                                El::of(list).focus();
                            }
                        }
                        _ => {}
                    }
                }),
        )
        .child(
            el("kbd")
                .class("search-key only-wide")
                .aria("aria-hidden", "true")
                .text("/"),
        )
}

fn account_button(identity: &Identity, classes: &'static str) -> El {
    let initial: String = identity
        .handle
        .chars()
        .take(1)
        .flat_map(char::to_uppercase)
        .collect();
    let (handle, title) = (identity.handle.clone(), identity.handle.clone());
    button("account")
        .class(classes)
        .aria("aria-label", &t::ACCOUNT_OF.with(&[&handle]))
        .aria("aria-haspopup", "menu")
        .child(span("avatar").aria("aria-hidden", "true").text(&initial))
        .child(span("account-name").text(&handle))
        .on("click", move |event: MouseEvent| {
            if let Some(anchor) = event.current_target() {
                menu::open_at(anchor.unchecked_ref(), &title, account_items());
            }
        })
}

fn account_items() -> Vec<menu::Item> {
    let mut items = vec![
        menu::Item::new(Icon::ShieldCheck, t::SECURITY, || {
            go(Route::Settings(SettingsTab::Security))
        }),
        menu::Item::new(Icon::Palette, t::APPEARANCE, || {
            go(Route::Settings(SettingsTab::Appearance))
        }),
    ];
    let account = app().account.get_untracked();
    if account.is_some_and(|account| account.administrator) {
        items.push(menu::Item::new(Icon::People, t::ADMIN, || {
            go(Route::Admin(AdminTab::People))
        }));
    }
    items.push(menu::Item::new(Icon::QuestionCircle, t::KEYBOARD_HELP, open_help).key("?"));
    items.push(menu::Item::new(Icon::BoxArrowRight, t::LOG_OUT, log_out).after_line());
    items
}

/// Ends the session. Transfers that are under way are asked about first.
pub(crate) fn log_out() {
    let leave = || async {
        let stage = bridge::call(LogOut {}).await?;
        app().enter(stage);
        super::route::go_instead(Route::Home);
        Ok(())
    };
    if transfers::is_any_running() {
        dialog::confirm(
            t::LOG_OUT,
            t::LOG_OUT_RUNNING.get().to_owned(),
            t::LOG_OUT,
            leave,
        );
    } else {
        toast::attempt(leave());
    }
}

fn offline_bar() -> El {
    div("").role("status").show(is_offline, |is_offline| {
        is_offline.then(|| {
            div("offline-bar")
                .child(icon(Icon::WifiOff))
                .child(span("").say(t::OFFLINE_BAR))
        })
    })
}

fn is_typing() -> bool {
    document().active_element().is_some_and(|focused| {
        matches!(focused.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
    })
}

/// Keys that work everywhere.
fn keys() {
    listen_while_shown(&document(), "keydown", |event: KeyboardEvent| {
        let is_command = event.ctrl_key() || event.meta_key() || event.alt_key();
        if is_command || is_typing() || dialog::is_open() {
            return;
        }
        match event.key().as_str() {
            "/" => {
                if let Some(search) = document().get_element_by_id("search") {
                    event.prevent_default();
                    El::of(search).focus();
                }
            }
            "?" => open_help(),
            "u" | "n" if app().is_read_only.get_untracked() => {
                toast::warn(t::FAILED_READ_ONLY.get());
            }
            "u" => upload::Pick::Files.open(),
            "n" => files::actions::new_folder(place_now()),
            _ => {}
        }
    });
}
