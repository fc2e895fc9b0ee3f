//! Fernet tokens as the files of an upload, and as what a download becomes.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use getrandom::SysRng;
use rand_core::UnwrapErr;
use sv_client::port::StorageError;
use sv_client::transfer::{DownloadItem, LocalFiles, LocalTarget, Part, Sink, Source, UploadItem};
use sv_core::FernetKey;
use sv_core::fernet::{FernetKeys, TokenWriter, Verified};
use sv_ledger::limits::BLOCK_LEN;
use zeroize::Zeroizing;

use super::blocking;
use super::token::{DecryptedToken, TokenFile};
use crate::failure::Result;

/// Ends the name of a token.
pub const TOKEN_ENDING: &str = ".token";
/// How the Django application ended the names of its raw downloads.
const OLD_ENDING: &str = "_encrypted.bin";

/// What a token's file is called without its ending.
pub fn without_token_ending(name: &str) -> &str {
    let stem = [TOKEN_ENDING, OLD_ENDING]
        .iter()
        .find_map(|ending| name.strip_suffix(ending));
    stem.filter(|stem| !stem.is_empty()).unwrap_or(name)
}

/// Tokens on disk, each verified before any is uploaded.
#[derive(Default)]
pub struct TokenFiles {
    verified: BTreeMap<PathBuf, Verified>,
}

impl TokenFiles {
    /// Verifies one and gives what it says of itself.
    ///
    /// # Errors
    /// Why it cannot be imported.
    pub fn verify(&mut self, path: &Path, keys: &FernetKeys) -> Result<&Verified> {
        let verified = TokenFile::open(path)?.verify(keys)?;
        Ok(self
            .verified
            .entry(path.to_owned())
            .insert_entry(verified)
            .into_mut())
    }
}

/// A token on its way up, decrypted.
pub struct TokenSource(Arc<Mutex<Decrypting>>);

struct Decrypting {
    token: Option<DecryptedToken<File>>,
    ready: Zeroizing<Vec<u8>>,
}

impl LocalFiles for TokenFiles {
    type Source = TokenSource;

    async fn open(&self, item: &UploadItem) -> Result<TokenSource, StorageError> {
        let verified = self.verified.get(&item.local).cloned();
        let verified = verified.ok_or_else(|| StorageError("was not verified".to_owned()))?;
        let path = item.local.clone();
        blocking(move || {
            let file = TokenFile::open(&path).map_err(explained)?;
            Ok(TokenSource(Arc::new(Mutex::new(Decrypting {
                token: Some(file.decrypt(verified)),
                ready: Zeroizing::new(Vec::new()),
            }))))
        })
        .await
    }
}

impl Source for TokenSource {
    async fn read_block(&mut self, _: u64) -> Result<Vec<u8>, StorageError> {
        let state = Arc::clone(&self.0);
        blocking(move || {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.next_block().map_err(explained)
        })
        .await
    }
}

impl Decrypting {
    fn next_block(&mut self) -> Result<Vec<u8>> {
        while self.ready.len() < BLOCK_LEN
            && let Some(token) = &mut self.token
        {
            match token.next_piece()? {
                Some(piece) => self.ready.extend_from_slice(&piece),
                None => self.token.take().map_or(Ok(()), DecryptedToken::finish)?,
            }
        }
        let len = self.ready.len().min(BLOCK_LEN);
        let rest = self.ready.split_off(len);
        let block = std::mem::replace(&mut *self.ready, rest);
        Ok(block)
    }
}

/// Makes a token of every file that comes, for another target.
pub struct TokenTarget<T> {
    inner: T,
    key: FernetKey,
    now_s: u64,
}

impl<T> TokenTarget<T> {
    /// Tokens of that time under one key.
    pub const fn new(inner: T, key: FernetKey, now_s: u64) -> Self {
        Self { inner, key, now_s }
    }

    /// Where they went.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

/// A file on its way into a token.
pub struct TokenSink<S> {
    inner: S,
    writer: TokenWriter,
}

impl<T: LocalTarget> LocalTarget for TokenTarget<T> {
    type Sink = TokenSink<T::Sink>;

    async fn folder(&self, item: &DownloadItem) -> Result<(), StorageError> {
        self.inner.folder(item).await
    }

    async fn file(
        &self,
        item: &DownloadItem,
        _: Option<&Part>,
    ) -> Result<Option<Self::Sink>, StorageError> {
        let mut token = item.clone();
        if let Some(name) = token.names.last_mut() {
            name.push_str(TOKEN_ENDING);
        }
        // A token under another key has the same length: what is there is
        // never the one that would be written.
        token.size = u64::MAX;
        token.executable = false;
        let Some(inner) = self.inner.file(&token, None).await? else {
            return Ok(None);
        };
        let writer = TokenWriter::new(&self.key, self.now_s, &mut UnwrapErr(SysRng));
        let writer = writer.map_err(|error| StorageError(error.to_string()))?;
        Ok(Some(TokenSink { inner, writer }))
    }

    fn resume_key(&self, _: &DownloadItem) -> Option<String> {
        None
    }
}

impl<S: Sink> Sink for TokenSink<S> {
    async fn written(&mut self, _: u64) -> Result<Vec<u8>, StorageError> {
        Ok(Vec::new())
    }

    async fn keep(&mut self, _: u64) -> Result<(), StorageError> {
        Ok(())
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), StorageError> {
        let mut text = Vec::new();
        self.writer.push(&bytes, &mut text).map_err(explained)?;
        self.inner.write(text).await
    }

    async fn finish(mut self) -> Result<(), StorageError> {
        let mut text = Vec::new();
        self.writer.finish(&mut text).map_err(explained)?;
        self.inner.write(text).await?;
        self.inner.finish().await
    }

    async fn abandon(self) -> Result<(), StorageError> {
        self.inner.abandon().await
    }
}

fn explained(error: impl std::fmt::Display) -> StorageError {
    StorageError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_go_and_names_stay() {
        for (name, left) in [
            ("a.pdf.token", "a.pdf"),
            ("a.pdf_encrypted.bin", "a.pdf"),
            (".token", ".token"),
            ("_encrypted.bin", "_encrypted.bin"),
            ("token", "token"),
            ("a.token.token", "a.token"),
        ] {
            assert_eq!(without_token_ending(name), left);
        }
    }
}
