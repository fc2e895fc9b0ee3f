//! Adding people and groups: found one by one, said what they will see, and
//! given access together.

use web_sys::{KeyboardEvent, SubmitEvent};

use super::panel::{Panel, View};
use super::words::{Ending, face, names, role_field, trust_sign};
use crate::bridge::{
    AccessInfo, Found, GiveAccess, Invitee, ListContacts, LookUp, PersonTag, Role, ShareId,
    ShareState, Trust,
};
use crate::ui::part::{field, format, state};
use crate::ui::prelude::*;

/// Suggestions at once.
const SUGGESTED: usize = 6;

/// Who is to be added, and on what terms.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    typed: RwSignal<String>,
    chosen: RwSignal<Vec<Chosen>>,
    role: RwSignal<Role>,
    ending: Ending,
    history: RwSignal<bool>,
    contacts: RwSignal<Vec<PersonTag>>,
}

/// Somebody on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Chosen {
    name: String,
    is: Is,
}

/// What there is under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Is {
    /// Not known yet.
    Asked,
    Person(Option<Trust>),
    Pending,
    You,
    Impossible,
    Group(ShareId),
    /// The server did not say.
    Unknown,
}

impl Is {
    /// Whether access can be given.
    const fn is_possible(&self) -> bool {
        match self {
            Self::Person(trust) => !matches!(trust, Some(Trust::Changed | Trust::Gone)),
            Self::Pending | Self::Group(_) => true,
            Self::Asked | Self::You | Self::Impossible | Self::Unknown => false,
        }
    }
}

impl Draft {
    pub(super) fn new() -> Self {
        Self {
            typed: RwSignal::new(String::new()),
            chosen: RwSignal::new(Vec::new()),
            role: RwSignal::new(Role::Viewer),
            ending: Ending::new(None),
            history: RwSignal::new(false),
            contacts: RwSignal::new(Vec::new()),
        }
    }

    /// Whether somebody is on the list.
    pub(super) fn has_any(self) -> bool {
        self.chosen.with(|chosen| !chosen.is_empty()) || self.typed.with(|t| !t.trim().is_empty())
    }

    fn clear(self) {
        self.chosen.set(Vec::new());
        self.typed.set(String::new());
    }

    /// Takes what was typed: several names may stand in it.
    fn take_typed(self) {
        let typed = self.typed.get_untracked();
        self.typed.set(String::new());
        let names = typed.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
        for name in names.map(|name| name.trim_start_matches('@')) {
            if !name.is_empty() {
                self.add(name.to_owned(), Is::Asked);
            }
        }
        self.look_up();
    }

    fn add(self, name: String, is: Is) {
        self.chosen.update(|chosen| {
            if !chosen
                .iter()
                .any(|one| one.name == name && is_same_kind(&one.is, &is))
            {
                chosen.push(Chosen { name, is });
            }
        });
    }

    fn look_up(self) {
        let asked: Vec<String> = self.chosen.with_untracked(|chosen| {
            let asked = chosen.iter().filter(|one| one.is == Is::Asked);
            asked.map(|one| one.name.clone()).collect()
        });
        if asked.is_empty() {
            return;
        }
        let chosen = self.chosen;
        task(async move {
            let call = LookUp {
                names: asked.clone(),
            };
            let found = bridge::call(call).await;
            chosen.update(|chosen| match found {
                Ok(found) => {
                    for (name, found) in asked.iter().zip(found) {
                        learn(chosen, name, found);
                    }
                }
                Err(_) => {
                    for one in chosen.iter_mut().filter(|one| asked.contains(&one.name)) {
                        one.is = Is::Unknown;
                    }
                }
            });
        });
    }
}

const fn is_same_kind(a: &Is, b: &Is) -> bool {
    matches!(a, Is::Group(_)) == matches!(b, Is::Group(_))
}

