//! The page: every screen. It owns no key; it asks the engine and shows what
//! comes back.

mod app;
mod drop;
mod failure;
mod file_type;
mod icon;
mod kept;
mod load;
mod part;
mod prelude;
mod route;
mod save;
mod screen;
mod sharing;
mod shell;
mod theme;
mod transfers;
mod upload;
mod view;

use reactive_graph::owner::Owner;

use self::app::Phase;
use self::prelude::*;
use crate::bridge::{Stage, Start};
use crate::text::Language;

/// Shows the page in the document's body.
pub(crate) fn mount() {
    // Fails only where it was done before.
    let _ = any_spawner::Executor::init_wasm_bindgen();
    let owner = Owner::new();
    owner.with(|| {
        let language = RwSignal::new(Language::default());
        theme::start(language);
        route::follow_address();
        transfers::guard_reload();
        let body = document().body();
        let body = El::of(body.map_or_else(|| view::missing("body"), Into::into));
        clear_splash();
        let _ = body.show(move || language.get(), move |_| page(language));
        begin();
    });
    // The page lives until it is closed.
    std::mem::forget(owner);
}

fn clear_splash() {
    if let Some(splash) = document().get_element_by_id("splash") {
        splash.remove();
    }
}

fn page(language: RwSignal<Language>) -> El {
    let app = app();
    div("app")
        .show(
            move || app.phase.get(),
            move |phase| screen::of_phase(&phase, language),
        )
        .child(part::dialog::host())
        .child(part::menu::host())
        .child(part::toast::host())
        .child(part::dialog::announcer())
}

/// Starts the engine, unless the page is one that cannot work.
fn begin() {
    let app = app();
    if !window().is_secure_context() {
        app.phase.set(Phase::Insecure);
        return;
    }
    let events = bridge::connect(move |engine| app.engine.set(engine));
    act(app.listen(events));
    act(open());
    if !app::knows_account() {
        // What a stranger sees needs no engine, which is on its way.
        app.phase
            .set(Phase::Stage(Stage::LoggedOut { handle: None }));
    }
}

/// Asks what there is in this browser, and shows it.
pub(crate) async fn open() {
    match bridge::call(Start {}).await {
        Ok(stage) => {
            let is_nobody = matches!(stage, Stage::LoggedOut { .. });
            app().enter(stage);
            if is_nobody && let Err(failure) = bridge::call(bridge::GetServer {}).await {
                // Shown at the top: the landing page is worth reading meanwhile.
                if failure.is_passing() {
                    app().connection.set(bridge::Connection::Offline);
                }
            }
        }
        Err(failure) => match failure.kind {
            FailureKind::Tampered(_) => app().phase.set(Phase::Tampered(failure)),
            _ => app().phase.set(Phase::Failed(failure)),
        },
    }
}
