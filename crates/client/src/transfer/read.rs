//! Reading one version of a file without a local target: in order, or from
//! anywhere, as a player does that seeks.

use std::pin::pin;

use futures::stream::{self, LocalBoxStream, Stream, StreamExt, TryStreamExt};
use sv_api::endpoint::{GetBlock, GetBlockHashes};
use sv_api::vault::Block;
use sv_api::wire::Empty;
use sv_core::content::{
    BlockList, BlocksRoot, ContentSecret, RawHeader, RawKey, block_count, block_hash, block_len,
    box_len,
};
use sv_core::error::ContentError;
use sv_core::record::{Record, Version};
use sv_core::{ContentKey, FernetKey};
use sv_ledger::id::{ContentId, Hash, NodeId, VaultId};
use sv_ledger::limits::BLOCK_LEN;
use zeroize::Zeroizing;

use super::content::is_inline;
use super::fetch::{Fetcher, altered, missing};
use crate::account::Session;
use crate::call::Repeat;
use crate::drive::Drive;
use crate::error::{ClientError, Result};
use crate::port::Platform;

/// One version of a file, chosen; it needs no drive any more.
#[derive(Debug, Clone)]
pub struct Reading {
    vault: VaultId,
    version: Version,
    path: String,
}

/// How far a file was read in order, for going on after an interruption.
#[derive(Debug, Clone, Default)]
pub struct SoFar {
    root: BlocksRoot,
    /// Bytes that were read of a token, which is fetched and verified anew.
    of_token: u64,
}

/// The blocks of a [`Reading`] from anywhere: their list of hashes, proved.
pub struct Seekable {
    reading: Reading,
    key: ContentKey,
    list: BlockList,
}

impl Reading {
    /// The newest version of a file or note, or the one with that content.
    ///
    /// # Errors
    /// [`ClientError::NotFound`], or [`ClientError::Misuse`] if the node is gone
    /// or a folder.
    pub fn new<P: Platform>(
        drive: &Drive<'_, P>,
        id: NodeId,
        content: Option<ContentId>,
    ) -> Result<Self> {
        let record = drive.record(&id)?;
        let path = drive.tree().path(&id);
        let path = path.unwrap_or_else(|| record.name.to_string());
        let version = choose(record, content)
            .ok_or_else(|| ClientError::NotFound(format!("{path}, that version")))?;
        Ok(Self {
            vault: drive.vault().id(),
            version: version.clone(),
            path,
        })
    }

    /// Bytes.
    pub const fn size(&self) -> u64 {
        self.version.size
    }

    /// The content that is read.
    pub const fn content_id(&self) -> ContentId {
        self.version.content_id
    }

    /// When the file was last changed, Unix milliseconds.
    pub const fn modified_ms(&self) -> u64 {
        self.version.modified_ms
    }

    /// Whether it is kept as a Fernet token: nothing of it can be read before
    /// all of it was fetched, and nothing from its middle.
    pub const fn is_token(&self) -> bool {
        matches!(self.version.key, ContentSecret::Fernet(_))
    }

    /// What a raw download begins with; a token is one by itself.
    pub fn raw_header(&self) -> Option<RawHeader> {
        (!self.is_token()).then_some(RawHeader {
            content_id: self.version.content_id,
            size: self.version.size,
        })
    }

    /// Bytes of a raw download.
    pub fn raw_len(&self) -> Option<u64> {
        match self.raw_header() {
            Some(header) => header.file_len(),
            None => self.version.key.suite().content_len(self.version.size),
        }
    }

    /// What opens the file as it is stored, as text: `sv1-…`, or a Fernet key.
    pub fn raw_key(&self) -> Zeroizing<String> {
        match &self.version.key {
            ContentSecret::Fernet(key) => key.to_text(),
            ContentSecret::Blocks(key) => {
                let key = RawKey {
                    key: key.clone(),
                    blocks_root: self.version.blocks_root,
                };
                key.to_text()
            }
        }
    }

