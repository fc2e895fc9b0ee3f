//! Names for blocks about to be stored. Each is reserved in the database
//! before its first byte is stored, so that a job never takes a block whose
//! row is yet to come for one that was forgotten; many at a time, so that a
//! block costs no unit of work more.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::blocks::BlockName;
use crate::clock::Clock;
use crate::db::Database;
use crate::random::Random;
use crate::service::{Error, Result};
use crate::store::reservations;

/// Names reserved together.
const BATCH: usize = 32;
/// How long a reservation holds. Longer than any request lives; but nothing
/// is lost if clocks differ by more.
const RESERVED_MS: u64 = 48 * 60 * 60 * 1000;
/// How long after being reserved a name is still given out.
const FRESH_MS: u64 = 60 * 60 * 1000;

/// Reserved names that nobody has used yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Arc<Mutex<Reserved>>);

#[derive(Debug, Default)]
struct Reserved {
    names: Vec<BlockName>,
    fresh_until_ms: u64,
}

impl Names {
    /// A name that was never used.
    ///
    /// # Errors
    /// [`crate::service::Error::Database`] or `Random`.
    pub(super) async fn next(
        &self,
        db: &Database,
        clock: &Clock,
        random: &Random,
    ) -> Result<BlockName> {
        let mut reserved = self.0.lock().await;
        let now_ms = clock.now_ms();
        if reserved.fresh_until_ms <= now_ms {
            reserved.names.clear();
        }
        if let Some(name) = reserved.names.pop() {
            return Ok(name);
        }
        let names = (0..BATCH)
            .map(|_| BlockName::generate(random))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let until_ms = now_ms.saturating_add(RESERVED_MS);
        let reserve = || async {
            let mut write = db.write().await?;
            reservations::reserve(&mut write, &names, until_ms).await?;
            Ok::<_, Error>(write.commit().await?)
        };
        db.retry(reserve).await?;
        *reserved = Reserved {
            names,
            fresh_until_ms: now_ms.saturating_add(FRESH_MS),
        };
        let name = reserved.names.pop();
        name.ok_or(Error::Internal("no name was reserved"))
    }

    /// Gives out no name that is reserved now: the reservations do not last
    /// as long as this server thinks.
    pub(super) async fn forget(&self) {
        self.0.lock().await.names.clear();
    }
}
