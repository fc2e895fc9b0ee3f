//! Sign-up, log-in, recovery, second factor, unlockers and sessions.
//!
//! No wrap leaves here before an unlocker was proved *and* the second factor
//! given: [`session::Session`] is the proof of both, and only the functions
//! that check them make one.

mod admin;
mod code;
mod deletion;
mod directory;
mod expiry;
mod half;
mod instance;
mod invitations;
mod login;
mod proof;
mod recovery;
mod restored;
mod second_factor;
pub mod session;
mod signup;
mod standing;
pub(in crate::service) mod throttle;
mod totp;
mod unlockers;

use std::sync::Arc;

use sv_api::account::SignupPolicy;
use sv_ledger::handle::Handle;
use sv_ledger::id::InstanceId;

pub use admin::Administers;
pub use instance::{Instance, InstanceError};

use crate::clock::Clock;
use crate::db::Database;
use crate::secrets::KeyEncryptionKey;
use crate::service::audit::{self, Event};
use crate::service::{Error, Result};

/// Everything about accounts. Clones share the same database and secrets.
#[derive(Clone)]
pub struct Accounts {
    db: Database,
    clock: Clock,
    kek: Arc<KeyEncryptionKey>,
    instance: Arc<Instance>,
    signup: SignupPolicy,
}

impl Accounts {
    /// On a database whose installation secrets `kek` opens.
    pub fn new(
        db: Database,
        clock: Clock,
        kek: Arc<KeyEncryptionKey>,
        instance: Arc<Instance>,
        signup: SignupPolicy,
    ) -> Self {
        Self {
            db,
            clock,
            kek,
            instance,
            signup,
        }
    }

    /// Notes an event that no unit of work brings about: a try that failed.
    async fn note(&self, event: Event) -> Result<()> {
        let now_ms = self.clock.now_ms();
        let work = || async {
            let mut w = self.db.write().await?;
            audit::note(&mut w, now_ms, event.clone()).await?;
            w.commit().await
        };
        Ok(self.db.retry(work).await?)
    }

    /// The installation's id.
    pub fn instance_id(&self) -> InstanceId {
        self.instance.id()
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// [`Error`] if the database fails.
    pub async fn describe(&self) -> Result<sv_api::account::Instance> {
        Ok(sv_api::account::Instance {
            instance_id: self.instance.id(),
            opaque_public_key: self.instance.public_key().into(),
            nonce: self.instance.nonce().into(),
            signup: self.signup,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now_ms: self.clock.now_ms(),
            restored: self.restored().await?,
        })
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}

/// Reads a handle that somebody typed.
fn parse_handle(text: &str) -> Result<Handle> {
    Handle::parse(text)
        .map_err(|e| Error::refused_because(sv_api::ErrorCode::BadRequest, e.to_string()))
}

/// Reads a handle that somebody wants: reserved ones are not to be had.
fn choose_handle(text: &str) -> Result<Handle> {
    Handle::choose(text)
        .map_err(|e| Error::refused_because(sv_api::ErrorCode::BadRequest, e.to_string()))
}

/// A field whose length or form is wrong.
fn malformed(error: impl std::fmt::Display) -> Error {
    Error::refused_because(sv_api::ErrorCode::BadRequest, error.to_string())
}

const MINUTE_MS: u64 = 60 * 1000;
