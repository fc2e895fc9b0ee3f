//! A browser has no key chain: what opens an account rests with its session.
//! Only between a sign-up and its first code there is no session that could
//! keep a half; until then the key is in this worker's memory and nowhere else.

use std::cell::RefCell;

use sv_client::port::{Keychain, StorageError};
use sv_core::DeviceKey;
use zeroize::Zeroizing;

/// The key of a sign-up that waits for its first code.
#[derive(Default)]
pub(crate) struct PendingKey(RefCell<Option<Zeroizing<Vec<u8>>>>);

impl Keychain for PendingKey {
    async fn load(&self) -> Result<Option<DeviceKey>, StorageError> {
        let bytes = self.0.borrow();
        let key = bytes.as_ref().map(|bytes| DeviceKey::from_store(bytes));
        key.transpose()
            .map_err(|_| StorageError("no key of a sign-up".to_owned()))
    }

    async fn store(&self, key: &DeviceKey) -> Result<(), StorageError> {
        *self.0.borrow_mut() = Some(Zeroizing::new(key.to_store().to_vec()));
        Ok(())
    }

    async fn wipe(&self) -> Result<(), StorageError> {
        *self.0.borrow_mut() = None;
        Ok(())
    }
}
