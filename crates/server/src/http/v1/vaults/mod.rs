//! Vaults: logs, records, contents.

mod accesses;
mod append;
mod block;
mod bodies;
mod checkpoint;
mod contents;
mod create;
mod entries;
mod hashes;
mod leaves;
mod list;
mod membership;

use sv_api::endpoint::{
    AppendEntry, CreateVault, GetBlock, GetBlockHashes, GetBodies, GetCheckpoint, GetContents,
    GetEntries, GetLeaves, GetMembership, ListAccesses, ListVaults,
};

use crate::http::route::Routes;

pub(super) fn mount(routes: Routes) -> Routes {
    routes
        .add::<ListVaults, _, _, _>(list::list)
        .add::<CreateVault, _, _, _>(create::create)
        .add::<GetMembership, _, _, _>(membership::membership)
        .add::<GetCheckpoint, _, _, _>(checkpoint::checkpoint)
        .add::<GetLeaves, _, _, _>(leaves::leaves)
        .add::<GetEntries, _, _, _>(entries::entries)
        .add::<AppendEntry, _, _, _>(append::append)
        .add::<GetBodies, _, _, _>(bodies::bodies)
        .add::<GetContents, _, _, _>(contents::contents)
        .add::<ListAccesses, _, _, _>(accesses::accesses)
        .add::<GetBlockHashes, _, _, _>(hashes::hashes)
        .add_raw::<GetBlock, _, _, _>(block::block)
}