    /// The bytes after those of `so_far` in order, block by block, each verified;
    /// with each, how far it is then. That they are all, and the right ones, is
    /// known at the end of the stream: its last item is an error if they are
    /// not, and whoever kept the others drops them.
    pub fn blocks<'a, P: Platform>(
        &'a self,
        session: &'a Session<P>,
        so_far: SoFar,
    ) -> impl Stream<Item = Result<(Vec<u8>, SoFar)>> + use<'a, P> {
        let fetcher = self.fetcher(session);
        match &self.version.key {
            ContentSecret::Fernet(key) => self.pieces(fetcher, key, so_far).left_stream(),
            ContentSecret::Blocks(key) => {
                let from = so_far.root.count();
                let blocks = fetcher.blocks(&self.version, key, &self.path, from);
                let hashed = blocks.map_ok(|(hashes, plaintext)| (hashes.sealed, plaintext));
                self.rooted(hashed.boxed_local(), so_far).right_stream()
            }
        }
    }

    /// What is in a token, which was verified as a whole before, without what
    /// was read of it already.
    fn pieces<'a, P: Platform>(
        &'a self,
        fetcher: Fetcher<'a, P>,
        key: &'a FernetKey,
        so_far: SoFar,
    ) -> impl Stream<Item = Result<(Vec<u8>, SoFar)>> + use<'a, P> {
        let start = (None::<LocalBoxStream<'a, Result<Vec<u8>>>>, so_far);
        stream::try_unfold(start, move |(pieces, mut so_far)| async move {
            let (mut pieces, mut known) = match pieces {
                Some(pieces) => (pieces, 0),
                None => {
                    let token = fetcher.token(&self.version, key, &self.path).await?;
                    let pieces = token.plaintext(fetcher, &self.version, &self.path);
                    (pieces.boxed_local(), so_far.of_token)
                }
            };
            while let Some(mut piece) = pieces.try_next().await? {
                let before = piece
                    .len()
                    .min(usize::try_from(known).unwrap_or(usize::MAX));
                known -= before as u64;
                piece.drain(..before);
                if !piece.is_empty() {
                    so_far.of_token += piece.len() as u64;
                    return Ok(Some(((piece, so_far.clone()), (Some(pieces), so_far))));
                }
            }
            Ok(None)
        })
    }

    /// The sealed blocks in order, as they are stored; otherwise as
    /// [`Self::blocks`].
    pub fn sealed_blocks<'a, P: Platform>(
        &'a self,
        session: &'a Session<P>,
        so_far: SoFar,
    ) -> impl Stream<Item = Result<(Vec<u8>, SoFar)>> + use<'a, P> {
        let fetcher = self.fetcher(session);
        let sealed = fetcher.sealed_blocks(&self.version, &self.path, so_far.root.count());
        let hashed = sealed.map_ok(|sealed| (block_hash(&sealed), sealed));
        self.rooted(hashed.boxed_local(), so_far)
    }

    /// Compares the root after the last block.
    fn rooted<'a>(
        &'a self,
        blocks: LocalBoxStream<'a, Result<(Hash, Vec<u8>)>>,
        so_far: SoFar,
    ) -> impl Stream<Item = Result<(Vec<u8>, SoFar)>> + use<'a> {
        stream::try_unfold((blocks, so_far), |(mut blocks, mut so_far)| async {
            match blocks.try_next().await? {
                Some((hash, bytes)) => {
                    so_far.root.push_hash(&hash);
                    Ok(Some(((bytes, so_far.clone()), (blocks, so_far))))
                }
                None if so_far.root.root() == self.version.blocks_root => Ok(None),
                None => Err(altered(&self.path)),
            }
        })
    }

    /// All bytes of a file of at most one block.
    ///
    /// # Errors
    /// [`crate::Tamper::Content`], or those of a call.
    pub async fn whole<P: Platform>(&self, session: &Session<P>) -> Result<Vec<u8>> {
        if is_inline(self.version.key.suite(), self.size()) {
            let wanted = [(&self.version, self.path.as_str())];
            let contents = self.fetcher(session).short(&wanted).await?;
            return Ok(contents.into_iter().next().unwrap_or_default());
        }
        let mut bytes = Vec::new();
        let mut blocks = pin!(self.blocks(session, SoFar::default()));
        while let Some((block, _)) = blocks.try_next().await? {
            bytes.extend_from_slice(&block);
        }
        Ok(bytes)
    }

    /// Prepares to read from anywhere: fetches the hashes of all blocks and
    /// proves that they are the record's.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] for a token; [`crate::Tamper::Content`], or those
    /// of a call.
    pub async fn seekable<P: Platform>(self, session: &Session<P>) -> Result<Seekable> {
        let ContentSecret::Blocks(key) = &self.version.key else {
            return Err(ClientError::misuse(format!(
                "{}: is kept as a Fernet token, which can only be fetched whole",
                self.path
            )));
        };
        let key = key.clone();
        let count = block_count(self.size()).ok_or_else(|| altered(&self.path))?;
        let mut hashes = Vec::new();
        while (hashes.len() as u64) < u64::from(count) {
            let from = hashes.len() as u32;
            let endpoint = GetBlockHashes {
                vault: self.vault,
                content: self.version.content_id,
                from,
            };
            let page = session
                .server()
                .call(&endpoint, Empty {}, Repeat::Safe)
                .await
                .map_err(|error| missing(error, &self.path))?;
            let is_next = page.blocks.iter().zip(from..).all(|((i, _), n)| *i == n);
            if page.blocks.is_empty() || !is_next {
                return Err(altered(&self.path));
            }
            hashes.extend(page.blocks.into_iter().map(|(_, hash)| hash));
        }
        let list = BlockList::verify(hashes, self.size(), &self.version.blocks_root)
            .map_err(|_| altered(&self.path))?;
        Ok(Seekable {
            reading: self,
            key,
            list,
        })
    }

    const fn fetcher<'a, P: Platform>(&self, session: &'a Session<P>) -> Fetcher<'a, P> {
        Fetcher {
            session,
            vault: self.vault,
        }
    }
}

