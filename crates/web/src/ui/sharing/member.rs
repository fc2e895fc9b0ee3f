//! One member, or somebody who is waited for: what they may do, until when,
//! and taking it away.

use std::rc::Rc;

use super::panel::{Panel, View};
use super::words::{Ending, face, ghost_sign, role_field, role_name, trust_sign};
use crate::bridge::{
    Admit, Found, GiveAccess, Invitee, LookUp, MemberRow, PendingRow, PersonTag, PrincipalId,
    RevokeAccess, Revoked, Role, SetAccess, ShareId, Target, TransferOwnership, Trust, WhyKept,
    WithdrawInvitation,
};
use crate::ui::part::form::Submit;
use crate::ui::part::{dialog, field, format, state, toast};
use crate::ui::prelude::*;

fn gone(panel: Panel) -> El {
    let body = div("").child(el("p").say(t::FAILED_GONE));
    dialog::page(t::SHARE.get(), Some(panel.home()), body, div("is-absent"))
}

/// A member.
pub(super) fn page(panel: Panel, who: PrincipalId) -> El {
    let Some((share, info)) = panel.share_now().zip(panel.info_now()) else {
        return gone(panel);
    };
    let Some(member) = info.members.iter().find(|member| member.id == who) else {
        return gone(panel);
    };
    let (role, ending) = (RwSignal::new(member.role), Ending::new(member.expires_ms));
    let submit = Submit::new();
    let body = div("share-body")
        .child(identity(panel, member))
        .child(role_field(role, info.is_group))
        .child(ending.field())
        .child(submit.alert());
    let name = member.who.name.clone();
    let form = submit.form({
        let name = name.clone();
        move || {
            let (name, role, ending) = (name.clone(), role.get_untracked(), ending.chosen());
            async move {
                let Some(expires_ms) = ending else {
                    submit.refuse(t::END_DATE_WRONG.get());
                    return Ok(());
                };
                bridge::call(SetAccess {
                    share,
                    who,
                    role,
                    expires_ms,
                })
                .await?;
                panel.done(t::ACCESS_CHANGED.with(&[&name]), None);
                Ok(())
            }
        }
    });
    let save = div("member-save").child(submit.button("btn btn-primary", t::SAVE));
    let may_own = info.role == Role::Owner && member.group.is_none() && is_sound(member);
    let hand_over = may_own.then(|| {
        button("btn btn-outline")
            .say(t::MAKE_OWNER)
            .on_click(move || panel.view.set(View::Transfer(who)))
    });
    let whole = div("")
        .child(form.child(body).child(save))
        .child(revocation(panel, share, member, info.is_group))
        .child(hand_over);
    let title = t::ACCESS_OF.with(&[&name]);
    dialog::page(&title, Some(panel.home()), whole, div("is-absent"))
}

fn is_sound(member: &MemberRow) -> bool {
    !member.is_ghost && !matches!(member.who.trust, Some(Trust::Changed | Trust::Gone))
}

/// Who it is, and how sure that is.
fn identity(panel: Panel, member: &MemberRow) -> El {
    let is_group = member.group.is_some();
    let name = member.who.name.clone();
    let check = (!is_group && member.who.trust != Some(Trust::Gone)).then(|| {
        button("btn btn-outline btn-sm")
            .aria("aria-label", &t::CHECK_PERSON.with(&[&name]))
            .say(t::CHECK)
            .on_click({
                let name = name.clone();
                move || panel.view.set(View::Safety(name.clone()))
            })
    });
    let sign = match member.is_ghost {
        true => Some(ghost_sign()),
        false => trust_sign(member.who.trust),
    };
    let ghost = member.is_ghost.then(|| {
        state::alert(
            "alert-danger",
            Icon::ShieldExclamation,
            &t::GHOST_TEXT.with(&[&name]),
        )
    });
    div("")
        .child(
            div("identity")
                .child(face(&member.who, is_group))
                .child(
                    div("member-words")
                        .child(span("member-name").text(&name))
                        .child(sign)
                        .child(is_group.then(|| span("form-text").say(t::IS_GROUP))),
                )
                .child(check),
        )
        .child(ghost)
}

/// What taking access away can do and cannot undo, and the button.
fn revocation(panel: Panel, share: ShareId, member: &MemberRow, is_group: bool) -> El {
    let submit = Submit::new();
    let name = member.who.name.clone();
    let label = if is_group {
        t::REMOVE_MEMBER
    } else {
        t::REMOVE_ACCESS
    };
    let id = field::fresh_id();
    let line = |text: Text| el("p").text(&text.with(&[&name]));
    let (member, said) = (member.clone(), name.clone());
    let remove = submit
        .button("btn btn-danger-quiet is-outlined", label)
        .kind("button")
        .on_click(move || {
            let (member, name) = (member.clone(), said.clone());
            submit.run(async move {
                let who = member.id;
                let revoked = bridge::call(RevokeAccess { share, who }).await?;
                let undo = is_sound(&member).then(|| {
                    let undo: Rc<dyn Fn()> = Rc::new(move || give_again(panel, share, &member));
                    undo
                });
                let kept = kept_lines(&name, &revoked);
                panel.done_but(t::REVOKED.with(&[&name]), undo, kept);
                Ok(())
            });
        });
    el("section")
        .class("revocation")
        .aria("aria-labelledby", &id)
        .child(el("h3").id(&id).say(label))
        .child(is_group.then(|| line(t::REVOKE_GROUP)))
        .child(line(t::REVOKE_DOES))
        .child((!is_group).then(|| line(t::REVOKE_INSIDE)))
        .child(line(t::REVOKE_DOES_NOT))
        .child(submit.alert())
        .child(remove)
}

