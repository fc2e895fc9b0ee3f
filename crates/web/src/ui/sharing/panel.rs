//! The dialog of everything shared and of every group: who is added, who has
//! access, and what can be done about each.

use std::rc::Rc;

use reactive_graph::owner::LocalStorage;

use super::add::Draft;
use super::words::{face, ghost_sign, role_name, trust_sign, until};
use super::{add, member, safety};
use crate::bridge::{
    AccessInfo, GetAccess, LeaveShare, MemberRow, PendingRow, PrincipalId, Role, ShareId, Target,
    Trust,
};
use crate::ui::app::bump;
use crate::ui::failure;
use crate::ui::part::form::Submit;
use crate::ui::part::{dialog, state, toast};
use crate::ui::prelude::*;

/// What the dialog shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum View {
    /// Who has access, and who is to be added.
    Main,
    /// A member.
    Member(PrincipalId),
    /// Somebody who is waited for.
    Pending(String),
    /// Whether somebody is who they say.
    Safety(String),
    /// Handing it over to a member.
    Transfer(PrincipalId),
}

/// Said in the dialog after something was done, with a way back.
#[derive(Clone)]
struct Notice {
    text: String,
    undo: Option<Rc<dyn Fn()>>,
    /// What did not come with it.
    warnings: Vec<String>,
}

/// The dialog's state.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    target: RwSignal<Target>,
    pub(super) view: RwSignal<View>,
    access: RwSignal<Loaded<AccessInfo>>,
    again: RwSignal<u64>,
    notice: RwSignal<Option<Notice>, LocalStorage>,
    notices: RwSignal<u64>,
    pub(super) draft: Draft,
    pub(super) submit: Submit,
}

/// Opens the dialog for a file, a folder, a share or a group.
pub(crate) fn open(target: Target) {
    dialog::open(move || {
        let panel = Panel::new(target);
        let body = div("d-contents").show(
            move || (panel.view.get(), panel.shown()),
            move |(view, loaded)| panel.page(&view, &loaded),
        );
        dialog::around(body).class("is-tall")
    });
}

impl Panel {
    fn new(target: Target) -> Self {
        let (target, again) = (RwSignal::new(target), RwSignal::new(0));
        let access = load(move || {
            again.get();
            app().shares.get();
            GetAccess {
                target: target.get(),
            }
        });
        Self {
            target,
            view: RwSignal::new(View::Main),
            access,
            again,
            notice: RwSignal::new_local(None),
            notices: RwSignal::new(0),
            draft: Draft::new(),
            submit: Submit::new(),
        }
    }

    /// What pages are built of: lists within them follow by themselves, so
    /// that what is being typed stays.
    fn shown(self) -> Loaded<(String, bool)> {
        match self.access.get() {
            Loaded::Waiting => Loaded::Waiting,
            Loaded::Failed(failure) => Loaded::Failed(failure),
            Loaded::Ready(info) => Loaded::Ready((info.name, info.is_group)),
        }
    }

    pub(super) fn info(self) -> Option<AccessInfo> {
        match self.access.get() {
            Loaded::Ready(info) => Some(info),
            _ => None,
        }
    }

    pub(super) fn info_now(self) -> Option<AccessInfo> {
        match self.access.get_untracked() {
            Loaded::Ready(info) => Some(info),
            _ => None,
        }
    }

    /// What access is given to: what is shared already is its vault.
    pub(super) fn target_now(self) -> Target {
        let share = self.share_now().map(Target::Share);
        share.unwrap_or_else(|| self.target.get_untracked())
    }

    pub(super) fn share_now(self) -> Option<ShareId> {
        self.info_now()?.share
    }

    /// It is a share from now on.
    pub(super) fn became(self, share: ShareId) {
        if self.target.get_untracked() != Target::Share(share) {
            self.target.set(Target::Share(share));
        }
        bump(self.again);
    }

    /// Says what was done, and shows how it stands now.
    pub(super) fn done(self, text: String, undo: Option<Rc<dyn Fn()>>) {
        self.done_but(text, undo, Vec::new());
    }

    /// The same, and what did not come with it.
    pub(super) fn done_but(self, text: String, undo: Option<Rc<dyn Fn()>>, warnings: Vec<String>) {
        // Its page is drawn anew with the notice in it, which nobody would hear.
        app().announce(text.clone());
        self.notice.set(Some(Notice {
            text,
            undo,
            warnings,
        }));
        bump(self.notices);
        bump(self.again);
        self.view.set(View::Main);
    }

    pub(super) fn home(self) -> Rc<dyn Fn()> {
        Rc::new(move || self.view.set(View::Main))
    }

    /// May decide who has access.
    fn manages(info: &AccessInfo) -> bool {
        info.role >= Role::Manager
    }

