//! Moving an installation to another database and block store: copied table
//! by table in the order of its keys, so that what the target has says how
//! far it came; verified at the end; and neither side can be served meanwhile.

mod blocks;
mod copy;
mod serving;
mod tables;

use std::sync::Arc;

pub use serving::Serving;
pub use tables::{MOVE, STAY, Table};

use crate::blocks::BlockStore;
use crate::check::check;
use crate::db::{self, Database, Query};
use crate::random::{NoRandomness, Random};
use crate::store::leases::{self, Mark};
use crate::{blocks as block_stores, service};

/// One side of a move.
#[derive(Debug, Clone)]
pub struct Side {
    /// Its database.
    pub db: Database,
    /// Its blocks.
    pub blocks: Arc<dyn BlockStore>,
}

/// What has been moved.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Rows.
    pub rows: u64,
    /// Blocks of the block store; none if it stays where it is.
    pub blocks: u64,
}

/// Why a move stopped. It can be taken up again, or given up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something is there that is not of this move.
    #[error("the new database is not empty: {0} has rows that this move has not written")]
    NotEmpty(&'static str),
    /// It was moved before.
    #[error("this installation was moved away already and is served from another database")]
    MovedAway,
    /// What has arrived is not what is here.
    #[error("{0} is not the same in the new database: remove that database and start again")]
    Different(&'static str),
    /// `check` found something.
    #[error("what has arrived is not whole: {0}")]
    NotWhole(String),
    /// A block is missing or another than its row says.
    #[error("block {0} is missing or damaged here: run securevaultd check")]
    Block(block_stores::BlockName),
    /// A database failed.
    #[error("database: {0}")]
    Database(#[from] db::Error),
    /// A block store failed.
    #[error("blocks: {0}")]
    Blocks(#[from] block_stores::Error),
    /// The check could not be made.
    #[error("check: {0}")]
    Check(#[from] service::Error),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// What moves answer with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Moves everything. `same_blocks`: the blocks stay where they are. The caller
/// holds [`Serving::alone`] on both sides.
///
/// # Errors
/// [`Error`]; run again, it goes on from there.
pub async fn move_all(from: &Side, to: &Side, same_blocks: bool, random: &Random) -> Result<Moved> {
    begin(from, to, random).await?;
    let mut moved = Moved::default();
    for table in MOVE.iter() {
        moved.rows += copy::table(table, &from.db, &to.db).await?;
    }
    if !same_blocks {
        moved.blocks = blocks::copy(from, to).await?;
    }
    for table in MOVE.iter() {
        if copy::digest(table, &from.db).await? != copy::digest(table, &to.db).await? {
            return Err(Error::Different(table.name));
        }
    }
    let report = check(&to.db, &to.blocks).await?;
    if let Some(finding) = report.findings.first() {
        return Err(Error::NotWhole(finding.to_string()));
    }
    finish(from, to).await?;
    Ok(moved)
}

/// Gives a move up that has not ended: the source may be served again, and
/// what has arrived elsewhere is of no use.
///
/// # Errors
/// [`Error::MovedAway`] if it has ended.
pub async fn give_up(from: &Database) -> Result<()> {
    let mut write = from.write().await?;
    if leases::marked(&mut write, Mark::MovedAway).await?.is_some() {
        return Err(Error::MovedAway);
    }
    leases::unmark(&mut write, Mark::MovingAway).await?;
    Ok(write.commit().await?)
}

/// Marks both sides, so that no server starts on either of them; what each
/// side's mark says must be the same move.
async fn begin(from: &Side, to: &Side, random: &Random) -> Result<()> {
    let mut write = from.db.write().await?;
    let ended = leases::marked(&mut write, Mark::MovedAway).await?;
    let begun = leases::marked(&mut write, Mark::MovingAway).await?;
    let id = match begun.or(ended) {
        Some(id) => id,
        None => random.bytes()?,
    };
    let mut arriving = to.db.write().await?;
    match leases::marked(&mut arriving, Mark::Arriving).await? {
        Some(theirs) if theirs == id => {}
        // It ended, but for taking the marks away.
        _ if ended.is_some() => return Err(Error::MovedAway),
        Some(_) => return Err(Error::NotEmpty("leases")),
        None => require_empty(&mut arriving).await?,
    }
    // The source first: from here on it does not change any more.
    leases::mark(&mut write, Mark::MovingAway, id).await?;
    write.commit().await?;
    leases::mark(&mut arriving, Mark::Arriving, id).await?;
    Ok(arriving.commit().await?)
}

async fn require_empty(q: &mut impl Query) -> Result<()> {
    for table in MOVE.iter() {
        if q.lookup(&table.last_key, vec![]).await?.is_some() {
            return Err(Error::NotEmpty(table.name));
        }
    }
    Ok(())
}

/// The source is closed before the target is opened.
async fn finish(from: &Side, to: &Side) -> Result<()> {
    let mut write = from.db.write().await?;
    if let Some(id) = leases::marked(&mut write, Mark::MovingAway).await? {
        leases::mark(&mut write, Mark::MovedAway, id).await?;
        leases::unmark(&mut write, Mark::MovingAway).await?;
    }
    write.commit().await?;
    let mut write = to.db.write().await?;
    leases::unmark(&mut write, Mark::Arriving).await?;
    Ok(write.commit().await?)
}
