//! Screens, and which of them is shown.

mod activity;
mod admin;
mod blocked;
mod decrypt;
pub(crate) mod files;
mod gate;
mod help;
mod home;
mod landing;
mod login;
mod note;
mod notes;
mod preview;
mod recover;
mod settings;
pub(crate) mod shared;
mod sheet;
mod signup;
mod strength;
mod trash;

use super::app::Phase;
use super::prelude::*;
use super::shell;
use crate::bridge::Stage;
use crate::text::Language;

pub(crate) use help::open as open_help;

/// What is shown as things stand.
pub(crate) fn of_phase(phase: &Phase, language: RwSignal<Language>) -> El {
    match phase {
        Phase::Starting => blocked::starting(),
        Phase::Insecure => blocked::insecure(),
        Phase::Failed(failure) => blocked::failed(failure),
        Phase::Tampered(failure) => blocked::tampered(failure),
        Phase::Crashed => blocked::crashed(),
        Phase::Stage(Stage::LoggedOut { handle }) => outside(handle.clone(), language),
        Phase::Stage(Stage::AwaitsFirstCode { handle }) => signup::awaits_code(handle),
        Phase::Stage(Stage::Open(identity)) => shell::shell(identity, language),
        Phase::Stage(Stage::Unreachable { handle }) => blocked::unreachable(handle),
        Phase::Stage(Stage::Elsewhere) => blocked::elsewhere(),
    }
}

/// For whoever is not logged in.
fn outside(handle: Option<String>, language: RwSignal<Language>) -> El {
    let known = handle.is_some();
    div("outside").show(
        move || app().route.get(),
        move |route| match route {
            Route::LogIn => login::log_in(handle.as_deref()),
            Route::SignUp { invite } => signup::sign_up(invite.as_deref()),
            Route::Recover => recover::recover(handle.as_deref()),
            Route::Decrypt => decrypt::page(),
            Route::Home if known => login::log_in(handle.as_deref()),
            Route::Home => landing::landing(language),
            // A bookmark, or the place where the session ended: log in first.
            _ => login::log_in(handle.as_deref()),
        },
    )
}

/// For whoever is logged in: the screen of a route.
pub(crate) fn of_route(route: &Route, language: RwSignal<Language>) -> El {
    match route {
        Route::Home | Route::LogIn | Route::SignUp { .. } | Route::Recover => home::home(),
        Route::Decrypt => decrypt::decrypt(),
        Route::Files(place) => files::files(*place),
        Route::Notes => notes::notes(),
        Route::Note(id) => note::note(*id),
        Route::NewNote(place) => note::new_note(*place),
        Route::View(id) => preview::preview(*id),
        Route::Trash => trash::trash(),
        Route::Shared(tab) => shared::shared(*tab),
        Route::Activity(share) => activity::activity(*share),
        Route::Settings(tab) => settings::settings(*tab, language),
        Route::Admin(tab) => admin::admin(*tab),
    }
}
