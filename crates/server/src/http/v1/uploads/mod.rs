//! Contents that no entry has named yet.

mod cancel;
mod put_block;
mod show;

use sv_api::endpoint::{CancelUpload, GetUpload, PutBlock};

use crate::http::route::Routes;

pub(super) fn mount(routes: Routes) -> Routes {
    routes
        .add_raw::<PutBlock, _, _, _>(put_block::put_block)
        .add::<GetUpload, _, _, _>(show::show)
        .add::<CancelUpload, _, _, _>(cancel::cancel)
}
