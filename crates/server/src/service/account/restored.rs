//! The restored state: said to everybody, ended by the administrator.

use sv_api::account::RestoredState;

use super::Accounts;
use crate::service::Result;
use crate::service::audit::{self, Event};
use crate::store::accounts::restored;

impl Accounts {
    /// Whether the database came out of a backup.
    pub(super) async fn restored(&self) -> Result<Option<RestoredState>> {
        let found = restored::lookup(&mut self.db.read().await?).await?;
        Ok(found.map(|found| RestoredState {
            restore_id: found.restore_id.into(),
            restored_ms: found.restored_ms,
            backup_ms: found.backup_ms,
        }))
    }

    /// Ends the restored state; false if there was none.
    ///
    /// # Errors
    /// [`crate::service::Error`] if the database fails.
    pub async fn end_restore(&self) -> Result<bool> {
        self.db
            .retry(|| async {
                let mut w = self.db.write().await?;
                let was_restored = restored::clear(&mut w).await?;
                if was_restored {
                    let event = Event::by_nobody(audit::Kind::RestoreEnded);
                    audit::note(&mut w, self.clock.now_ms(), event).await?;
                }
                w.commit().await?;
                Ok(was_restored)
            })
            .await
    }
}
