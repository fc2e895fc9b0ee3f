//! Home: what was changed last, how much room there is, how safe things are.

use crate::bridge::{
    AccountInfo, ForgetInterrupted, InterruptedUpload, ListInterrupted, ListRecent, Place,
    ResumeInterrupted, Row, ShareRow,
};
use crate::ui::file_type::row_icon;
use crate::ui::part::{format, meter, state, toast};
use crate::ui::prelude::*;
use crate::ui::route::{SettingsTab, SharedTab};
use crate::ui::sharing::{member, offer};
use crate::ui::upload;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement};

/// Recent items on the page.
const RECENT: usize = 12;
/// Shares on the page.
const SHARES: usize = 4;
/// Fewer backup codes than this are worth a word.
const FEW_CODES: u32 = 4;

/// The first screen of an open account.
pub(super) fn home() -> El {
    let account = app().account;
    let recent = load(|| {
        app().revision.get();
        ListRecent { count: RECENT }
    });
    div("page home-page")
        .child(state::title(t::HOME.get()).class("visually-hidden"))
        .child(interrupted())
        .child(offer::cards(|_| true))
        .child(
            div("home-columns")
                .child(
                    el("section")
                        .class("home-recent")
                        .label(t::RECENT)
                        .child(el("h2").say(t::RECENT))
                        .loaded(recent, |rows| recent_list(rows))
                        .child(shared_with_me()),
                )
                .child(el("aside").class("home-side").label(t::OVERVIEW).show(
                    move || account.get(),
                    |account| account.map(|account| cards(&account)),
                )),
        )
}

fn recent_list(rows: &[Row]) -> El {
    if rows.is_empty() {
        let action = div("empty-actions")
            .child(
                button("btn btn-primary")
                    .child(icon(Icon::Upload))
                    .child(span("").say(t::UPLOAD_FILES))
                    .on_click(|| upload::Pick::Files.open()),
            )
            .child(
                button("btn btn-outline")
                    .child(icon(Icon::JournalPlus))
                    .child(span("").say(t::NEW_NOTE))
                    .on_click(|| go(Route::NewNote(Place::Root))),
            );
        return state::empty(Icon::ShieldLock, t::WELCOME, t::WELCOME_TEXT, action);
    }
    el("ul")
        .class("recent")
        .children(rows.iter().map(recent_row))
}

/// The first of what others share.
fn shared_with_me() -> El {
    let theirs = || {
        app().share_list.with(|list| match list {
            Loaded::Ready(rows) => {
                let theirs = rows.iter().filter(|row| super::shared::is_theirs(row));
                theirs.take(SHARES).cloned().collect()
            }
            _ => Vec::new(),
        })
    };
    div("").show(theirs, |rows: Vec<ShareRow>| {
        (!rows.is_empty()).then(|| {
            el("section")
                .class("home-shared")
                .label(t::SHARED_WITH_ME)
                .child(el("h2").say(t::SHARED_WITH_ME))
                .child(
                    el("ul")
                        .class("recent")
                        .children(rows.iter().map(share_row)),
                )
                .child(
                    el("a")
                        .class("card-link")
                        .say(t::ALL_SHARES)
                        .href(&Address::screen(&Route::Shared(SharedTab::WithMe))),
                )
        })
    })
}

fn share_row(row: &ShareRow) -> El {
    let share = row.share;
    el("li").child(
        button("recent-row")
            .child(div("cell-icon is-folder").child(icon(Icon::FolderFill)))
            .child(
                div("cell-words")
                    .child(span("recent-name").text(&row.name))
                    .child(span("cell-line").text(&member::line(row))),
            )
            .on_click(move || go(Route::Files(Place::Share(share)))),
    )
}

fn recent_row(row: &Row) -> El {
    let opened = row.clone();
    let place = if row.within == "/" {
        t::DRIVE.get().to_owned()
    } else {
        row.within.trim_start_matches('/').to_owned()
    };
    let picture = match row.kind {
        bridge::ItemKind::Note => "cell-icon is-note",
        _ => "cell-icon",
    };
    el("li").child(
        button("recent-row")
            .child(div(picture).child(icon(row_icon(row))))
            .child(
                div("cell-words")
                    .child(span("recent-name").text(&row.name))
                    .child(span("cell-line").text(&place)),
            )
            .child(span("recent-time").text(&format::near(row.modified_ms)))
            .on_click(move || super::files::actions::open(&opened)),
    )
}

