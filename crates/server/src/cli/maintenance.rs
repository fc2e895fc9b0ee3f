//! `securevaultd backup`, `restore`, `check` and `migrate`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::Failure;
use crate::backup::{self, Backup, Restore};
use crate::blocks::{self, BlockStore, BlocksUrl, FileBlocks, S3Blocks};
use crate::check;
use crate::clock::Clock;
use crate::config::Storage;
use crate::db::Database;
use crate::random::Random;
use crate::service::account::Instance;

/// The key's name in a backup.
const KEY: &str = "server.key";

/// Without its key a backup lets nobody log in; with it, whoever steals the
/// backup can guess passwords. The person decides.
pub(super) async fn backup(
    storage: Storage,
    dir: &Path,
    without_key: bool,
    json: bool,
) -> Result<(), Failure> {
    let (db, blocks) = open_existing(&storage).await?;
    let key = storage.key.path().filter(|_| !without_key);
    if let Some(path) = key {
        let kek = storage.key.read().map_err(Failure::refused)?;
        Instance::open(&db, &kek)
            .await
            .map_err(|error| Failure::refused(format!("{}: {error}", path.display())))?;
    }
    let keys = key.map(|path| (KEY.to_owned(), path.to_owned()));
    let source = Backup {
        db: db.clone(),
        blocks: apart_from_database(&storage, blocks),
        keys: keys.into_iter().collect::<BTreeMap<String, PathBuf>>(),
        clock: Clock::system(),
        random: Random::system(),
    };
    let taken = backup::backup(&source, dir).await;
    db.close().await;
    let manifest = taken?;
    let has_key = !manifest.keys.is_empty();
    match json {
        true => println!("{}", json!({ "dir": dir, "has_key": has_key })),
        false => println!("{}", dir.display()),
    }
    match has_key {
        true => eprintln!("The key is in it: keep this backup as safe as the key itself."),
        false => eprintln!("The key is not in it: without the key nobody can log in."),
    }
    Ok(())
}

pub(super) async fn restore(storage: Storage, dir: &Path, json: bool) -> Result<(), Failure> {
    let keys = storage.data.with_extension("restored-keys");
    let database = database_file(&storage).ok_or(backup::Error::NoFile)?;
    let target = Restore {
        database: database.to_owned(),
        blocks: match &storage.blocks {
            BlocksUrl::Database => None,
            BlocksUrl::Files(folder) => {
                let files = FileBlocks::open(folder).map_err(Failure::failed)?;
                Some(Arc::new(files))
            }
            BlocksUrl::S3(location) => {
                let bucket = S3Blocks::open(location).map_err(Failure::failed)?;
                Some(Arc::new(bucket))
            }
        },
        keys: keys.clone(),
        clock: Clock::system(),
        random: Random::system(),
    };
    let manifest = backup::restore(dir, &target).await?;
    if manifest.keys.contains_key(KEY) {
        place_key(&keys.join(KEY), storage.key.path())?;
    }
    fs::remove_dir(&keys).map_err(Failure::failed)?;
    match json {
        true => println!("{}", json!({ "restored": true })),
        false => println!("restored; run securevaultd check now"),
    }
    eprintln!(
        "Devices that have seen more than the backup has stop until their owners run \
         `securevault accept-restore`. When all have, end this state: `securevaultd admin \
         end-restore`."
    );
    Ok(())
}

/// Puts the key where the server looks for it, if none is there.
fn place_key(restored: &Path, wanted: Option<&Path>) -> Result<(), Failure> {
    let kept = || {
        Failure::refused(format!(
            "everything is restored, but another key is in its place: the backup's is {}",
            restored.display()
        ))
    };
    let wanted = wanted.ok_or_else(kept)?;
    if let Ok(present) = fs::read(wanted) {
        let same = fs::read(restored).map_err(Failure::failed)? == present;
        return match same {
            true => fs::remove_file(restored).map_err(Failure::failed),
            false => Err(kept()),
        };
    }
    if let Some(folder) = wanted.parent() {
        fs::create_dir_all(folder).map_err(Failure::failed)?;
    }
    // Not a rename: the two may be on different disks.
    fs::copy(restored, wanted).map_err(Failure::failed)?;
    let copied = fs::File::open(wanted).and_then(|file| file.sync_all());
    copied.map_err(Failure::failed)?;
    fs::remove_file(restored).map_err(Failure::failed)
}

pub(super) async fn check(storage: Storage, json: bool) -> Result<(), Failure> {
    let (db, blocks) = open_existing(&storage).await?;
    let checked = check::check(&db, &blocks).await;
    db.close().await;
    let report = checked?;
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    if json {
        let counts = json!({
            "vaults": report.vaults, "entries": report.entries, "bodies": report.bodies,
            "blocks": report.blocks, "block_bytes": report.block_bytes,
            "reserved": report.reserved, "orphans": report.orphans.len(), "findings": findings,
        });
        println!("{counts}");
    } else {
        println!(
            "{} vaults, {} entries, {} records and envelopes, {} blocks, {} orphans",
            report.vaults,
            report.entries,
            report.bodies,
            report.blocks,
            report.orphans.len()
        );
        findings.iter().for_each(|finding| println!("{finding}"));
    }
    match report.is_whole() {
        true => Ok(()),
        false => Err(Failure::damaged("what is stored is not whole")),
    }
}

/// The schema alone: the first start makes the rest.
pub(super) async fn migrate(storage: Storage) -> Result<(), Failure> {
    Database::migrate(&storage.database)
        .await
        .map_err(Failure::failed)?;
    println!("up to date");
    Ok(())
}

async fn open_existing(storage: &Storage) -> Result<(Database, Arc<dyn BlockStore>), Failure> {
    if let Some(file) = database_file(storage).filter(|file| !file.exists()) {
        return Err(Failure::not_found(format!(
            "there is no {}",
            file.display()
        )));
    }
    let db = Database::open(&storage.database).await;
    let db = db.map_err(Failure::failed)?;
    let blocks = blocks::open(&storage.blocks, &db, &Clock::system()).map_err(Failure::failed)?;
    Ok((db, blocks))
}

fn apart_from_database(
    storage: &Storage,
    blocks: Arc<dyn BlockStore>,
) -> Option<Arc<dyn BlockStore>> {
    (storage.blocks != BlocksUrl::Database).then_some(blocks)
}

/// None where the database is a server's.
fn database_file(storage: &Storage) -> Option<&Path> {
    let path = storage.database.strip_prefix("sqlite://");
    path.map(Path::new)
}
