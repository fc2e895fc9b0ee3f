//! What somebody offers: taken under a name of one's own, or not.

use super::news::is_offer;
use super::words::{face, role_name, trust_sign, until};
use crate::bridge::{AcceptShare, DeclineShare, Place, ReconsiderShare, ShareId, ShareRow};
use crate::ui::part::form::Submit;
use crate::ui::part::{dialog, field, toast};
use crate::ui::prelude::*;

/// What waits for an answer and fits, as cards; nothing if nothing does.
pub(crate) fn cards(fits: fn(&ShareRow) -> bool) -> El {
    let offers = move || {
        app().share_list.with(|list| match list {
            Loaded::Ready(rows) => {
                let offers = rows.iter().filter(|row| is_offer(row) && fits(row));
                offers.cloned().collect()
            }
            _ => Vec::new(),
        })
    };
    div("offers").each(offers, |row| row.share, card)
}

fn card(row: &ShareRow) -> El {
    let from = if row.is_group {
        t::OFFER_GROUP
    } else {
        t::OFFER_FROM
    };
    let mut line = vec![role_name(row.role).get().to_owned()];
    line.extend(until(row.expires_ms));
    let accepted = row.clone();
    let (share, name) = (row.share, row.name.clone());
    let id = field::fresh_id();
    el("article")
        .class("card offer")
        .aria("aria-labelledby", &id)
        .child(
            div("offer-head").child(face(&row.owner, false)).child(
                div("member-words")
                    .child(
                        el("h3")
                            .id(&id)
                            .class("offer-name")
                            .child(icon(picture(row)))
                            .child(span("").text(&row.name)),
                    )
                    .child(span("").text(&from.with(&[&row.owner.name])))
                    .child(
                        span("offer-line")
                            .child(trust_sign(row.owner.trust))
                            .child(span("form-text").text(&line.join(" · "))),
                    ),
            ),
        )
        .child(
            div("offer-actions")
                .child(
                    button("btn btn-primary")
                        .aria("aria-label", &named(t::ACCEPT, &row.name))
                        .say(t::ACCEPT)
                        .on_click(move || accept(&accepted)),
                )
                .child(
                    button("btn btn-quiet")
                        .aria("aria-label", &named(t::DECLINE, &row.name))
                        .say(t::DECLINE)
                        .on_click(move || decline(share, name.clone())),
                ),
        )
}

/// `Accept: contracts`, for whoever hears buttons one by one.
fn named(action: Text, name: &str) -> String {
    format!("{}: {name}", action.get())
}

/// A share's sign.
pub(crate) const fn picture(row: &ShareRow) -> Icon {
    if row.is_group {
        Icon::People
    } else {
        Icon::FolderFill
    }
}

/// Asks for a name and takes it.
pub(crate) fn accept(row: &ShareRow) {
    let (share, offered, is_group) = (row.share, row.name.clone(), row.is_group);
    dialog::open(move || {
        let submit = Submit::new();
        let (name, is_placed) = (RwSignal::new(offered.clone()), RwSignal::new(false));
        let body = div("")
            .child(
                field::text(t::ACCEPT_NAME, name)
                    .input(|input| input.data_first().max_len(255).autocomplete("off"))
                    .help(t::ACCEPT_NAME_HELP)
                    .build(),
            )
            .child((!is_group).then(|| field::check(t::ACCEPT_PLACE, is_placed)))
            .child(submit.alert());
        let form = submit.form(move || {
            let call = AcceptShare {
                share,
                name: name.get_untracked(),
                into: is_placed.get_untracked().then_some(Place::Root),
            };
            async move {
                let name = bridge::call(call).await?;
                dialog::close();
                let text = t::ACCEPTED.with(&[&name]);
                if is_group {
                    toast::done(text);
                } else {
                    toast::told(text, t::OPEN, move || go(Route::Files(Place::Share(share))));
                }
                Ok(())
            }
        });
        let buttons = div("")
            .child(dialog::cancel_button())
            .child(submit.button("btn btn-primary", t::ACCEPT));
        dialog::frame_form(&t::ACCEPT_TITLE.with(&[&offered]), form, body, buttons)
    });
}

fn decline(share: ShareId, name: String) {
    toast::attempt(async move {
        bridge::call(DeclineShare { share }).await?;
        toast::done_with_undo(t::DECLINED.with(&[&name]), move || {
            toast::attempt(async move { bridge::call(ReconsiderShare { share }).await });
        });
        Ok(())
    });
}