fn cards(account: &AccountInfo) -> El {
    div("home-cards")
        .child(
            div("card")
                .child(
                    el("h2")
                        .child(icon(Icon::Hdd))
                        .child(span("").say(t::STORAGE)),
                )
                .child(meter::storage(account.used_bytes, account.quota_bytes)),
        )
        .child(security(account))
}

fn security(account: &AccountInfo) -> El {
    let line = |is_good: bool, words: String| {
        let (class, picture) = if is_good {
            ("check-line is-good", Icon::CheckCircleFill)
        } else {
            ("check-line is-bad", Icon::ExclamationTriangleFill)
        };
        el("li")
            .class(class)
            .child(icon(picture))
            .child(span("").text(&words))
    };
    let left = account.backup_codes_left;
    let codes = if left < FEW_CODES {
        t::FEW_CODES_LEFT.count(u64::from(left))
    } else {
        t::CODES_LEFT.count(u64::from(left))
    };
    let factor = if account.has_authenticator {
        t::HAS_AUTHENTICATOR
    } else {
        t::NO_AUTHENTICATOR
    };
    div("card")
        .child(
            el("h2")
                .child(icon(Icon::ShieldCheck))
                .child(span("").say(t::SECURITY)),
        )
        .child(
            el("ul")
                .class("checks")
                .child(line(true, t::SEALED_ON_DEVICE.get().to_owned()))
                .child(line(account.has_authenticator, factor.get().to_owned()))
                .child(line(left >= FEW_CODES, codes)),
        )
        .child(
            el("a")
                .class("card-link")
                .say(t::SECURITY_SETTINGS)
                .href(&Address::screen(&Route::Settings(SettingsTab::Security))),
        )
}

/// Uploads that a reload cut off: taken up by choosing the same file again, or
/// at once where the browser kept a way to it.
fn interrupted() -> El {
    let again = RwSignal::new(0_u64);
    let found = load(move || {
        again.get();
        ListInterrupted {}
    });
    div("").show(
        move || match found.get() {
            Loaded::Ready(rows) => rows,
            _ => Vec::new(),
        },
        move |rows| {
            (!rows.is_empty()).then(|| {
                el("section")
                    .class("card interrupted")
                    .label(t::INTERRUPTED)
                    .child(
                        el("h2")
                            .child(icon(Icon::HourglassSplit))
                            .child(span("").say(t::INTERRUPTED)),
                    )
                    .child(el("p").class("form-text").say(t::INTERRUPTED_TEXT))
                    .child(el("ul").children(rows.iter().map(|row| interrupted_row(row, again))))
            })
        },
    )
}

fn interrupted_row(row: &InterruptedUpload, again: RwSignal<u64>) -> El {
    let (id, gone) = (row.id.clone(), row.id.clone());
    let picker = el("input")
        .takes_files("data-resume")
        .class("visually-hidden")
        .tab_index("-1")
        .aria("aria-label", &t::CHOOSE_AGAIN_FOR.with(&[&row.name]));
    let (chosen, clicked) = (row.id.clone(), picker.clone());
    let picker = picker.on("change", move |event: Event| {
        let input = event
            .target()
            .map(|input| input.unchecked_into::<HtmlInputElement>());
        let file = input.and_then(|input| input.files()?.get(0));
        if let Some(file) = file {
            let id = chosen.clone();
            toast::attempt(async move {
                bridge::call_with(bridge::ResumeInterrupted { id }, &[file.into()]).await?;
                crate::ui::app::bump(again);
                Ok(())
            });
        }
    });
    let has_handle = row.has_handle;
    let resume = button("btn btn-outline btn-sm")
        .say(if has_handle {
            t::RESUME
        } else {
            t::CHOOSE_AGAIN
        })
        .on_click(move || {
            if !has_handle {
                clicked.html().click();
                return;
            }
            let id = id.clone();
            toast::attempt(async move {
                bridge::call(ResumeInterrupted { id }).await?;
                crate::ui::app::bump(again);
                Ok(())
            });
        });
    let forget = button("btn btn-icon")
        .aria("aria-label", &t::FORGET_UPLOAD_OF.with(&[&row.name]))
        .child(icon(Icon::XLg))
        .on_click(move || {
            let id = gone.clone();
            toast::attempt(async move {
                bridge::call(ForgetInterrupted { id }).await?;
                crate::ui::app::bump(again);
                Ok(())
            });
        });
    el("li")
        .class("interrupted-row")
        .child(
            div("cell-words")
                .child(span("recent-name").text(&row.name))
                .child(span("cell-line").text(&format!(
                    "{} · {}",
                    row.within,
                    format::bytes(row.size)
                ))),
        )
        .child(picker)
        .child(resume)
        .child(forget)
}
