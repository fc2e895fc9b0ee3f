//! What happened in something shared: what its members signed, and what the
//! server says of downloads, each marked for what it is.

use crate::bridge::{Activity, ActivityRow, Deed, GetActivity, Place, ShareId};
use crate::ui::part::{format, state};
use crate::ui::prelude::*;
use crate::ui::sharing::words::role_name;

/// Rows at first, and how many more each time.
const PAGE: u64 = 50;
/// Deeds of one entry that are told one by one.
const TOLD: usize = 4;

/// The activity of a share.
pub(super) fn activity(share: ShareId) -> El {
    let count = RwSignal::new(PAGE);
    let found = load(move || {
        app().shares.get();
        app().revision.get();
        GetActivity {
            share,
            count: count.get(),
        }
    });
    div("page settings-page activity-page").loaded(found, move |found| view(share, found, count))
}

fn view(share: ShareId, found: &Activity, count: RwSignal<u64>) -> El {
    let back = Route::Files(Place::Share(share));
    let head = div("page-head")
        .child(
            button("btn btn-icon")
                .hint(t::BACK)
                .child(icon(Icon::ArrowLeft))
                .on_click(move || crate::ui::route::go_back(back.clone())),
        )
        .child(state::title(&t::ACTIVITY_OF.with(&[&found.name])));
    let legend = el("dl")
        .class("legend")
        .child(el("dt").child(mark(true)))
        .child(el("dd").say(t::ACTIVITY_SIGNED_TEXT))
        .child(el("dt").child(mark(false)))
        .child(
            el("dd").say(t::ACTIVITY_SERVER_TEXT).child(
                (!found.has_all_downloads)
                    .then(|| span("").text(&format!(" {}", t::ACTIVITY_OWN_ONLY.get()))),
            ),
        );
    let more = found.has_more.then(|| {
        button("btn btn-outline")
            .say(t::ACTIVITY_MORE)
            .on_click(move || count.update(|count| *count += PAGE))
    });
    let rows = if found.rows.is_empty() {
        el("p").say(t::ACTIVITY_NONE)
    } else {
        el("ol")
            .class("timeline")
            .children(found.rows.iter().map(row))
    };
    div("").child(head).child(legend).child(rows).child(more)
}

/// Whether somebody signed it, or only the server says so.
fn mark(is_signed: bool) -> El {
    let (class, picture, text) = if is_signed {
        ("trust is-verified", Icon::ShieldCheck, t::ACTIVITY_SIGNED)
    } else {
        ("trust is-warm", Icon::Hdd, t::ACTIVITY_SERVER)
    };
    span(class).child(icon(picture)).child(span("").say(text))
}

fn row(row: &ActivityRow) -> El {
    let who = match &row.who {
        Some(who) => who.clone(),
        None => t::BY_YOU.get().to_owned(),
    };
    let said = match (row.entry, &row.who) {
        (None, _) => t::AS_SERVER.get().to_owned(),
        (Some(_), Some(who)) => t::AS_STATED.with(&[who]),
        (Some(_), None) => t::AS_STATED_BY_YOU.get().to_owned(),
    };
    let via = row
        .via
        .as_ref()
        .map(|via| span("form-text").text(&format!(" {}", t::VIA_GROUP.with(&[via]))));
    let told = row
        .deeds
        .iter()
        .take(TOLD)
        .map(|deed| el("li").text(&words(deed)));
    let untold = row.deeds.len().saturating_sub(TOLD);
    let rest = (untold > 0).then(|| el("li").text(&t::AND_MORE_DEEDS.count(untold as u64)));
    let class = if row.entry.is_some() {
        "happening is-signed"
    } else {
        "happening"
    };
    el("li")
        .class(class)
        .child(
            div("happening-words")
                .child(div("").child(el("strong").text(&who)).child(via))
                .child(el("ul").class("deeds").children(told).child(rest))
                .child(div("form-text").text(&format!("{} · {said}", format::time(row.at_ms)))),
        )
        .child(mark(row.entry.is_some()))
}

fn words(deed: &Deed) -> String {
    let what = |path: &Option<String>| match path {
        Some(path) => path.trim_start_matches('/').to_owned(),
        None => t::DEED_GONE.get().to_owned(),
    };
    let whom = |who: &Option<String>| match who {
        Some(who) => who.clone(),
        None => t::DEED_YOU.get().to_owned(),
    };
    match deed {
        Deed::Added(path) => t::DEED_ADDED.with(&[&what(path)]),
        Deed::Changed(path) => t::DEED_CHANGED.with(&[&what(path)]),
        Deed::Named => t::DEED_NAMED.get().to_owned(),
        Deed::Removed => t::DEED_REMOVED.get().to_owned(),
        Deed::Granted(who, role) => {
            t::DEED_GRANTED.with(&[&whom(who), &role_name(*role).get().to_lowercase()])
        }
        Deed::RoleChanged(who, role) => {
            t::DEED_ROLE.with(&[&whom(who), &role_name(*role).get().to_lowercase()])
        }
        Deed::Revoked(who) => t::DEED_REVOKED.with(&[&whom(who)]),
        Deed::Expired(who) => t::DEED_EXPIRED.with(&[&whom(who)]),
        Deed::Rekeyed(who) => t::DEED_REKEYED.with(&[&whom(who)]),
        Deed::Left => t::DEED_LEFT.get().to_owned(),
        Deed::Transferred(who) => t::DEED_TRANSFERRED.with(&[&whom(who)]),
        Deed::NewKey => t::DEED_NEW_KEY.get().to_owned(),
        Deed::Fetched(path) => t::DEED_FETCHED.with(&[&what(path)]),
        Deed::FetchedOlder(path) => t::DEED_FETCHED_OLDER.with(&[&what(path)]),
    }
}
