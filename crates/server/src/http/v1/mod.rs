//! Version 1 of the API, by resource. One handler, one file.

mod account;
mod admin;
mod directory;
mod instance;
mod login;
mod recovery;
mod sessions;
mod signup;
mod uploads;
mod vaults;

use super::route::Routes;

/// A handler for every endpoint of the table.
pub(super) fn routes() -> Routes {
    [
        instance::mount,
        signup::mount,
        login::mount,
        recovery::mount,
        account::mount,
        sessions::mount,
        admin::mount,
        vaults::mount,
        directory::mount,
        uploads::mount,
    ]
    .into_iter()
    .fold(Routes::default(), |routes, mount| mount(routes))
}
