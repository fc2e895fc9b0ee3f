//! Where the page is. The place stands after the `#` of the address, which no
//! browser sends to a server: neither the server nor its log learns which
//! screen somebody looks at, and any reload asks for the same page.

use wasm_bindgen::JsValue;

use super::app::app;
use super::view::{listen_while_shown, window};
use crate::bridge::{ItemId, Place};
use reactive_graph::traits::{GetUntracked, Set};

/// What stands for a lost and found folder in the address.
const LOST: &str = "lost";

/// A screen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    /// Landing, or home when somebody is logged in.
    Home,
    LogIn,
    /// With an invitation from the link.
    SignUp {
        invite: Option<String>,
    },
    Recover,
    /// Opens a sealed file without any server.
    Decrypt,
    Files(Place),
    Notes,
    /// A note, read and written.
    Note(ItemId),
    /// A note that is not there yet.
    NewNote(Place),
    /// A file, looked at.
    View(ItemId),
    Trash,
    Settings(SettingsTab),
    Admin(AdminTab),
}

/// A part of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SettingsTab {
    Security,
    Devices,
    Appearance,
    Data,
}

/// A part of the administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum AdminTab {
    People,
    Invitations,
    Server,
}

impl Route {
    /// The screen that the address asks for. Takes an invitation out of the
    /// address bar, where the next person would see it.
    pub(crate) fn here() -> Self {
        let location = window().location();
        let hash = location.hash().unwrap_or_default();
        let path = location.pathname().unwrap_or_default();
        let route = Self::parse(&path, &hash);
        if path != "/" || hash.starts_with("#invite=") {
            replace(&route);
        }
        route
    }

    fn parse(path: &str, hash: &str) -> Self {
        if let Some(code) = hash.strip_prefix("#invite=") {
            let invite = Some(code.to_owned()).filter(|code| is_invitation(code));
            return Self::SignUp { invite };
        }
        if path == "/signup" && hash.is_empty() {
            return Self::SignUp { invite: None };
        }
        let mut steps = hash.trim_start_matches("#/").split('/');
        let (first, second) = (steps.next().unwrap_or_default(), steps.next());
        Self::of(first, second).unwrap_or(Self::Home)
    }

    fn of(first: &str, second: Option<&str>) -> Option<Self> {
        let item = || second?.parse::<ItemId>().ok();
        Some(match first {
            "login" => Self::LogIn,
            "signup" => Self::SignUp { invite: None },
            "recover" => Self::Recover,
            "decrypt" => Self::Decrypt,
            "files" => Self::Files(place(second)?),
            "notes" => Self::Notes,
            "note" => Self::Note(item()?),
            "new-note" => Self::NewNote(place(second)?),
            "view" => Self::View(item()?),
            "trash" => Self::Trash,
            "settings" => Self::Settings(SettingsTab::of(second)),
            "admin" => Self::Admin(AdminTab::of(second)),
            _ => return None,
        })
    }

    /// As it stands in the address.
    pub(crate) fn to_hash(&self) -> String {
        match self {
            Self::Home => "#/".to_owned(),
            Self::LogIn => "#/login".to_owned(),
            Self::SignUp { .. } => "#/signup".to_owned(),
            Self::Recover => "#/recover".to_owned(),
            Self::Decrypt => "#/decrypt".to_owned(),
            Self::Files(at) => format!("#/files{}", place_text(*at)),
            Self::Notes => "#/notes".to_owned(),
            Self::Note(id) => format!("#/note/{id}"),
            Self::NewNote(at) => format!("#/new-note{}", place_text(*at)),
            Self::View(id) => format!("#/view/{id}"),
            Self::Trash => "#/trash".to_owned(),
            Self::Settings(tab) => format!("#/settings/{}", tab.word()),
            Self::Admin(tab) => format!("#/admin/{}", tab.word()),
        }
    }
}

impl SettingsTab {
    pub(crate) const ALL: [Self; 4] = [Self::Security, Self::Devices, Self::Appearance, Self::Data];

    fn of(word: Option<&str>) -> Self {
        let found = Self::ALL.into_iter().find(|tab| Some(tab.word()) == word);
        found.unwrap_or(Self::Security)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Devices => "devices",
            Self::Appearance => "appearance",
            Self::Data => "data",
        }
    }
}

impl AdminTab {
    pub(crate) const ALL: [Self; 3] = [Self::People, Self::Invitations, Self::Server];

    fn of(word: Option<&str>) -> Self {
        let found = Self::ALL.into_iter().find(|tab| Some(tab.word()) == word);
        found.unwrap_or(Self::People)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Invitations => "invitations",
            Self::Server => "server",
        }
    }
}

fn place(word: Option<&str>) -> Option<Place> {
    let word = match word {
        None | Some("") => return Some(Place::Root),
        Some(word) => word,
    };
    if word == LOST {
        return Some(Place::LostAndFound(None));
    }
    if let Some((share, LOST)) = word.split_once('.') {
        return share.parse().ok().map(|id| Place::LostAndFound(Some(id)));
    }
    let share = word.parse().map(Place::Share);
    share.or_else(|_| word.parse().map(Place::Folder)).ok()
}

fn place_text(place: Place) -> String {
    match place {
        Place::Root => String::new(),
        Place::Share(share) => format!("/{share}"),
        Place::LostAndFound(None) => format!("/{LOST}"),
        Place::LostAndFound(Some(share)) => format!("/{share}.{LOST}"),
        Place::Folder(id) => format!("/{id}"),
    }
}

fn is_invitation(code: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (1..=64).contains(&code.len()) && code.chars().all(is_plain)
}

/// Goes to a screen; the browser's back button leads here again.
pub(crate) fn go(route: Route) {
    let hash = route.to_hash();
    let _ = window().location().set_hash(&hash);
    // The event comes later and finds the page there already.
    arrive(route);
}

/// Goes to a screen in the place of this one.
pub(crate) fn go_instead(route: Route) {
    replace(&route);
    arrive(route);
}

/// Goes back, or to `otherwise` where this is the first page.
pub(crate) fn go_back(otherwise: Route) {
    match window().history() {
        Ok(history) if history.length().unwrap_or(0) > 1 => {
            let _ = history.back();
        }
        _ => go_instead(otherwise),
    }
}

fn replace(route: &Route) {
    if let Ok(history) = window().history() {
        let url = format!("/{}", route.to_hash());
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&url));
    }
}

fn arrive(route: Route) {
    let app = app();
    app.search.set(String::new());
    if app.route.get_untracked().to_hash() != route.to_hash() {
        app.route.set(route);
    }
}

/// Follows the browser's back and forward buttons.
pub(crate) fn follow_address() {
    listen_while_shown(&window(), "hashchange", |_: web_sys::Event| {
        super::part::dialog::close();
        arrive(Route::here());
    });
}