fn learn(chosen: &mut Vec<Chosen>, name: &str, found: Found) {
    let at = |one: &Chosen| one.name == name && one.is == Is::Asked;
    let Some(index) = chosen.iter().position(at) else {
        return;
    };
    let now = match found {
        Found::Person(tag) => Chosen {
            name: tag.name,
            is: Is::Person(tag.trust),
        },
        Found::Pending(name) => Chosen {
            name,
            is: Is::Pending,
        },
        Found::You => Chosen {
            name: name.to_owned(),
            is: Is::You,
        },
        Found::Impossible => Chosen {
            name: name.to_owned(),
            is: Is::Impossible,
        },
    };
    // The same person may have been typed in two ways.
    let is_doubled = chosen.iter().enumerate().any(|(other, one)| {
        other != index && one.name == now.name && !matches!(one.is, Is::Group(_))
    });
    if is_doubled {
        chosen.remove(index);
    } else if let Some(one) = chosen.get_mut(index) {
        *one = now;
    }
}

/// The part of the dialog that adds.
pub(super) fn section(panel: Panel, is_group: bool) -> El {
    let draft = panel.draft;
    let contacts = draft.contacts;
    task(async move {
        if let Ok(known) = bridge::call(ListContacts {}).await {
            contacts.set(known);
        }
    });
    let label = if is_group {
        t::ADD_MEMBERS
    } else {
        t::ADD_PEOPLE
    };
    let name = field::text(label, draft.typed)
        .input(|input| {
            // On a phone the focus would bring up the keyboard over the rest.
            let input = match app().is_narrow.get_untracked() {
                true => input,
                false => input.data_first(),
            };
            input.autocomplete("off").spelling_off().max_len(200).on(
                "keydown",
                move |event: KeyboardEvent| {
                    if event.key() == "," {
                        event.prevent_default();
                        draft.take_typed();
                    }
                },
            )
        })
        .help(t::ADD_HELP)
        .beside(
            el("button")
                .kind("submit")
                .class("btn btn-outline")
                .say(t::ADD)
                .disabled_if(move || draft.typed.with(|typed| typed.trim().is_empty())),
        );
    let form =
        el("form")
            .novalidate()
            .child(name.build())
            .on("submit", move |event: SubmitEvent| {
                event.prevent_default();
                draft.take_typed();
            });
    div("add-people")
        .child(form)
        .child(suggestions(draft, is_group))
        .child(list(panel))
        .child(div("").show_if(
            move || draft.chosen.with(|chosen| !chosen.is_empty()),
            move || terms(panel, is_group),
        ))
        .child(panel.submit.alert())
}

/// Whom one may mean: people who are known, and groups.
fn suggestions(draft: Draft, is_group: bool) -> El {
    let fitting = move || {
        let typed = draft.typed.with(|typed| typed.trim().to_lowercase());
        let groups = app().share_list.with(|list| match list {
            Loaded::Ready(rows) if !is_group => rows
                .iter()
                .filter(|row| row.is_group && row.state == ShareState::Accepted)
                .map(|row| (row.name.clone(), Some(row.share)))
                .collect(),
            _ => Vec::new(),
        });
        let people = draft.contacts.with(|contacts| {
            let good = contacts
                .iter()
                .filter(|tag| !matches!(tag.trust, Some(Trust::Changed | Trust::Gone)));
            good.map(|tag| (tag.name.clone(), None)).collect::<Vec<_>>()
        });
        let chosen = draft.chosen.get();
        let is_new = |(name, group): &(String, Option<ShareId>)| {
            let is_group = group.is_some();
            let mut all = chosen.iter();
            !all.any(|one| one.name == *name && matches!(one.is, Is::Group(_)) == is_group)
        };
        let fits = |(name, _): &(String, _)| name.to_lowercase().contains(&typed);
        let all = people.into_iter().chain(groups);
        all.filter(is_new)
            .filter(fits)
            .take(SUGGESTED)
            .collect::<Vec<_>>()
    };
    div("").show(fitting, move |fitting| {
        (!fitting.is_empty()).then(|| {
            let each = fitting.into_iter().map(move |(name, group)| {
                let label = t::ADD_ONE.with(&[&name]);
                let who = PersonTag {
                    name: name.clone(),
                    trust: None,
                };
                el("li").child(
                    button("suggestion")
                        .aria("aria-label", &label)
                        .child(face(&who, group.is_some()))
                        .child(span("").text(&name))
                        .on_click(move || {
                            draft.typed.set(String::new());
                            match group {
                                Some(group) => draft.add(name.clone(), Is::Group(group)),
                                None => draft.add(name.clone(), Is::Asked),
                            }
                            draft.look_up();
                        }),
                )
            });
            el("ul")
                .class("suggestions")
                .label(t::SUGGESTIONS)
                .children(each)
        })
    })
}

