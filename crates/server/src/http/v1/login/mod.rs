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
        .add::<LoginFinish, _, _, _>(finish::finish)
        .add::<LoginSecondFactor, _, _, _>(second_factor::second_factor)
        .add::<Logout, _, _, _>(log_out::log_out)
}
