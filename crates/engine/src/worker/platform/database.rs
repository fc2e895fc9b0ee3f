//! IndexedDB: one database, an object store of files and one of keys.

use futures::channel::oneshot;
use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use sv_client::port::StorageError;
use wasm_bindgen::prelude::*;
use web_sys::{
    DedicatedWorkerGlobalScope, IdbDatabase, IdbKeyRange, IdbObjectStore, IdbRequest,
    IdbTransaction, IdbTransactionMode,
};

use super::explain;

const NAME: &str = "securevault";
const VERSION: u32 = 1;
/// Pieces of files, by `[name, number]`.
const FILES: &str = "files";
/// Keys that the browser keeps and never shows.
const KEYS: &str = "keys";

/// The browser's database of this page's origin.
#[derive(Clone)]
pub(crate) struct Database(IdbDatabase);

impl Database {
    pub(super) async fn open(scope: &DedicatedWorkerGlobalScope) -> Result<Self, StorageError> {
        let factory = scope.indexed_db().map_err(|e| failed(&e))?;
        let factory = factory.ok_or_else(|| StorageError("this browser keeps nothing".into()))?;
        let request = factory
            .open_with_u32(NAME, VERSION)
            .map_err(|e| failed(&e))?;
        let opening = request.clone();
        let upgrade = Closure::once_into_js(move |_: JsValue| {
            let Ok(database) = opening.result() else {
                return;
            };
            let database: IdbDatabase = database.unchecked_into();
            // What could not be made is missed by the first transaction.
            let _ = database.create_object_store(FILES);
            let _ = database.create_object_store(KEYS);
        });
        request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
        let database = done(&request).await?;
        Ok(Self(database.unchecked_into()))
    }

    /// The pieces of a file put together; `None` if there are none.
    pub(super) async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let (_, files) = self.begin(FILES, IdbTransactionMode::Readonly)?;
        let request = files
            .get_all_with_key(&pieces(name)?.into())
            .map_err(|e| failed(&e))?;
        let found: Array = done(&request).await?.unchecked_into();
        if found.length() == 0 {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        for piece in found.iter() {
            let piece: Uint8Array = piece.dyn_into().map_err(|e| failed(&e))?;
            let at = bytes.len();
            bytes.resize(at + piece.length() as usize, 0);
            if let Some(place) = bytes.get_mut(at..) {
                piece.copy_to(place);
            }
        }
        Ok(Some(bytes))
    }

    /// Replaces all pieces by one, or by none.
    pub(super) async fn replace(
        &self,
        name: &str,
        bytes: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        let (transaction, files) = self.begin(FILES, IdbTransactionMode::Readwrite)?;
        files
            .delete(&pieces(name)?.into())
            .map_err(|e| failed(&e))?;
        if let Some(bytes) = bytes {
            files
                .put_with_key(&Uint8Array::from(bytes), &piece(name, 0))
                .map_err(|e| failed(&e))?;
        }
        committed(&transaction).await
    }

    /// Adds a piece.
    pub(super) async fn append(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let (transaction, files) = self.begin(FILES, IdbTransactionMode::Readwrite)?;
        let count = files
            .count_with_key(&pieces(name)?.into())
            .map_err(|e| failed(&e))?;
        let count = done(&count).await?.as_f64().unwrap_or(0.0);
        files
            .put_with_key(&Uint8Array::from(bytes), &piece(name, count as u32))
            .map_err(|e| failed(&e))?;
        committed(&transaction).await
    }

    /// Removes every file and every key.
    pub(super) async fn clear(&self) -> Result<(), StorageError> {
        for store in [FILES, KEYS] {
            let (transaction, store) = self.begin(store, IdbTransactionMode::Readwrite)?;
            store.clear().map_err(|e| failed(&e))?;
            committed(&transaction).await?;
        }
        Ok(())
    }

    /// A key of the browser's, or a handle to a local file.
    pub(crate) async fn object(&self, name: &str) -> Result<Option<JsValue>, StorageError> {
        let (_, keys) = self.begin(KEYS, IdbTransactionMode::Readonly)?;
        let request = keys.get(&name.into()).map_err(|e| failed(&e))?;
        let found = done(&request).await?;
        Ok((!found.is_undefined()).then_some(found))
    }

