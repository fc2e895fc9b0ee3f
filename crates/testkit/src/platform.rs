//! A device in memory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use getrandom::SysRng;
use rand_core::{Infallible, TryCryptoRng, TryRng, UnwrapErr};
use sv_client::port::{Keychain, Platform, Storage, StorageError};
use sv_core::{AccountKeys, AccountRootKey, DeviceKey};
use sv_ledger::id::SignPublicKey;

use crate::clock::TestClock;
use crate::network::Network;

/// Files in memory; clones are the same files.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage(Rc<RefCell<BTreeMap<String, Vec<u8>>>>);

impl MemoryStorage {
    /// A copy of all files.
    pub fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.borrow().clone()
    }

    /// Puts files back.
    pub fn restore(&self, files: BTreeMap<String, Vec<u8>>) {
        *self.0.borrow_mut() = files;
    }
}

impl Storage for MemoryStorage {
    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.0.borrow().get(name).cloned())
    }

    async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.0.borrow_mut().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    async fn append(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.0
            .borrow_mut()
            .entry(name.to_owned())
            .or_default()
            .extend_from_slice(bytes);
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.0.borrow_mut().remove(name);
        Ok(())
    }

    async fn clear(&self) -> Result<(), StorageError> {
        self.0.borrow_mut().clear();
        Ok(())
    }
}

/// A keychain in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryKeychain(Rc<RefCell<Option<Vec<u8>>>>);

impl Keychain for MemoryKeychain {
    async fn load(&self) -> Result<Option<DeviceKey>, StorageError> {
        let stored = self.0.borrow();
        Ok(stored
            .as_ref()
            .map(|bytes| DeviceKey::from_store(bytes).expect("our own key")))
    }

    async fn store(&self, key: &DeviceKey) -> Result<(), StorageError> {
        *self.0.borrow_mut() = Some(key.to_store().to_vec());
        Ok(())
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        *self.0.borrow_mut() = None;
        Ok(())
    }
}

/// Whatever could be a key among what a device has drawn.
type Draws = Arc<Mutex<Vec<[u8; 32]>>>;

/// The system's randomness, or a source that is broken and gives only zeros.
pub struct TestRandom {
    is_broken: bool,
    draws: Draws,
}

impl TryRng for TestRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        if self.is_broken {
            bytes.fill(0);
            return Ok(());
        }
        UnwrapErr(SysRng).try_fill_bytes(bytes)?;
        if let Ok(draw) = <[u8; 32]>::try_from(&*bytes) {
            self.draws.lock().expect("nobody panics with it").push(draw);
        }
        Ok(())
    }
}

/// Gives again what was drawn.
struct Again([u8; 32]);

impl TryRng for Again {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("keys are drawn as a whole")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("keys are drawn as a whole")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Again {}

impl TryCryptoRng for TestRandom {}

/// A device in memory; clones are the same device.
#[derive(Clone)]
pub struct TestPlatform {
    /// Its way to the server.
    pub network: Network,
    /// Its files.
    pub storage: MemoryStorage,
    keychain: MemoryKeychain,
    clock: TestClock,
    is_random_broken: Rc<Cell<bool>>,
    draws: Draws,
}

/// How much faster than real a device waits before it tries again.
const HASTE: u64 = 50;

impl TestPlatform {
    /// Another device with the same files and key, on an honest network: what
    /// a test spoils on it stays there.
    pub fn copy(&self, url: &str) -> Self {
        let copy = Self {
            network: self.network.beside(url),
            storage: MemoryStorage::default(),
            keychain: MemoryKeychain::default(),
            clock: self.clock.clone(),
            is_random_broken: Rc::default(),
            draws: Draws::default(),
        };
        copy.storage.restore(self.storage.snapshot());
        *copy.keychain.0.borrow_mut() = self.keychain.0.borrow().clone();
        copy
    }

    /// A new device.
    pub fn new(url: &str, clock: TestClock) -> Self {
        Self {
            network: Network::to(url),
            storage: MemoryStorage::default(),
            keychain: MemoryKeychain::default(),
            clock,
            is_random_broken: Rc::default(),
            draws: Draws::default(),
        }
    }

    /// The keys of the account that this device signed up, for whoever has other
    /// plans with them than a client of good will.
    pub fn account_keys(&self, sign_pk: &SignPublicKey) -> AccountKeys {
        let draws = self.draws.lock().expect("nobody panics with it");
        let keys = draws.iter().map(|draw| {
            let root = AccountRootKey::generate(&mut Again(*draw)).expect("not all zeros");
            AccountKeys::derive(&root, 1)
        });
        let mut own = keys.filter(|keys| keys.public().sign_pk == *sign_pk);
        own.next().expect("the account was made here")
    }

    /// Breaks this device's source of randomness, or mends it.
    pub fn break_randomness(&self, broken: bool) {
        self.is_random_broken.set(broken);
    }

    /// Another device that knows what this one does, and has yet to fetch
    /// every vault: what a new device is after its log-in.
    #[must_use]
    pub fn without_caches(&self) -> Self {
        let mut files = self.storage.snapshot();
        files.retain(|name, _| !name.starts_with("vaults/"));
        let twin = Self {
            network: self.network.clone(),
            storage: MemoryStorage::default(),
            keychain: self.keychain.clone(),
            clock: self.clock.clone(),
            is_random_broken: Rc::default(),
            draws: Draws::default(),
        };
        twin.storage.restore(files);
        twin
    }
}

impl Platform for TestPlatform {
    type Http = Network;
    type Storage = MemoryStorage;
    type Keychain = MemoryKeychain;
    type Random = TestRandom;

    fn http(&self) -> &Network {
        &self.network
    }

    fn storage(&self) -> &MemoryStorage {
        &self.storage
    }

    fn keychain(&self) -> &MemoryKeychain {
        &self.keychain
    }

    fn random(&self) -> TestRandom {
        TestRandom {
            is_broken: self.is_random_broken.get(),
            draws: self.draws.clone(),
        }
    }

    fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    async fn sleep(&self, ms: u64) {
        tokio::time::sleep(std::time::Duration::from_millis(ms / HASTE)).await;
    }

    async fn offload<T, F>(&self, work: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        tokio::task::spawn_blocking(work).await.ok()
    }
}
