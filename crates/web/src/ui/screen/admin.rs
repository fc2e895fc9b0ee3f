//! Administration: people, invitations, the server. An administrator sees
//! sizes and times, never contents: there is no key to them here either.

mod invitations;
mod people;
mod server;

use super::settings::tab_link;
use crate::ui::part::state;
use crate::ui::prelude::*;
use crate::ui::route::AdminTab;

/// A part of the administration.
pub(super) fn admin(tab: AdminTab) -> El {
    let tabs = AdminTab::ALL.map(|each| {
        let (picture, label) = match each {
            AdminTab::People => (Icon::People, t::PEOPLE),
            AdminTab::Invitations => (Icon::TicketPerforated, t::INVITATIONS),
            AdminTab::Server => (Icon::Hdd, t::SERVER),
        };
        tab_link(picture, label, &Route::Admin(each), each == tab)
    });
    let body = match tab {
        AdminTab::People => people::people(),
        AdminTab::Invitations => invitations::invitations(),
        AdminTab::Server => server::server(),
    };
    div("page settings-page")
        .child(state::title(t::ADMIN.get()))
        .child(el("nav").class("tabs").label(t::ADMIN).children(tabs))
        .child(body)
}
