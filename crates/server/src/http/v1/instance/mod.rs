//! The installation.

mod show;

use sv_api::endpoint::GetInstance;

use crate::http::route::Routes;

pub(super) fn mount(routes: Routes) -> Routes {
    routes.add::<GetInstance, _, _, _>(show::show)
}
