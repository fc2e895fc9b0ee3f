//! Finding people.

mod look_up;

use sv_api::endpoint::LookUpHandles;

use crate::http::route::Routes;

pub(super) fn mount(routes: Routes) -> Routes {
    routes.add::<LookUpHandles, _, _, _>(look_up::look_up)
}