/// What they have still, one by one.
fn kept_lines(name: &str, revoked: &Revoked) -> Vec<String> {
    let kept = revoked.kept.iter().map(|kept| {
        let text = match kept.why {
            WhyKept::TheyOwnIt => t::KEPT_OWNER,
            WhyKept::NotManager => t::KEPT_NOT_MANAGER,
            WhyKept::NotAccepted => t::KEPT_NOT_ACCEPTED,
            WhyKept::Apart => t::KEPT_APART,
            WhyKept::Failed => t::KEPT_FAILED,
        };
        text.with(&[&kept.path, name])
    });
    kept.collect()
}

/// The way back: they get the new key like anybody who is added.
fn give_again(panel: Panel, share: ShareId, member: &MemberRow) {
    let invitee = match member.group {
        Some(group) => Invitee::Group(group),
        None => Invitee::Person(member.who.name.clone()),
    };
    give(
        panel,
        share,
        invitee,
        &member.who,
        member.role,
        member.expires_ms,
    );
}

fn give(
    panel: Panel,
    share: ShareId,
    invitee: Invitee,
    who: &PersonTag,
    role: Role,
    expires_ms: Option<u64>,
) {
    let name = who.name.clone();
    panel.submit.run(async move {
        let done = bridge::call(GiveAccess {
            target: Target::Share(share),
            invitees: vec![invitee],
            role,
            expires_ms,
            with_history: false,
        })
        .await?;
        let text = match done.pending.is_empty() {
            true => t::GIVEN.with(&[&name]),
            false => t::GIVEN_PENDING.with(&[&name]),
        };
        panel.done(text, None);
        Ok(())
    });
}

/// Somebody who has no account yet.
pub(super) fn pending_page(panel: Panel, who: &str) -> El {
    let Some((share, info)) = panel.share_now().zip(panel.info_now()) else {
        return gone(panel);
    };
    let Some(row) = info.pending.iter().find(|row| row.name == who) else {
        return gone(panel);
    };
    let submit = Submit::new();
    let asked = row.name.clone();
    let found = load(move || {
        app().shares.get();
        LookUp {
            names: vec![asked.clone()],
        }
    });
    let tag = PersonTag {
        name: row.name.clone(),
        trust: None,
    };
    let until = row
        .expires_ms
        .map(|ms| el("p").text(&t::UNTIL.with(&[&format::time(ms)])));
    let row = row.clone();
    let name = row.name.clone();
    let withdraw = submit
        .button("btn btn-danger-quiet is-outlined", t::WITHDRAW)
        .kind("button")
        .on_click(move || {
            let row = row.clone();
            submit.run(async move { withdraw(panel, share, row).await });
        });
    let body = div("share-body")
        .child(
            div("identity")
                .child(face(&tag, false).class("is-pending"))
                .child(
                    div("member-words")
                        .child(span("member-name").text(&name))
                        .child(span("").show(
                            move || who_came(found),
                            |came| match came {
                                Some(who) => trust_sign(who.trust),
                                None => Some(span("form-text").say(t::PENDING)),
                            },
                        )),
                ),
        )
        .child(arrival(panel, &name, found))
        .child(until)
        .child(submit.alert())
        .child(withdraw);
    let title = t::ACCESS_OF.with(&[&name]);
    dialog::page(&title, Some(panel.home()), body, div("is-absent"))
}

/// Who stands under the name now.
fn who_came(found: RwSignal<Loaded<Vec<Found>>>) -> Option<PersonTag> {
    match found.get() {
        Loaded::Ready(found) => match found.into_iter().next() {
            Some(Found::Person(who)) => Some(who),
            _ => None,
        },
        _ => None,
    }
}

