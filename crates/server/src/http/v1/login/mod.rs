//! Log-in and log-out.

mod finish;
mod log_out;
mod second_factor;
mod start;

use sv_api::endpoint::{LoginFinish, LoginSecondFactor, LoginStart, Logout};

use crate::http::route::Routes;

pub(super) fn mount(routes: Routes) -> Routes {
    routes
        .add::<LoginStart, _, _, _>(start::start)
        .add_opening::<LoginFinish, _, _, _>(finish::finish)
        .add_opening::<LoginSecondFactor, _, _, _>(second_factor::second_factor)
        .add_raw::<Logout, _, _, _>(log_out::log_out)
}