    fn page(self, view: &View, loaded: &Loaded<(String, bool)>) -> El {
        let close = || {
            button("btn btn-quiet")
                .say(t::CLOSE)
                .on_click(dialog::close)
        };
        match loaded {
            Loaded::Waiting => dialog::page(
                t::SHARE.get(),
                None,
                state::waiting(),
                div("").child(close().data_first()),
            ),
            Loaded::Failed(failure) => {
                let again = self.again;
                let retry = button("btn btn-primary")
                    .say(t::TRY_AGAIN)
                    .on_click(move || bump(again));
                let body = div("").role("alert").child(state::alert(
                    "alert-danger",
                    Icon::ExclamationTriangleFill,
                    &failure::words(failure),
                ));
                dialog::page(
                    t::SHARE.get(),
                    None,
                    body,
                    div("").child(close()).child(retry),
                )
            }
            Loaded::Ready((name, is_group)) => match view {
                View::Main => self.main(name, *is_group),
                View::Member(who) => member::page(self, *who),
                View::Pending(who) => member::pending_page(self, who),
                View::Transfer(who) => member::transfer_page(self, *who),
                View::Safety(who) => {
                    let parts = safety::parts(who, move || bump(self.again));
                    dialog::page(
                        &t::SAFETY_TITLE.with(&[who]),
                        Some(self.home()),
                        parts,
                        div("is-absent"),
                    )
                }
            },
        }
    }

    fn main(self, name: &str, is_group: bool) -> El {
        let title = if is_group {
            name.to_owned()
        } else {
            t::SHARE_TITLE.with(&[name])
        };
        let info = self.info_now();
        let manages = info.as_ref().is_some_and(Self::manages);
        // A part of something shared, which only a manager of that shares.
        let is_part = !manages && info.is_some_and(|info| info.share.is_none());
        let body = div("share-body")
            .child(self.notice())
            .child(manages.then(|| add::section(self, is_group)))
            .child(is_part.then(|| {
                let why = t::PART_NEEDS_MANAGER.get();
                state::alert("alert-info", Icon::InfoCircleFill, why)
            }))
            .child(self.who_has_access(is_group));
        let adds = move || self.draft.has_any();
        let buttons = div("")
            .child(self.leave_button(is_group))
            .show(adds, move |adds| {
                let row = div("d-contents");
                if adds {
                    let label = if is_group { t::ADD_TO_GROUP } else { t::SHARE };
                    row.child(dialog::cancel_button()).child(
                        self.submit
                            .button("btn btn-primary", label)
                            .kind("button")
                            .disabled_if(move || self.submit.is_busy() || self.draft.is_looking())
                            .on_click(move || add::send(self)),
                    )
                } else {
                    row.child(
                        button("btn btn-primary")
                            .say(t::DONE)
                            .on_click(dialog::close),
                    )
                }
            });
        dialog::page(&title, None, body, buttons)
    }

    fn notice(self) -> El {
        let notice = self.notice;
        div("").show(
            move || self.notices.get(),
            move |_| {
                notice.get_untracked().map(|said| {
                    let undo = said.undo.clone().map(|undo| {
                        button("btn btn-outline btn-sm")
                            .say(t::UNDO)
                            .on_click(move || {
                                notice.set(None);
                                bump(self.notices);
                                undo();
                            })
                    });
                    let warnings = said
                        .warnings
                        .iter()
                        .map(|text| state::alert("alert-warning", Icon::ShieldExclamation, text));
                    div("")
                        .child(
                            div("alert alert-info share-notice")
                                .child(icon(Icon::CheckCircleFill))
                                .child(div("alert-text").text(&said.text))
                                .child(undo),
                        )
                        .children(warnings)
                })
            },
        )
    }

    fn who_has_access(self, is_group: bool) -> El {
        let heading = if is_group {
            t::MEMBERS
        } else {
            t::WHO_HAS_ACCESS
        };
        div("").show_if(
            move || self.info().is_some_and(|info| info.share.is_some()),
            move || {
                let id = crate::ui::part::field::fresh_id();
                el("section")
                    .class("members")
                    .aria("aria-labelledby", &id)
                    .child(el("h3").id(&id).say(heading))
                    .child(
                        self.info_now()
                            .is_some_and(|info| !info.is_member)
                            .then(|| el("p").class("form-text").say(t::THROUGH_GROUP)),
                    )
                    .child(
                        el("ul")
                            .each(
                                move || self.info().map(|info| info.members).unwrap_or_default(),
                                |row| row.id,
                                move |row| self.member_row(row),
                            )
                            .each(
                                move || self.info().map(|info| info.pending).unwrap_or_default(),
                                |row| row.name.clone(),
                                move |row| self.pending_row(row),
                            ),
                    )
            },
        )
    }