    /// Keeps such an object.
    pub(crate) async fn keep_object(
        &self,
        name: &str,
        object: &JsValue,
    ) -> Result<(), StorageError> {
        let (transaction, keys) = self.begin(KEYS, IdbTransactionMode::Readwrite)?;
        keys.put_with_key(object, &name.into())
            .map_err(|e| failed(&e))?;
        committed(&transaction).await
    }

    /// Forgets such an object.
    pub(crate) async fn forget_object(&self, name: &str) -> Result<(), StorageError> {
        let (transaction, keys) = self.begin(KEYS, IdbTransactionMode::Readwrite)?;
        keys.delete(&name.into()).map_err(|e| failed(&e))?;
        committed(&transaction).await
    }

    fn begin(
        &self,
        store: &str,
        mode: IdbTransactionMode,
    ) -> Result<(IdbTransaction, IdbObjectStore), StorageError> {
        // By name: web-sys has no stable binding of the option.
        let options = Object::new();
        Reflect::set(&options, &"durability".into(), &"strict".into()).map_err(|e| failed(&e))?;
        let begin = Reflect::get(&self.0, &"transaction".into()).map_err(|e| failed(&e))?;
        let begin: Function = begin.dyn_into().map_err(|e| failed(&e))?;
        let transaction = begin
            .call3(&self.0, &store.into(), &mode.into(), &options)
            .map_err(|e| failed(&e))?;
        let transaction: IdbTransaction = transaction.unchecked_into();
        let store = transaction.object_store(store).map_err(|e| failed(&e))?;
        Ok((transaction, store))
    }
}

fn piece(name: &str, number: u32) -> JsValue {
    Array::of2(&name.into(), &number.into()).into()
}

fn pieces(name: &str) -> Result<IdbKeyRange, StorageError> {
    IdbKeyRange::bound(&piece(name, 0), &piece(name, u32::MAX)).map_err(|e| failed(&e))
}

/// Waits for a request. What is awaited next in the same transaction is asked
/// for in the same turn, so that the transaction stays open.
async fn done(request: &IdbRequest) -> Result<JsValue, StorageError> {
    let (sender, outcome) = oneshot::channel();
    let sender = std::rc::Rc::new(std::cell::RefCell::new(Some(sender)));
    let tell = |is_ok: bool| {
        let sender = sender.clone();
        Closure::once_into_js(move |_: JsValue| {
            if let Some(sender) = sender.borrow_mut().take() {
                let _ = sender.send(is_ok);
            }
        })
    };
    request.set_onsuccess(Some(tell(true).unchecked_ref()));
    request.set_onerror(Some(tell(false).unchecked_ref()));
    match outcome.await {
        Ok(true) => request.result().map_err(|e| failed(&e)),
        _ => Err(match request.error() {
            Ok(Some(error)) => StorageError(error.message()),
            _ => StorageError("the browser's storage refused".into()),
        }),
    }
}

/// Waits until a transaction is durable.
async fn committed(transaction: &IdbTransaction) -> Result<(), StorageError> {
    let (sender, outcome) = oneshot::channel();
    let sender = std::rc::Rc::new(std::cell::RefCell::new(Some(sender)));
    let tell = |is_ok: bool| {
        let sender = sender.clone();
        Closure::once_into_js(move |_: JsValue| {
            if let Some(sender) = sender.borrow_mut().take() {
                let _ = sender.send(is_ok);
            }
        })
    };
    transaction.set_oncomplete(Some(tell(true).unchecked_ref()));
    transaction.set_onabort(Some(tell(false).unchecked_ref()));
    transaction.set_onerror(Some(tell(false).unchecked_ref()));
    match outcome.await {
        Ok(true) => Ok(()),
        _ => Err(match transaction.error() {
            Some(error) => StorageError(error.message()),
            None => StorageError("the browser's storage refused".into()),
        }),
    }
}

fn failed(error: &JsValue) -> StorageError {
    StorageError(explain(error))
}
