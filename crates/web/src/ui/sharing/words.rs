//! Roles, times and trust, in words and signs.

use js_sys::Date;

use crate::bridge::{PersonTag, Role, Trust};
use crate::ui::part::{field, format};
use crate::ui::prelude::*;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;
const NEVER: &str = "never";
const ON_DATE: &str = "date";
const AS_NOW: &str = "now";

/// Roles that can be given, by power.
const ROLES: [Role; 4] = [Role::Viewer, Role::Contributor, Role::Editor, Role::Manager];

pub(crate) const fn role_name(role: Role) -> Text {
    match role {
        Role::Viewer => t::ROLE_VIEWER,
        Role::Contributor => t::ROLE_CONTRIBUTOR,
        Role::Editor => t::ROLE_EDITOR,
        Role::Manager => t::ROLE_MANAGER,
        Role::Owner => t::ROLE_OWNER,
    }
}

/// What a role allows, in one sentence.
const fn role_text(role: Role, is_group: bool) -> Text {
    match (role, is_group) {
        (Role::Viewer, false) => t::MAY_VIEW,
        (Role::Contributor, false) => t::MAY_CONTRIBUTE,
        (Role::Editor, false) => t::MAY_EDIT,
        (Role::Manager | Role::Owner, false) => t::MAY_MANAGE,
        (Role::Viewer, true) => t::IN_GROUP_VIEW,
        (Role::Contributor, true) => t::IN_GROUP_CONTRIBUTE,
        (Role::Editor, true) => t::IN_GROUP_EDIT,
        (Role::Manager | Role::Owner, true) => t::IN_GROUP_MANAGE,
    }
}

/// Chooses a role; each says what it allows.
pub(crate) fn role_field(role: RwSignal<Role>, is_group: bool) -> El {
    let (id, name) = (field::fresh_id(), field::fresh_id());
    let choices = ROLES.map(|each| {
        let input = field::fresh_id();
        el("label")
            .class("role-choice")
            .html_for(&input)
            .child(
                el("input")
                    .kind("radio")
                    .class("form-check-input")
                    .id(&input)
                    .name_of(&name)
                    .prop_with("checked", move || role.get() == each)
                    .on("change", move |_: web_sys::Event| role.set(each)),
            )
            .child(
                span("role-words")
                    .child(span("choice-title").say(role_name(each)))
                    .child(span("form-text").say(role_text(each, is_group))),
            )
    });
    div("field")
        .child(div("form-label").id(&id).say(t::ROLE))
        .child(
            div("role-choices")
                .role("radiogroup")
                .aria("aria-labelledby", &id)
                .children(choices),
        )
}

/// When access ends, being chosen.
#[derive(Clone, Copy)]
pub(crate) struct Ending {
    now: Option<u64>,
    choice: RwSignal<String>,
    day: RwSignal<String>,
}

impl Ending {
    /// `now` is how it stands.
    pub(crate) fn new(now: Option<u64>) -> Self {
        let first = if now.is_some() { AS_NOW } else { NEVER };
        Self {
            now,
            choice: RwSignal::new(first.to_owned()),
            day: RwSignal::new(String::new()),
        }
    }

    /// What was chosen, Unix milliseconds; nothing for a day that is no
    /// possible end.
    pub(crate) fn chosen(self) -> Option<Option<u64>> {
        let choice = self.choice.get_untracked();
        match choice.as_str() {
            NEVER => Some(None),
            AS_NOW => Some(self.now),
            ON_DATE => {
                let day = self.day.get_untracked();
                let end = Date::new(&format!("{day}T23:59:59").into()).get_time();
                (end > Date::now()).then_some(Some(end as u64))
            }
            days => {
                let days: u64 = days.parse().ok()?;
                Some(Some(Date::now() as u64 + days * DAY_MS))
            }
        }
    }

    /// The field.
    pub(crate) fn field(self) -> El {
        let as_now = self
            .now
            .map(|ms| (AS_NOW, t::ENDS_AS_NOW.with(&[&format::time(ms)])));
        let mut choices: Vec<(&str, String)> = as_now.into_iter().collect();
        choices.push((NEVER, t::ENDS_NEVER.get().to_owned()));
        for (days, count) in [("1", 1), ("7", 7), ("30", 30)] {
            choices.push((days, t::ENDS_IN.count(count)));
        }
        choices.push((ON_DATE, t::ENDS_ON.get().to_owned()));
        let (choice, day) = (self.choice, self.day);
        div("ending")
            .child(field::choice(t::ENDS, choice, choices).build())
            .show_if(
                move || choice.with(|choice| choice == ON_DATE),
                move || {
                    field::text(t::END_DATE, day)
                        .input(|input| input.kind("date"))
                        .build()
                },
            )
    }
}

/// `until 3 Dec 2026, 10:00`, if it ends at all.
pub(crate) fn until(ms: Option<u64>) -> Option<String> {
    ms.map(|ms| t::UNTIL.with(&[&format::time(ms)]))
}

/// Several names as one text.
pub(crate) fn names(names: &[String]) -> String {
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => t::AND.with(&[&before.join(", "), last]),
    }
}

/// A sign for how sure it is who somebody is.
pub(crate) fn trust_sign(trust: Option<Trust>) -> Option<El> {
    let (class, picture, text) = match trust? {
        Trust::Verified => ("trust is-verified", Icon::ShieldCheck, t::TRUST_VERIFIED),
        Trust::Unverified => ("trust", Icon::QuestionCircle, t::TRUST_UNVERIFIED),
        Trust::Rotated => ("trust is-warm", Icon::Key, t::TRUST_ROTATED),
        Trust::Changed => ("trust is-danger", Icon::ShieldExclamation, t::TRUST_CHANGED),
        Trust::Gone => ("trust", Icon::Ban, t::TRUST_GONE),
    };
    Some(span(class).child(icon(picture)).child(span("").say(text)))
}

/// A sign for keys that are not those of the account.
pub(crate) fn ghost_sign() -> El {
    span("trust is-danger")
        .child(icon(Icon::ShieldExclamation))
        .child(span("").say(t::TRUST_GHOST))
}

/// Somebody's first letter, or the sign of a group.
pub(crate) fn face(who: &PersonTag, is_group: bool) -> El {
    let face = span("avatar").aria("aria-hidden", "true");
    if is_group {
        return face.class("is-group").child(icon(Icon::People));
    }
    let first = who.name.chars().take(1);
    let initial: String = first.flat_map(char::to_uppercase).collect();
    face.class("is-person").text(&initial)
}
