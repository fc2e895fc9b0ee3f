//! AES-256-GCM of the browser, for blocks of files: it has the processor's own
//! instructions, which WebAssembly has not (figures: `docs/benchmarks.md`).

use js_sys::{Object, Uint8Array};
use sv_client::port::StorageError;
use sv_core::content::{ForeignAes, KEY_LEN, NONCE_LEN};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AesGcmParams, CryptoKey, DedicatedWorkerGlobalScope, SubtleCrypto};

use super::explain;

/// WebCrypto. Keys are handed over for one block each and cannot be read back.
pub(super) struct WebCrypto(SubtleCrypto);

impl WebCrypto {
    pub(super) fn new(scope: &DedicatedWorkerGlobalScope) -> Result<Self, StorageError> {
        let crypto = scope.crypto().map_err(|e| StorageError(explain(&e)))?;
        Ok(Self(crypto.subtle()))
    }
}

impl ForeignAes for WebCrypto {
    type Key = CryptoKey;

    async fn key(&self, key: &[u8; KEY_LEN]) -> Option<CryptoKey> {
        let bytes = Uint8Array::from(key.as_slice());
        let usages = js_sys::Array::of2(&"encrypt".into(), &"decrypt".into());
        let imported = self.0.import_key_with_str(
            "raw",
            bytes.unchecked_ref::<Object>(),
            "AES-GCM",
            false,
            &usages,
        );
        // The call has taken its copy; ours on the browser's heap goes.
        bytes.fill(0, 0, KEY_LEN as u32);
        let imported: JsValue = JsFuture::from(imported.ok()?).await.ok()?;
        imported.dyn_into().ok()
    }

    async fn seal(
        &self,
        key: &CryptoKey,
        nonce: &[u8; NONCE_LEN],
        plaintext: &[u8],
        sealed: &mut [u8],
    ) -> Option<()> {
        let done = self
            .0
            .encrypt_with_object_and_u8_array(&params(nonce), key, plaintext);
        fill(sealed, JsFuture::from(done.ok()?).await.ok()?)
    }

    async fn open(
        &self,
        key: &CryptoKey,
        nonce: &[u8; NONCE_LEN],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Option<()> {
        let done = self
            .0
            .decrypt_with_object_and_u8_array(&params(nonce), key, sealed);
        fill(plaintext, JsFuture::from(done.ok()?).await.ok()?)
    }
}

fn params(nonce: &[u8; NONCE_LEN]) -> AesGcmParams {
    AesGcmParams::new("AES-GCM", &Uint8Array::from(nonce.as_slice()))
}

/// Copies an `ArrayBuffer` out, if it is as long as it must be.
fn fill(out: &mut [u8], buffer: JsValue) -> Option<()> {
    let bytes = Uint8Array::new(&buffer);
    (bytes.length() as usize == out.len()).then(|| bytes.copy_to(out))
}
