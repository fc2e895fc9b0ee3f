//! Vaults: logs, records, contents.

mod append;
mod block;
mod bodies;
mod checkpoint;
mod contents;
mod entries;
mod leaves;
mod list;
mod membership;

use sv_api::endpoint::{
    AppendEntry, GetBlock, GetBodies, GetCheckpoint, GetContents, GetEntries, GetLeaves,
    GetMembership, ListVaults,
};

use crate::http::route::Routes;

pub(super) fn mount(routes: Routes) -> Routes {
    routes
        .add::<ListVaults, _, _, _>(list::list)
        .add::<GetMembership, _, _, _>(membership::membership)
        .add::<GetCheckpoint, _, _, _>(checkpoint::checkpoint)
        .add::<GetLeaves, _, _, _>(leaves::leaves)
        .add::<GetEntries, _, _, _>(entries::entries)
        .add::<AppendEntry, _, _, _>(append::append)
        .add::<GetBodies, _, _, _>(bodies::bodies)
        .add::<GetContents, _, _, _>(contents::contents)
        .add_raw::<GetBlock, _, _, _>(block::block)
}