/// Those on the list, each with what is known.
fn list(panel: Panel) -> El {
    let chosen = panel.draft.chosen;
    el("ul")
        .class("chosen-people")
        .label(t::CHOSEN_PEOPLE)
        .aria_with("aria-hidden", move || {
            chosen.with(Vec::is_empty).then(|| "true".to_owned())
        })
        .each(
            move || chosen.get(),
            |one| (one.name.clone(), matches!(one.is, Is::Group(_))),
            move |one| row(panel, one),
        )
}

fn row(panel: Panel, one: &Chosen) -> El {
    let who = PersonTag {
        name: one.name.clone(),
        trust: None,
    };
    let is_bad = !one.is.is_possible() && one.is != Is::Asked;
    let text = |text: Text| span("form-text").say(text);
    let line = match &one.is {
        Is::Asked => text(t::LOOKING),
        Is::Person(Some(Trust::Changed)) => text(t::IS_CHANGED),
        Is::Person(trust) => span("").child(trust_sign(*trust)),
        Is::Pending => text(t::IS_PENDING),
        Is::You => text(t::IS_YOU),
        Is::Impossible => text(t::IS_IMPOSSIBLE),
        Is::Group(_) => text(t::IS_GROUP),
        Is::Unknown => text(t::NOT_LOOKED_UP),
    };
    let has_access = panel.info_now().is_some_and(|info| is_member(&info, one));
    let line = line.child(has_access.then(|| span("form-text").say(t::HAS_ACCESS)));
    let checked = one.name.clone();
    let check = matches!(one.is, Is::Person(trust) if trust != Some(Trust::Verified)).then(|| {
        button("btn btn-outline btn-sm")
            .aria("aria-label", &t::CHECK_PERSON.with(&[&one.name]))
            .say(t::CHECK)
            .on_click(move || panel.view.set(View::Safety(checked.clone())))
    });
    let (gone, chosen) = (one.clone(), panel.draft.chosen);
    let item = el("li").class("chosen-person");
    let item = if is_bad { item.class("is-bad") } else { item };
    item.child(face(&who, matches!(one.is, Is::Group(_))))
        .child(
            div("member-words")
                .child(span("member-name").text(&one.name))
                .child(line),
        )
        .child(check)
        .child(
            button("btn btn-icon")
                .aria("aria-label", &t::NOT_ADDED.with(&[&one.name]))
                .child(icon(Icon::XLg))
                .on_click(move || chosen.update(|all| all.retain(|one| *one != gone))),
        )
}

fn is_member(info: &AccessInfo, one: &Chosen) -> bool {
    info.members.iter().any(|member| match &one.is {
        Is::Group(group) => member.group == Some(*group),
        Is::Person(_) => member.group.is_none() && member.who.name == one.name,
        _ => false,
    })
}

/// Role, end, and what it comes to.
fn terms(panel: Panel, is_group: bool) -> El {
    let draft = panel.draft;
    let has_older = panel
        .info_now()
        .is_some_and(|info| info.share.is_none() && info.contents.older_versions > 0);
    div("")
        .child(role_field(draft.role, is_group))
        .child(draft.ending.field())
        .child(has_older.then(|| field::check(t::WITH_HISTORY, draft.history)))
        .child(statement(panel, is_group))
}