impl Seekable {
    /// Bytes.
    pub const fn size(&self) -> u64 {
        self.reading.size()
    }

    /// Bytes of a block; the last one may be shorter.
    pub const BLOCK: u64 = BLOCK_LEN as u64;

    /// The plaintext of one block.
    ///
    /// # Errors
    /// [`crate::Tamper::Content`], or those of a call.
    pub async fn block<P: Platform>(&self, session: &Session<P>, index: u64) -> Result<Vec<u8>> {
        let Reading {
            vault,
            version,
            path,
        } = &self.reading;
        let endpoint = GetBlock {
            vault: *vault,
            content: version.content_id,
            index: u32::try_from(index).map_err(|_| altered(path))?,
        };
        let Block(sealed) = session
            .server()
            .call(&endpoint, Empty {}, Repeat::Safe)
            .await
            .map_err(|error| missing(error, path))?;
        if block_len(version.size, index).map(box_len) != Some(sealed.len()) {
            return Err(altered(path));
        }
        let (list, key, id) = (self.list.clone(), self.key.clone(), version.content_id);
        let work = move || {
            let mut plaintext = Vec::new();
            list.open(&key, &id, index, &sealed, &mut plaintext)?;
            Ok::<_, ContentError>(plaintext)
        };
        let opened = session.platform().offload(work).await;
        opened
            .ok_or(ClientError::Interrupted)?
            .map_err(|_| altered(path))
    }
}

fn choose(record: &Record, content: Option<ContentId>) -> Option<&Version> {
    match content {
        None => record.current(),
        Some(content) => {
            let mut versions = record.versions.iter().rev();
            versions.find(|version| version.content_id == content)
        }
    }
}
