//! The native platform: what [`sv_client`] needs from an operating system.

mod home;
mod http;
mod keychain;
mod keyring;
mod pin;
mod server;
mod server_url;
mod storage;

pub use home::{Home, HomeLock};
pub use http::NativeHttp;
pub use keychain::{DeviceKeychain, KeyPlace, KeyringArgs, KeyringChoice};
pub use pin::Fingerprint;
pub use server::{NoServer, Server, ServerArgs};
pub use server_url::ServerUrl;
pub use storage::FileStorage;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use rand_core::UnwrapErr;
use sv_client::port::{Platform, Unreachable};

/// A computer with a file system, sockets and a clock. Cheap to clone.
#[derive(Clone)]
pub struct NativePlatform(Arc<Parts>);

struct Parts {
    http: NativeHttp,
    storage: FileStorage,
    keychain: DeviceKeychain,
}

impl NativePlatform {
    /// Keeps its files in `home`, talks to `server`, and has the key of this
    /// device where `keychain` says.
    ///
    /// # Errors
    /// [`Unreachable`] if this system offers no TLS.
    pub fn new(
        home: &Home,
        server: &Server,
        keychain: DeviceKeychain,
    ) -> Result<Self, Unreachable> {
        Ok(Self(Arc::new(Parts {
            http: NativeHttp::new(server)?,
            storage: FileStorage::new(home.profile_dir()),
            keychain,
        })))
    }
}

impl Platform for NativePlatform {
    type Http = NativeHttp;
    type Storage = FileStorage;
    type Keychain = DeviceKeychain;
    /// Stops the program if the system has no randomness to give: nothing may
    /// ever be sealed with less.
    type Random = UnwrapErr<SysRng>;

    fn http(&self) -> &NativeHttp {
        &self.0.http
    }

    fn storage(&self) -> &FileStorage {
        &self.0.storage
    }

    fn keychain(&self) -> &DeviceKeychain {
        &self.0.keychain
    }

    fn random(&self) -> Self::Random {
        UnwrapErr(SysRng)
    }

    fn now_ms(&self) -> u64 {
        now_ms()
    }

    async fn sleep(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    async fn offload<T, F>(&self, work: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        tokio::task::spawn_blocking(work).await.ok()
    }
}

/// Milliseconds since the Unix epoch; 0 on a clock set before it.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}