/// Says who will see what.
fn statement(panel: Panel, is_group: bool) -> El {
    let draft = panel.draft;
    div("who-sees").role("note").label(t::WHO_SEES_WHAT).show(
        move || (draft.chosen.get(), draft.history.get(), panel.info()),
        move |(chosen, history, info)| {
            let info = info?;
            let good: Vec<&Chosen> = chosen.iter().filter(|one| one.is.is_possible()).collect();
            if good.is_empty() {
                return None;
            }
            let all: Vec<String> = good.iter().map(|one| one.name.clone()).collect();
            let of = |wanted: fn(&Is) -> bool| -> Vec<String> {
                let some = good.iter().filter(|one| wanted(&one.is));
                some.map(|one| one.name.clone()).collect()
            };
            let pending = of(|is| *is == Is::Pending);
            let unverified = of(|is| *is == Is::Person(Some(Trust::Unverified)));
            let line = |text: String| el("p").text(&text);
            let contents = if is_group {
                div("").child(line(t::SEES_GROUP.with(&[&names(&all)])))
            } else {
                div("")
                    .child(line(sees(&info, &names(&all), history)))
                    .child(line(t::STAYS_WHERE_IT_IS.get().to_owned()))
            };
            let waits =
                (!pending.is_empty()).then(|| line(t::PENDING_LATER.with(&[&names(&pending)])));
            let warns = (!unverified.is_empty()).then(|| {
                state::alert(
                    "alert-warning",
                    Icon::ShieldExclamation,
                    &t::UNVERIFIED_WARNING.with(&[&names(&unverified)]),
                )
            });
            Some(
                div("")
                    .child(
                        div("alert alert-info").child(icon(Icon::Eye)).child(
                            contents
                                .class("alert-text")
                                .child(line(t::SEE_EACH_OTHER.get().to_owned()))
                                .child(waits),
                        ),
                    )
                    .child(warns),
            )
        },
    )
}

fn sees(info: &AccessInfo, names: &str, history: bool) -> String {
    let contents = &info.contents;
    let bytes = if history {
        contents.all_versions_bytes
    } else {
        contents.bytes
    };
    let first = t::SEES_FILES.count_with(contents.files, &[names, &format::bytes(bytes)]);
    let versions = match (info.share.is_some(), contents.older_versions) {
        (_, 0) => return first,
        // What is shared already is shared as it is.
        (true, older) => t::SEES_HISTORY.with(&[&format::count(older)]),
        (false, older) if history => t::SEES_HISTORY.with(&[&format::count(older)]),
        (false, _) => t::SEES_CURRENT.get().to_owned(),
    };
    format!("{first} {versions}")
}

/// Gives access to those on the list.
pub(super) fn send(panel: Panel) {
    let (draft, submit) = (panel.draft, panel.submit);
    if !draft.typed.get_untracked().trim().is_empty() {
        // What was typed is looked up first, and looked at.
        draft.take_typed();
        return;
    }
    let chosen = draft.chosen.get_untracked();
    if let Some(bad) = chosen.iter().find(|one| !one.is.is_possible()) {
        if bad.is == Is::Unknown {
            draft.chosen.update(|all| {
                all.iter_mut()
                    .filter(|one| one.is == Is::Unknown)
                    .for_each(|one| one.is = Is::Asked);
            });
            draft.look_up();
        } else if bad.is != Is::Asked {
            submit.refuse(t::REMOVE_FIRST.with(&[&bad.name]));
        }
        return;
    }
    if chosen.is_empty() {
        return submit.refuse(t::NOBODY_ADDED.get());
    }
    let Some(expires_ms) = draft.ending.chosen() else {
        return submit.refuse(t::END_DATE_WRONG.get());
    };
    let invitees = chosen.iter().map(|one| match one.is {
        Is::Group(group) => Invitee::Group(group),
        _ => Invitee::Person(one.name.clone()),
    });
    let call = GiveAccess {
        target: panel.target_now(),
        invitees: invitees.collect(),
        role: draft.role.get_untracked(),
        expires_ms,
        with_history: draft.history.get_untracked(),
    };
    submit.run(async move {
        let done = bridge::call(call).await?;
        let groups = done.granted.iter().map(|name| {
            let name = name.strip_prefix("group:").unwrap_or(name);
            name.to_owned()
        });
        let granted: Vec<String> = groups.collect();
        let mut said = Vec::new();
        if !granted.is_empty() {
            said.push(t::GIVEN.with(&[&names(&granted)]));
        }
        if !done.pending.is_empty() {
            said.push(t::GIVEN_PENDING.with(&[&names(&done.pending)]));
        }
        draft.clear();
        panel.became(done.share);
        panel.done(said.join(". "), None);
        Ok(())
    });
}
