//! Getting the bytes of contents: each block is checked against the record
//! before a byte of it is handed on.

use futures::stream::{self, Stream, StreamExt};
use sv_api::ErrorCode;
use sv_api::endpoint::{GetBlock, GetContents};
use sv_api::vault::{Block, ContentsRequest};
use sv_api::wire::Empty;
use sv_core::ContentKey;
use sv_core::content::{BlocksRoot, ContentSecret, open_block};
use sv_core::record::Version;
use sv_ledger::id::{ContentId, VaultId};

use super::BLOCKS_AT_ONCE;
use super::fernet::open_short_token;
use crate::account::Session;
use crate::block::{BlockDone, BlockWork};
use crate::call::Repeat;
use crate::error::{ClientError, Result, Tamper};
use crate::port::Platform;

/// Reads contents of one vault.
pub(super) struct Fetcher<'a, P> {
    pub(super) session: &'a Session<P>,
    pub(super) vault: VaultId,
}

impl<'a, P: Platform> Fetcher<'a, P> {
    /// Sealed blocks from `first` on, in order, several under way. Lengths
    /// are checked, nothing else.
    pub(super) fn sealed_blocks(
        &self,
        version: &Version,
        path: &'a str,
        first: u64,
    ) -> impl Stream<Item = Result<Vec<u8>>> + use<'a, P> {
        let (session, vault, content) = (self.session, self.vault, version.content_id);
        let (size, suite) = (version.size, version.key.suite());
        let count = suite.block_count(size).map_or(0, u64::from);
        stream::iter(first..count)
            .map(move |index| async move {
                let endpoint = GetBlock {
                    vault,
                    content,
                    index: index as u32,
                };
                let Block(sealed) = session
                    .server()
                    .call(&endpoint, Empty {}, Repeat::Safe)
                    .await
                    .map_err(|error| missing(error, path))?;
                if suite.block_len(size, index) != Some(sealed.len()) {
                    return Err(altered(path));
                }
                Ok(sealed)
            })
            .buffered(BLOCKS_AT_ONCE)
    }

    /// Opened blocks from `first` on, in order, each with its hashes; the
    /// caller checks those of the sealed form against the root at the end.
    pub(super) fn blocks(
        &self,
        version: &Version,
        key: &ContentKey,
        path: &'a str,
        first: u64,
    ) -> impl Stream<Item = Result<BlockDone>> + use<'a, P> {
        let session = self.session;
        let (content_id, key) = (version.content_id, key.clone());
        self.sealed_blocks(version, path, first)
            .enumerate()
            .map(move |(nth, sealed)| {
                let (key, index) = (key.clone(), first + nth as u64);
                async move {
                    let work = BlockWork {
                        key,
                        content_id,
                        index,
                        bytes: sealed?,
                    };
                    let opened = session.platform().open_block(work).await;
                    opened
                        .ok_or(ClientError::Interrupted)?
                        .map_err(|_| altered(path))
                }
            })
            .buffered(2)
    }

    /// The plaintext of contents that fit one request, in order; fewer than
    /// were asked for if the server stopped early, at least one.
    pub(super) async fn short(&self, wanted: &[(&Version, &str)]) -> Result<Vec<Vec<u8>>> {
        let content_ids: Vec<ContentId> = wanted.iter().map(|(v, _)| v.content_id).collect();
        let first = wanted.first().map_or("", |(_, path)| path);
        let endpoint = GetContents { vault: self.vault };
        let answer = self
            .session
            .server()
            .call(&endpoint, ContentsRequest { content_ids }, Repeat::Safe)
            .await
            .map_err(|error| missing(error, first))?;
        if answer.contents.is_empty() {
            return Err(Tamper::Missing("the contents of files").into());
        }
        let got = answer.contents.len();
        let pairs: Vec<(Version, String)> = wanted
            .iter()
            .take(got)
            .map(|(version, path)| ((*version).clone(), (*path).to_owned()))
            .collect();
        let work = move || {
            let opened = pairs
                .iter()
                .zip(answer.contents)
                .map(|((version, path), content)| {
                    open_only_block(version, content.content_id, &content.block)
                        .ok_or_else(|| altered(path))
                });
            opened.collect()
        };
        self.session
            .platform()
            .offload(work)
            .await
            .ok_or(ClientError::Interrupted)?
    }
}

fn open_only_block(version: &Version, content_id: ContentId, sealed: &[u8]) -> Option<Vec<u8>> {
    let mut root = BlocksRoot::new();
    root.push(sealed);
    let suite = version.key.suite();
    let is_listed = content_id == version.content_id
        && suite.block_len(version.size, 0) == Some(sealed.len())
        && suite.block_count(version.size) == Some(1)
        && root.root() == version.blocks_root;
    if !is_listed {
        return None;
    }
    match &version.key {
        ContentSecret::Blocks(key) => open_block(key, &version.content_id, 0, sealed).ok(),
        ContentSecret::Fernet(key) => open_short_token(key, version.size, sealed),
    }
}

pub(super) fn altered(path: &str) -> ClientError {
    Tamper::Content(path.to_owned()).into()
}

/// The server does not have what it acknowledged, or has something there that
/// no block can be.
pub(super) fn missing(error: ClientError, path: &str) -> ClientError {
    if error.is_refusal(ErrorCode::NotFound) || matches!(error, ClientError::Misbehaved(_)) {
        altered(path)
    } else {
        error
    }
}
