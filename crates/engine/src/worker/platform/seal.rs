//! A key that this browser keeps and shows nobody: AES-GCM of WebCrypto, not
//! extractable. It seals what opens the account together with the server's
//! half, so that a copy of the browser's files alone opens nothing even with
//! that half (spec: `account-keys.md` §5).

use js_sys::{Array, Object, Reflect, Uint8Array};
use sv_client::port::StorageError;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AesGcmParams, Crypto, CryptoKey, SubtleCrypto};

use super::database::Database;
use super::explain;

const NAME: &str = "rest";
const NONCE_LEN: usize = 12;

/// Seals and opens with that key; makes one when there is none.
#[derive(Clone)]
pub(super) struct Sealer {
    crypto: Crypto,
    subtle: SubtleCrypto,
    database: Database,
}

impl Sealer {
    pub(super) fn new(crypto: Crypto, database: Database) -> Self {
        Self {
            subtle: crypto.subtle(),
            crypto,
            database,
        }
    }

    /// A fresh nonce, and the ciphertext, bound to the file's name.
    pub(super) async fn seal(&self, name: &str, bytes: &[u8]) -> Result<Vec<u8>, StorageError> {
        let key = self.key().await?;
        let mut nonce = [0; NONCE_LEN];
        self.crypto
            .get_random_values_with_u8_array(&mut nonce)
            .map_err(|e| failed(&e))?;
        let params = params(name, &nonce);
        let sealed = self
            .subtle
            .encrypt_with_object_and_u8_array(&params, &key, bytes)
            .map_err(|e| failed(&e))?;
        let sealed = JsFuture::from(sealed).await.map_err(|e| failed(&e))?;
        Ok([nonce.to_vec(), Uint8Array::new(&sealed).to_vec()].concat())
    }

    /// Opens; `None` if it is not what was sealed here.
    pub(super) async fn open(
        &self,
        name: &str,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let Some((nonce, body)) = sealed.split_at_checked(NONCE_LEN) else {
            return Ok(None);
        };
        let key = self.key().await?;
        let opened = self
            .subtle
            .decrypt_with_object_and_u8_array(&params(name, nonce), &key, body)
            .map_err(|e| failed(&e))?;
        let opened = JsFuture::from(opened).await;
        Ok(opened.ok().map(|bytes| Uint8Array::new(&bytes).to_vec()))
    }

    async fn key(&self) -> Result<CryptoKey, StorageError> {
        if let Some(key) = self.database.object(NAME).await? {
            return key.dyn_into().map_err(|e| failed(&e));
        }
        let algorithm = Object::new();
        for (name, value) in [("name", "AES-GCM".into()), ("length", 256.into())] {
            let value: JsValue = value;
            Reflect::set(&algorithm, &name.into(), &value).map_err(|e| failed(&e))?;
        }
        let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
        let made = self
            .subtle
            .generate_key_with_object(&algorithm, false, &usages)
            .map_err(|e| failed(&e))?;
        let key = JsFuture::from(made).await.map_err(|e| failed(&e))?;
        self.database.keep_object(NAME, &key).await?;
        key.dyn_into().map_err(|e| failed(&e))
    }
}

fn params(name: &str, nonce: &[u8]) -> AesGcmParams {
    let params = AesGcmParams::new("AES-GCM", &Uint8Array::from(nonce));
    params.set_additional_data(&Uint8Array::from(name.as_bytes()));
    params
}

fn failed(error: &JsValue) -> StorageError {
    StorageError(explain(error))
}
