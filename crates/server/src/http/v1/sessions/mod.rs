//! Its sessions.

mod end;
mod list;

use sv_api::endpoint::{EndSession, ListSessions};

use crate::http::route::Routes;

pub(super) fn mount(routes: Routes) -> Routes {
    routes
        .add::<ListSessions, _, _, _>(list::list)
        .add::<EndSession, _, _, _>(end::end)
}
