//! Sign-up.

mod confirm;
mod finish;
mod start;

use sv_api::endpoint::{SignupConfirm, SignupFinish, SignupStart};

use crate::http::route::Routes;

pub(super) fn mount(routes: Routes) -> Routes {
    routes
        .add::<SignupStart, _, _, _>(start::start)
        .add_opening::<SignupFinish, _, _, _>(finish::finish)
        .add_opening::<SignupConfirm, _, _, _>(confirm::confirm)
}
