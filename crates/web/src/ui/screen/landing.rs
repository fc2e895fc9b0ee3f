//! What this is, and what the host can and cannot see.

use crate::bridge::{Engine, GetServer};
use crate::text::Language;
use crate::ui::part::state;
use crate::ui::prelude::*;
use crate::ui::shell::mark;
use crate::ui::theme::choose_language;
use sv_api::account::SignupPolicy;

/// The landing page.
pub(super) fn landing(language: RwSignal<Language>) -> El {
    document().set_title("SecureVault");
    let server = load(|| {
        app().revision.get();
        GetServer {}
    });
    div("landing")
        .child(
            el("header")
                .class("landing-head wide")
                .child(
                    el("a")
                        .class("brand")
                        .href(&Address::screen(&Route::Home))
                        .child(mark())
                        .child(span("").text("SecureVault")),
                )
                .child(
                    el("nav")
                        .class("landing-nav")
                        .label(t::MAIN_NAVIGATION)
                        .child(language_button(language))
                        .child(link("btn btn-quiet", t::LOG_IN, &Route::LogIn)),
                ),
        )
        .child(
            el("main")
                .id("content")
                .tab_index("-1")
                .child(hero(server))
                .child(sees())
                .child(closing()),
        )
        .child(
            el("footer")
                .class("wide landing-foot")
                .child(span("").text_with(move || match server.get() {
                    Loaded::Ready(server) => format!("SecureVault {} · AGPL-3.0", server.version),
                    _ => "SecureVault · AGPL-3.0".to_owned(),
                }))
                .child(link("link", t::DECRYPT_TOOL, &Route::Decrypt)),
        )
}

fn link(classes: &'static str, label: Text, route: &Route) -> El {
    el("a")
        .class(classes)
        .say(label)
        .href(&Address::screen(route))
}

fn language_button(language: RwSignal<Language>) -> El {
    let other = Language::spoken().other();
    button("btn btn-quiet")
        .lang(other.code())
        .text(other.own_name())
        .on_click(move || choose_language(language, other))
}

fn hero(server: RwSignal<Loaded<bridge::ServerInfo>>) -> El {
    let is_slow = RwSignal::new(false);
    later_while_shown(4000, move || is_slow.set(true));
    let state = move || match server.get() {
        Loaded::Waiting if is_slow.get() => Some(Err(state::what_takes_long())),
        Loaded::Waiting => None,
        Loaded::Failed(_) => Some(Err(t::AWAY_LANDING)),
        Loaded::Ready(server) => Some(Ok(match server.signup {
            SignupPolicy::Open => t::SIGNUP_OPEN,
            SignupPolicy::Invite => t::SIGNUP_INVITE,
            SignupPolicy::Closed => t::SIGNUP_CLOSED,
        })),
    };
    el("section")
        .class("hero wide")
        .child(
            div("hero-words")
                .child(el("h1").data_start().say(t::LANDING_TITLE))
                .child(el("p").class("lead").say(t::LANDING_LEAD))
                .child(
                    div("hero-actions")
                        .child(link(
                            "btn btn-primary btn-lg",
                            t::SIGN_UP,
                            &Route::SignUp { invite: None },
                        ))
                        .child(link("btn btn-outline btn-lg", t::LOG_IN, &Route::LogIn)),
                )
                .child(div("hero-state").role("status").show(
                    move || (app().engine.get() == Engine::Missing, state()),
                    |(is_missing, state)| match state {
                        _ if is_missing => Some(state::engine_missing()),
                        Some(Ok(words)) => Some(el("p").class("form-text").say(words)),
                        Some(Err(words)) => Some(state::waiting_for(words)),
                        None => None,
                    },
                )),
        )
        .child(journey())
}

/// A folder on a device arrives on the server as sealed blocks.
fn journey() -> El {
    let files = [
        (Icon::FolderFill, t::EXAMPLE_FOLDER, true),
        (Icon::FileEarmarkPdf, t::EXAMPLE_PDF, false),
        (Icon::FileEarmarkImage, t::EXAMPLE_IMAGE, false),
        (Icon::JournalText, t::EXAMPLE_NOTE, false),
    ];
    let blocks = [
        "8f1c 47a0 e93b 5d12 6a7e",
        "03bd 9e64 f128 c05a 71d9",
        "d4e7 1b92 60cf a83e 2f45",
        "5a90 c6f3 3e17 b84d 09ec",
    ];
    el("figure")
        .class("journey")
        .label(t::JOURNEY)
        .child(
            div("place")
                .child(el("p").class("where").say(t::ON_YOUR_DEVICE))
                .child(
                    el("ul").children(files.into_iter().map(|(picture, name, is_folder)| {
                        el("li")
                            .class(if is_folder { "is-folder" } else { "is-inside" })
                            .child(icon(picture))
                            .child(span("").say(name))
                    })),
                ),
        )
        .child(
            div("journey-lock")
                .aria("aria-hidden", "true")
                .child(span("journey-disc").child(icon(Icon::Lock))),
        )
        .child(
            div("place is-sealed")
                .child(el("p").class("where").say(t::ON_THE_SERVER))
                .child(
                    el("ul")
                        .aria("aria-hidden", "true")
                        .children(blocks.map(|block| el("li").text(block))),
                ),
        )
}

fn sees() -> El {
    let card = |class: &'static str, picture: Icon, title: Text, lines: &[Text]| {
        div("sees-card")
            .class(class)
            .child(el("h3").child(icon(picture)).child(span("").say(title)))
            .child(el("ul").children(lines.iter().map(|line| el("li").say(*line))))
    };
    el("section").class("sees").child(
        div("wide")
            .child(el("h2").say(t::SEES_TITLE))
            .child(el("p").class("intro").say(t::SEES_INTRO))
            .child(
                div("sees-cards")
                    .child(card(
                        "is-never",
                        Icon::EyeSlash,
                        t::SEES_NEVER,
                        &[t::NEVER_1, t::NEVER_2, t::NEVER_3, t::NEVER_4],
                    ))
                    .child(card(
                        "is-seen",
                        Icon::Eye,
                        t::SEES_THIS,
                        &[t::SEEN_1, t::SEEN_2, t::SEEN_3, t::SEEN_4],
                    ))
                    .child(card(
                        "is-possible",
                        Icon::ShieldExclamation,
                        t::SEES_COULD,
                        &[t::COULD_1, t::COULD_2, t::COULD_3],
                    )),
            ),
    )
}

fn closing() -> El {
    el("section").class("wide closing").child(state::alert(
        "alert-info",
        Icon::Key,
        t::NO_RESET.get(),
    ))
}
