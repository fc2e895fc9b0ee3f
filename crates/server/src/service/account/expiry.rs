//! Forgetting: what is short-lived leaves the database soon after its time.

use super::{Accounts, MINUTE_MS};
use crate::service::Result;
use crate::store::accounts::throttle;

/// Milliseconds after which a device that never came back is a stranger again.
const DEVICE_TTL_MS: u64 = 400 * 24 * 60 * MINUTE_MS;

impl Accounts {
    /// Forgets ended sessions, log-ins, nonces, invitations and sign-ups.
    ///
    /// # Errors
    /// [`crate::service::Error`] if the database fails.
    pub async fn expire(&self) -> Result<()> {
        self.db
            .retry(|| async {
                let now_ms = self.clock.now_ms();
                let mut w = self.db.write().await?;
                self.forget_expired_signups(&mut w).await?;
                throttle::expire(&mut w, now_ms, now_ms.saturating_sub(DEVICE_TTL_MS)).await?;
                Ok(w.commit().await?)
            })
            .await
    }
}
