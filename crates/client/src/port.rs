//! What a client needs from where it runs. A shell implements these; nothing
//! in this crate names a runtime.

#![allow(
    async_fn_in_trait,
    reason = "shells decide about Send; flows run on one task"
)]

use rand_core::{CryptoRng, Rng};
use sv_api::Method;
use sv_core::DeviceKey;
use sv_core::error::{SealError, Tampered};

use crate::block::{BlockDone, BlockWork};

/// A request, addressed relative to the server's base URL.
#[derive(Debug)]
pub struct HttpRequest<'a> {
    /// How.
    pub method: Method,
    /// Path with leading slash.
    pub path: String,
    /// Media type of the body; empty for none.
    pub content_type: &'static str,
    /// Session token; none without a session, and where a browser keeps it.
    pub token: Option<&'a str>,
    /// Body.
    pub body: bytes::Bytes,
    /// Bytes of an answer at most; a longer one is refused.
    pub max_response: usize,
}

/// An answer.
#[derive(Debug)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

/// The server did not answer, or not completely; says why, for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

/// Reaches the server.
pub trait Http {
    /// Sends one request. Never retries; callers know what may be repeated.
    async fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Unreachable>;
}

/// A local file could not be read or written; says why, for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StorageError(pub String);

/// Small private files of one profile, by name (`[a-z0-9/._-]+`).
pub trait Storage {
    /// The whole file, or `None` if there is none.
    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError>;
    /// Replaces the file, durably and as a whole.
    async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError>;
    /// Appends to the file, durably; a crash may leave a part of `bytes`.
    async fn append(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError>;
    /// Removes the file, if there is one.
    async fn remove(&self, name: &str) -> Result<(), StorageError>;
    /// Removes every file: the end of a profile.
    async fn clear(&self) -> Result<(), StorageError>;
}

/// Keeps the one key that protects a profile at rest: in the system's
/// keyring, or in a file that only its owner can read.
pub trait Keychain {
    /// The key, or `None` if there is none.
    async fn load(&self) -> Result<Option<DeviceKey>, StorageError>;
    /// Keeps the key.
    async fn store(&self, key: &DeviceKey) -> Result<(), StorageError>;
    /// Forgets the key.
    async fn wipe(&self) -> Result<(), StorageError>;
}

/// Where a client runs.
pub trait Platform {
    /// Reaches the server.
    type Http: Http;
    /// Keeps files.
    type Storage: Storage;
    /// Keeps the device key.
    type Keychain: Keychain;
    /// The operating system's randomness.
    type Random: CryptoRng + Send + 'static;

    /// Reaches the server.
    fn http(&self) -> &Self::Http;
    /// Keeps files.
    fn storage(&self) -> &Self::Storage;
    /// Keeps the device key.
    fn keychain(&self) -> &Self::Keychain;
    /// Fresh randomness.
    fn random(&self) -> Self::Random;
    /// Fresh random bytes: an id or a nonce.
    fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random().fill_bytes(&mut bytes);
        bytes
    }
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;
    /// Waits.
    async fn sleep(&self, ms: u64);
    /// Runs heavy work away from the task that waits for it. `None` if the
    /// work panicked or the platform is shutting down.
    async fn offload<T, F>(&self, work: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static;
    /// Seals a block, away from the task that waits for it; `None` as above.
    /// By itself with this program's own AES.
    async fn seal_block(&self, work: BlockWork) -> Option<Result<BlockDone, SealError>> {
        let mut random = self.random();
        self.offload(move || work.seal(&mut random)).await
    }
    /// Opens a block, as [`Platform::seal_block`] seals one.
    async fn open_block(&self, work: BlockWork) -> Option<Result<BlockDone, Tampered>> {
        self.offload(move || work.open()).await
    }
}
