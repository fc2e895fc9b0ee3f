//! `securevaultd backup`, `restore`, `check` and `migrate`.

use std::path::Path;

use super::Failure;
use crate::app::App;
use crate::config::Storage;

pub(super) async fn backup(_storage: Storage, _dir: &Path, _json: bool) -> Result<(), Failure> {
    Err(Failure::failed("not built in yet"))
}

pub(super) async fn restore(_storage: Storage, _dir: &Path, _json: bool) -> Result<(), Failure> {
    Err(Failure::failed("not built in yet"))
}

pub(super) async fn check(_storage: Storage, _json: bool) -> Result<(), Failure> {
    Err(Failure::failed("not built in yet"))
}

/// Opening a database brings it up to date.
pub(super) async fn migrate(storage: Storage) -> Result<(), Failure> {
    let app = App::open_offline(storage).await?;
    app.db().close().await;
    println!("up to date");
    Ok(())
}