    fn member_row(self, row: &MemberRow) -> El {
        let sign = match row.is_ghost {
            true => Some(ghost_sign()),
            false => trust_sign(row.who.trust),
        };
        let name = span("member-name")
            .text(&row.who.name)
            .child(row.is_you.then(|| span("badge").say(t::YOU)));
        let words = span("member-words").child(name).child(sign);
        let role = span("member-role")
            .child(span("").say(role_name(row.role)))
            .child(until(row.expires_ms).map(|until| span("form-text").text(&until)));
        let inside = [face(&row.who, row.group.is_some()), words, role];
        let manages = self.info_now().is_some_and(|info| Self::manages(&info));
        let checks = row.group.is_none() && row.who.trust != Some(Trust::Gone);
        let next = match (row.is_you, manages && row.role != Role::Owner) {
            (false, true) => Some(View::Member(row.id)),
            (false, false) if checks => Some(View::Safety(row.who.name.clone())),
            _ => None,
        };
        let line = el("li").class("member");
        match next {
            None => line.child(div("member-row").children(inside)),
            Some(next) => line.child(
                button("member-row")
                    .aria("aria-label", &self.label(row, &next))
                    .children(inside)
                    .child(icon(Icon::ChevronRight))
                    .on_click(move || self.view.set(next.clone())),
            ),
        }
    }

    /// A row as one name: who, how sure, what they may do.
    fn label(self, row: &MemberRow, next: &View) -> String {
        let action = match next {
            View::Safety(_) => t::CHECK_PERSON.with(&[&row.who.name]),
            _ => t::ACCESS_OF.with(&[&row.who.name]),
        };
        let role = role_name(row.role).get();
        let until = until(row.expires_ms).map_or(String::new(), |until| format!(", {until}"));
        let trust = match (row.is_ghost, row.who.trust) {
            (true, _) => t::TRUST_GHOST.get(),
            (false, Some(Trust::Verified)) => t::TRUST_VERIFIED.get(),
            (false, Some(Trust::Unverified)) => t::TRUST_UNVERIFIED.get(),
            (false, Some(Trust::Rotated)) => t::TRUST_ROTATED.get(),
            (false, Some(Trust::Changed)) => t::TRUST_CHANGED.get(),
            (false, Some(Trust::Gone)) => t::TRUST_GONE.get(),
            (false, None) => t::IS_GROUP.get(),
        };
        format!("{action}: {role}{until}, {trust}")
    }

    fn pending_row(self, row: &PendingRow) -> El {
        let name = row.name.clone();
        let who = crate::bridge::PersonTag {
            name: row.name.clone(),
            trust: None,
        };
        let label = format!(
            "{}: {}, {}",
            t::ACCESS_OF.with(&[&row.name]),
            role_name(row.role).get(),
            t::PENDING.get()
        );
        let words = span("member-words")
            .child(span("member-name").text(&row.name))
            .child(
                span("trust")
                    .child(icon(Icon::HourglassSplit))
                    .child(span("").say(t::PENDING)),
            );
        el("li").class("member").child(
            button("member-row")
                .aria("aria-label", &label)
                .child(face(&who, false).class("is-pending"))
                .child(words)
                .child(span("member-role").say(role_name(row.role)))
                .child(icon(Icon::ChevronRight))
                .on_click(move || self.view.set(View::Pending(name.clone()))),
        )
    }

    /// Everybody but the owner may leave, if they are in by themselves.
    fn leave_button(self, is_group: bool) -> El {
        let may_leave = move || {
            self.info().is_some_and(|info| {
                info.share.is_some() && info.is_member && info.role != Role::Owner
            })
        };
        let activity = move || {
            self.info()
                .and_then(|info| info.share)
                .filter(|_| !is_group)
        };
        div("foot-first")
            .show_if(may_leave, move || {
                button("btn btn-danger-quiet")
                    .say(t::LEAVE)
                    .on_click(move || {
                        if let Some(info) = self.info_now() {
                            leave(info.share, info.name);
                        }
                    })
            })
            .show(activity, |share| {
                share.map(|share| {
                    button("btn btn-quiet")
                        .child(icon(Icon::ClockHistory))
                        .child(span("").say(t::ACTIVITY))
                        .on_click(move || {
                            dialog::close();
                            go(Route::Activity(share));
                        })
                })
            })
    }
}

/// Asks, and gives up this person's own access.
pub(crate) fn leave(share: Option<ShareId>, name: String) {
    let Some(share) = share else {
        return;
    };
    dialog::confirm(
        t::LEAVE,
        t::LEAVE_SURE.with(&[&name]),
        t::LEAVE,
        move || {
            let name = name.clone();
            async move {
                bridge::call(LeaveShare { share }).await?;
                toast::done(t::LEFT_SHARE.with(&[&name]));
                Ok(())
            }
        },
    );
}
