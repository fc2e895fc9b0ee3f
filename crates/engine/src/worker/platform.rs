//! What the client needs from a browser.

mod aes;
mod database;
mod http;
mod keychain;
mod seal;
mod storage;

pub(super) use database::Database;
pub(super) use http::BrowserHttp;

use std::rc::Rc;

use futures::channel::oneshot;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use js_sys::Date;
use sv_client::block::{BlockDone, BlockWork};
use sv_client::port::{Platform, StorageError};
use sv_core::error::{SealError, Tampered};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use web_sys::DedicatedWorkerGlobalScope;

use aes::WebCrypto;
use keychain::PendingKey;
use storage::BrowserStorage;

/// The worker, as a place where a client runs.
#[derive(Clone)]
pub(super) struct Browser(Rc<Parts>);

struct Parts {
    scope: DedicatedWorkerGlobalScope,
    http: BrowserHttp,
    storage: BrowserStorage,
    keychain: PendingKey,
    aes: WebCrypto,
}

impl Browser {
    /// Opens the browser's storage.
    ///
    /// # Errors
    /// [`StorageError`] where the browser keeps nothing.
    pub(super) async fn open(scope: &DedicatedWorkerGlobalScope) -> Result<Self, StorageError> {
        let database = Database::open(scope).await?;
        Ok(Self(Rc::new(Parts {
            scope: scope.clone(),
            http: BrowserHttp::new(scope.clone()),
            storage: BrowserStorage::new(database, scope)?,
            keychain: PendingKey::default(),
            aes: WebCrypto::new(scope)?,
        })))
    }

    /// The address that people know the server by.
    pub(super) fn origin(&self) -> String {
        self.0.scope.location().origin()
    }
}

impl Platform for Browser {
    type Http = BrowserHttp;
    type Storage = BrowserStorage;
    type Keychain = PendingKey;
    /// Ends the worker if the browser has no randomness to give: nothing may
    /// ever be sealed with less.
    type Random = UnwrapErr<SysRng>;

    fn http(&self) -> &BrowserHttp {
        &self.0.http
    }

    fn storage(&self) -> &BrowserStorage {
        &self.0.storage
    }

    fn keychain(&self) -> &PendingKey {
        &self.0.keychain
    }

    fn random(&self) -> Self::Random {
        UnwrapErr(SysRng)
    }

    fn now_ms(&self) -> u64 {
        now_ms()
    }

    async fn sleep(&self, ms: u64) {
        sleep(&self.0.scope, ms).await;
    }

    /// In place: this whole worker is away from the page.
    async fn offload<T, F>(&self, work: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        Some(work())
    }

    async fn seal_block(&self, work: BlockWork) -> Option<Result<BlockDone, SealError>> {
        Some(work.seal_with(&self.0.aes, &mut self.random()).await)
    }

    async fn open_block(&self, work: BlockWork) -> Option<Result<BlockDone, Tampered>> {
        Some(work.open_with(&self.0.aes).await)
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn now_ms() -> u64 {
    Date::now() as u64
}

/// Waits.
pub(super) async fn sleep(scope: &DedicatedWorkerGlobalScope, ms: u64) {
    let (sender, over) = oneshot::channel();
    // Without a timer the wait is over at once: callers look again anyway.
    if let Ok(_timer) = Timer::start(scope, ms, sender) {
        let _ = over.await;
    }
}

/// A timer of the browser, which ends with whoever waits for it.
struct Timer<'s> {
    scope: &'s DedicatedWorkerGlobalScope,
    id: i32,
    _on_time: Closure<dyn FnMut()>,
}

impl<'s> Timer<'s> {
    fn start(
        scope: &'s DedicatedWorkerGlobalScope,
        ms: u64,
        over: oneshot::Sender<()>,
    ) -> Result<Self, JsValue> {
        let on_time = Closure::once(move || {
            // Dropped only with this timer.
            let _ = over.send(());
        });
        let id = scope.set_timeout_with_callback_and_timeout_and_arguments_0(
            on_time.as_ref().unchecked_ref(),
            i32::try_from(ms).unwrap_or(i32::MAX),
        )?;
        Ok(Self {
            scope,
            id,
            _on_time: on_time,
        })
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.scope.clear_timeout_with_handle(self.id);
    }
}

/// Why the browser refused, for a person.
pub(super) fn explain(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => error.as_string().unwrap_or_else(|| format!("{error:?}")),
    }
}
