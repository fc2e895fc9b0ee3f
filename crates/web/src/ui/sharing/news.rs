//! What is shared with this person, for the whole page: the list, how many
//! offers there are, and a word when one comes.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::bridge::{ListShares, ShareRow, ShareState};
use crate::ui::part::toast;
use crate::ui::prelude::*;
use crate::ui::route::SharedTab;

thread_local! {
    /// Whether the list is being asked for, and has to be asked for again.
    static ASKED: Cell<(bool, bool)> = const { Cell::new((false, false)) };
}

/// Keeps the list, for as long as the view that is being built.
pub(crate) fn follow_shares() {
    let shares = app().shares;
    app().share_list.set(Loaded::Waiting);
    follow(move || {
        shares.get();
        ask();
    });
}

/// Asks for the list; once more afterwards if it was asked for meanwhile.
fn ask() {
    let (is_asked, _) = ASKED.get();
    ASKED.set((true, is_asked));
    if is_asked {
        return;
    }
    act(async {
        loop {
            ASKED.set((true, false));
            take(bridge::call(ListShares {}).await);
            if !ASKED.get().1 {
                break;
            }
        }
        ASKED.set((false, false));
    });
}

fn take(answer: Result<Vec<ShareRow>, Failure>) {
    let list = app().share_list;
    match answer {
        Ok(rows) => {
            if let Loaded::Ready(before) = list.get_untracked() {
                tell(&before, &rows);
            }
            list.set(Loaded::Ready(rows));
        }
        Err(failure) => {
            let is_empty = !matches!(list.get_untracked(), Loaded::Ready(_));
            if is_empty || !failure.is_passing() {
                list.set(Loaded::Failed(failure));
            }
        }
    }
}

/// Says what was offered since.
fn tell(before: &[ShareRow], now: &[ShareRow]) {
    let known: BTreeSet<_> = before.iter().map(|row| row.share).collect();
    let offers = now.iter().filter(|row| is_offer(row));
    for row in offers.filter(|row| !known.contains(&row.share)) {
        let text = t::OFFER_CAME.with(&[&row.owner.name, &row.name]);
        // Whoever looks at the list sees it there.
        let here = app().route.get_untracked();
        if matches!(here, Route::Home | Route::Shared(SharedTab::WithMe)) {
            app().announce(text);
            continue;
        }
        toast::told(text, t::LOOK_AT_IT, || {
            go(Route::Shared(SharedTab::WithMe));
        });
    }
}

/// Whether something waits for an answer.
pub(crate) fn is_offer(row: &ShareRow) -> bool {
    row.state == ShareState::Offered
}

/// How many offers there are.
pub(crate) fn offers() -> usize {
    app().share_list.with(|list| match list {
        Loaded::Ready(rows) => rows.iter().filter(|row| is_offer(row)).count(),
        _ => 0,
    })
}
