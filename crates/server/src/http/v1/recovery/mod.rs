//! Log-in by recovery key.

mod finish;
mod start;

use sv_api::endpoint::{RecoveryFinish, RecoveryStart};

use crate::http::route::Routes;

pub(super) fn mount(routes: Routes) -> Routes {
    routes
        .add::<RecoveryStart, _, _, _>(start::start)
        .add_opening::<RecoveryFinish, _, _, _>(finish::finish)
}