/// Whether they have come, and letting them in: who it is, the person says.
fn arrival(panel: Panel, name: &str, found: RwSignal<Loaded<Vec<Found>>>) -> El {
    let name = name.to_owned();
    div("")
        .loaded(found, move |found| {
            let Some(Found::Person(who)) = found.first() else {
                return el("p").text(&t::PENDING_TEXT.with(&[&name]));
            };
            let (submit, came, checked) = (Submit::new(), who.name.clone(), who.name.clone());
            let is_sound = !matches!(who.trust, Some(Trust::Changed | Trust::Gone));
            let admit = submit
                .button("btn btn-primary", t::ADMIT)
                .kind("button")
                .on_click(move || {
                    let name = came.clone();
                    submit.run(async move {
                        bridge::call(Admit { name: name.clone() }).await?;
                        panel.done(t::GIVEN.with(&[&name]), None);
                        Ok(())
                    });
                });
            div("")
                .child(state::alert(
                    "alert-warning",
                    Icon::QuestionCircle,
                    &t::CAME.with(&[&who.name]),
                ))
                .child(submit.alert())
                .child(
                    div("offer-actions")
                        .child(
                            button("btn btn-outline")
                                .aria("aria-label", &t::CHECK_PERSON.with(&[&who.name]))
                                .say(t::CHECK)
                                .on_click(move || panel.view.set(View::Safety(checked.clone()))),
                        )
                        .child(is_sound.then_some(admit)),
                )
        })
        .class("arrival")
}

async fn withdraw(panel: Panel, share: ShareId, row: PendingRow) -> Result<(), Failure> {
    let name = row.name.clone();
    bridge::call(WithdrawInvitation {
        share,
        name: name.clone(),
    })
    .await?;
    let undo: Rc<dyn Fn()> = Rc::new(move || {
        let invitee = Invitee::Person(row.name.clone());
        let who = PersonTag {
            name: row.name.clone(),
            trust: None,
        };
        give(panel, share, invitee, &who, row.role, row.expires_ms);
    });
    panel.done(t::WITHDRAWN.with(&[&name]), Some(undo));
    Ok(())
}

/// Handing it over: by typing who gets it.
pub(super) fn transfer_page(panel: Panel, who: PrincipalId) -> El {
    let Some((share, info)) = panel.share_now().zip(panel.info_now()) else {
        return gone(panel);
    };
    let Some(member) = info.members.iter().find(|member| member.id == who) else {
        return gone(panel);
    };
    let (submit, typed) = (Submit::new(), RwSignal::new(String::new()));
    let name = member.who.name.clone();
    let unsure = (member.who.trust != Some(Trust::Verified)).then(|| {
        state::alert(
            "alert-warning",
            Icon::ShieldExclamation,
            &t::UNVERIFIED_WARNING.with(&[&name]),
        )
    });
    let label = t::TRANSFER_TYPE.with(&[&name]);
    let body = div("share-body")
        .child(el("p").text(&t::TRANSFER_TEXT.with(&[&name])))
        .child(unsure)
        .child(
            field::text(t::NAME, typed)
                .called(&label)
                .input(|input| input.autocomplete("off").spelling_off())
                .build(),
        )
        .child(submit.alert());
    let expected = name.clone();
    let form = submit.form(move || {
        let (name, typed) = (expected.clone(), typed.get_untracked());
        async move {
            if typed.trim() != name {
                submit.refuse(t::TRANSFER_WRONG.get());
                return Ok(());
            }
            bridge::call(TransferOwnership { share, who }).await?;
            panel.done(t::TRANSFERRED.with(&[&name]), None);
            Ok(())
        }
    });
    let button = div("member-save").child(submit.button("btn btn-danger", t::MAKE_OWNER));
    dialog::page(
        &t::TRANSFER_TITLE.with(&[&info.name]),
        Some(panel.home()),
        div("").child(form.child(body).child(button)),
        div("is-absent"),
    )
}

/// A share in one line: what this person may do, from whom, until when.
pub(crate) fn line(row: &crate::bridge::ShareRow) -> String {
    let mut parts = vec![if row.role == Role::Owner {
        t::OWNED_BY_YOU.get().to_owned()
    } else {
        t::FROM_PERSON.with(&[&row.owner.name])
    }];
    if row.role != Role::Owner {
        parts.push(role_name(row.role).get().to_owned());
    }
    parts.extend(super::words::until(row.expires_ms));
    parts.push(match (row.is_group, row.members) {
        (true, members) => t::GROUP_OF.count(members as u64),
        (false, 0 | 1) => t::WITH_NOBODY.get().to_owned(),
        (false, members) => t::WITH_OTHERS.count(members as u64 - 1),
    });
    parts.join(" · ")
}

/// Asks for another name, for this person alone.
pub(crate) fn rename(share: ShareId, before: String) {
    use crate::bridge::RenameShare;
    dialog::ask_name(
        t::NAME_FOR_ME,
        t::NAME,
        before.clone(),
        t::RENAME,
        move |name| {
            let before = before.clone();
            async move {
                if name == before {
                    return Ok(());
                }
                let name = bridge::call(RenameShare { share, name }).await?;
                toast::done_with_undo(t::RENAMED.with(&[&name]), move || {
                    let name = before.clone();
                    toast::attempt(async move {
                        bridge::call(RenameShare { share, name }).await.map(drop)
                    });
                });
                Ok(())
            }
        },
    );
}
