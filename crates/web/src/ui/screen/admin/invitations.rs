//! Invitations: made, passed on, taken back.

use crate::bridge::{
    CreateInvitation, InvitationRow, ListInvitations, NewInvitation, RevokeInvitation,
};
use crate::ui::app::bump;
use crate::ui::part::form::Submit;
use crate::ui::part::{dialog, field, format, proof, state};
use crate::ui::prelude::*;

const DAY_MS: u64 = 86_400_000;

pub(super) fn invitations() -> El {
    let again = RwSignal::new(0_u64);
    let rows = load(move || {
        again.get();
        ListInvitations {}
    });
    div("settings-body")
        .child(
            button("btn btn-primary")
                .child(icon(Icon::PlusLg))
                .child(span("").say(t::INVITE))
                .on_click(move || invite(again)),
        )
        .loaded(rows, move |rows| {
            if rows.is_empty() {
                return state::empty(
                    Icon::TicketPerforated,
                    t::NO_INVITATIONS,
                    t::NO_INVITATIONS_TEXT,
                    None,
                );
            }
            el("ul")
                .class("settings-list")
                .children(rows.iter().map(|row| line(row, again)))
        })
}

fn line(row: &InvitationRow, again: RwSignal<u64>) -> El {
    let id = row.id.clone();
    let made = t::MADE_ON.with(&[&format::time(row.created_ms)]);
    el("li")
        .class("setting")
        .child(div("setting-icon").child(icon(Icon::TicketPerforated)))
        .child(
            div("setting-words")
                .child(
                    div("setting-title")
                        .text(&t::EXPIRES_ON.with(&[&format::time(row.expires_ms)]))
                        .child(
                            row.administrator
                                .then(|| span("badge").say(t::ADMINISTRATOR)),
                        ),
                )
                .child(el("p").text(&made)),
        )
        .child(
            div("setting-action").child(
                button("btn btn-outline")
                    .aria("aria-label", &format!("{}: {made}", t::REVOKE.get()))
                    .say(t::REVOKE)
                    .on_click(move || {
                        let id = id.clone();
                        proof::with_proof(move || {
                            let id = id.clone();
                            async move {
                                bridge::call(RevokeInvitation { id }).await?;
                                bump(again);
                                Ok(())
                            }
                        });
                    }),
            ),
        )
}

fn invite(again: RwSignal<u64>) {
    dialog::open(move || {
        let submit = Submit::new();
        let (administrator, days) = (RwSignal::new(false), RwSignal::new("7".to_owned()));
        let choices = ["1", "7", "30"].map(|days| (days, t::DAYS.count(days.parse().unwrap_or(1))));
        let body = div("")
            .child(field::choice(t::VALID_FOR, days, choices.to_vec()).build())
            .child(field::check(t::INVITE_ADMINISTRATOR, administrator))
            .child(submit.alert());
        let form = submit.form(move || {
            let administrator = administrator.get_untracked();
            let days: u64 = days.get_untracked().parse().unwrap_or(7);
            dialog::close();
            proof::with_proof(move || async move {
                let made = bridge::call(CreateInvitation {
                    administrator,
                    valid_ms: Some(days * DAY_MS),
                })
                .await?;
                bump(again);
                show(made);
                Ok(())
            });
            async { Ok(()) }
        });
        let buttons = div("")
            .child(dialog::cancel_button())
            .child(submit.button("btn btn-primary", t::INVITE));
        dialog::frame_form(t::INVITE.get(), form, body, buttons)
    });
}

fn show(made: NewInvitation) {
    dialog::open(move || {
        let body = div("")
            .child(el("p").text(&t::INVITATION_MADE.with(&[&format::time(made.expires_ms)])))
            .child(field::secret(t::INVITATION_LINK, &made.link))
            .child(field::secret(t::INVITATION, &made.code));
        let done = button("btn btn-primary")
            .say(t::DONE)
            .data_first()
            .on_click(dialog::close);
        dialog::frame(t::INVITE.get(), body, div("").child(done))
    });
}
