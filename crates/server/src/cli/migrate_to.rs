//! `securevaultd migrate-to`.

use std::path::Path;

use serde_json::json;

use super::Failure;
use crate::blocks::{self, BlocksUrl};
use crate::clock::Clock;
use crate::config::Storage;
use crate::db::Database;
use crate::moving::{self, Serving, Side};
use crate::random::Random;

/// Moves an installation to another database, and its blocks to another store
/// if one is named.
pub(super) async fn run(
    storage: Storage,
    url: &str,
    new_blocks: Option<BlocksUrl>,
    json: bool,
) -> Result<(), Failure> {
    if url == storage.database {
        return Err(Failure::usage("this is the database that is to be moved"));
    }
    let (_alone_here, from_db) = open_source(&storage).await?;
    // Makes the schema where there is none yet.
    Database::migrate(url).await.map_err(Failure::failed)?;
    let to_db = Database::open(url).await.map_err(Failure::failed)?;
    let _alone_there = alone(to_db.file().map(|file| file.path()).as_deref())?;
    let new_blocks = new_blocks.unwrap_or_else(|| storage.blocks.clone());
    let stay = new_blocks == storage.blocks && new_blocks != BlocksUrl::Database;
    let clock = Clock::system();
    let from = Side {
        blocks: blocks::open(&storage.blocks, &from_db, &clock).map_err(Failure::failed)?,
        db: from_db,
    };
    let to = Side {
        blocks: blocks::open(&new_blocks, &to_db, &clock).map_err(Failure::failed)?,
        db: to_db,
    };
    let done = moving::move_all(&from, &to, stay, &Random::system()).await;
    from.db.close().await;
    to.db.close().await;
    let moved = done?;
    match json {
        true => println!("{}", json!({ "rows": moved.rows, "blocks": moved.blocks })),
        false => println!(
            "moved {} rows and {} blocks; serve it from there, with the same key and --blocks \
             {new_blocks}. What was here is kept and is not served any more",
            moved.rows, moved.blocks
        ),
    }
    Ok(())
}

/// Lets the source be served again, after a move that did not end.
pub(super) async fn give_up(storage: Storage) -> Result<(), Failure> {
    let (_alone, db) = open_source(&storage).await?;
    let done = moving::give_up(&db).await;
    db.close().await;
    done?;
    println!("served from here again; remove the database that was moved to");
    Ok(())
}

async fn open_source(storage: &Storage) -> Result<(Option<Serving>, Database), Failure> {
    let Some(path) = storage.database.strip_prefix("sqlite://").map(Path::new) else {
        return Err(Failure::usage(
            "only a sqlite:// database is moved; use the tools of the other one",
        ));
    };
    if !path.exists() {
        let message = format!("there is no {}", path.display());
        return Err(Failure::not_found(message));
    }
    let alone = alone(Some(path))?;
    let db = Database::open(&storage.database).await;
    Ok((alone, db.map_err(Failure::failed)?))
}

fn alone(database: Option<&Path>) -> Result<Option<Serving>, Failure> {
    let Some(path) = database else {
        return Ok(None);
    };
    match Serving::alone(path).map_err(Failure::failed)? {
        None => Err(Failure::refused(format!(
            "a server or another command is at work on {}: stop it first",
            path.display()
        ))),
        alone => Ok(alone),
    }
}
