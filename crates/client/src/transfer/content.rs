//! Sending the bytes of one file: sealed block by block, several under way.

use futures::stream::{self, TryStreamExt};
use sv_api::ErrorCode;
use sv_api::endpoint::{CancelUpload, PutBlock};
use sv_api::vault::{Block, InlineContent};
use sv_api::wire::Empty;
use sv_core::ContentKey;
use sv_core::content::{BlocksRoot, ContentSecret, ContentSuite, plaintext_hash};
use sv_ledger::entry::ContentAdded;
use sv_ledger::id::{ContentId, Hash, VaultId};
use sv_ledger::limits::{BLOCK_LEN, FERNET_LEN, INLINE_LEN};

use super::fernet::too_large;
use super::plan::{LocalFiles, Source, Step};
use super::resume::UploadResume;
use super::{BLOCKS_AT_ONCE, LastNote};
use crate::account::Session;
use crate::block::{BlockDone, BlockHashes, BlockWork};
use crate::call::Repeat;
use crate::error::{ClientError, Result};
use crate::port::Platform;
use crate::progress::{Progress, Reporter};

/// A content that is on the server, or travels with the entry that adds it.
pub(super) struct Sent {
    pub(super) key: ContentSecret,
    pub(super) size: u64,
    pub(super) added: ContentAdded,
    pub(super) inline: Option<InlineContent>,
    pub(super) resume: Option<UploadResume>,
}

/// Where the bytes of one file go.
pub(super) struct Sender<'a, P> {
    pub(super) session: &'a Session<P>,
    pub(super) vault_id: VaultId,
    /// How the vault keeps contents.
    pub(super) suite: ContentSuite,
    pub(super) reporter: &'a Reporter,
}

impl<P: Platform> Sender<'_, P> {
    /// Sends a file, whatever its size turns out to be.
    pub(super) async fn send<F: LocalFiles>(&self, files: &F, step: &Step) -> Result<Sent> {
        let size = step.item.size;
        if self.suite == ContentSuite::Fernet && size.is_some_and(|size| size > FERNET_LEN as u64) {
            return Err(too_large());
        }
        let source = files.open(&step.item).await?;
        let is_long = size.is_some_and(|size| size > BLOCK_LEN as u64);
        let resume = match is_long && self.suite == ContentSuite::Blocks {
            true => Some(UploadResume::begin(self.session, &self.vault_id, step).await?),
            false => None,
        };
        self.send_from(source, resume).await
    }

    /// Sends whatever a source gives; `resume` is for what is longer than a
    /// block.
    pub(super) async fn send_from<S: Source>(
        &self,
        mut source: S,
        resume: Option<UploadResume>,
    ) -> Result<Sent> {
        if self.suite == ContentSuite::Fernet {
            return self.send_token(source).await;
        }
        if resume.is_some() {
            return self.send_blocks(source, resume, None).await;
        }
        let first = source.read_block(0).await?;
        if first.len() == BLOCK_LEN {
            return self.send_blocks(source, None, Some(first)).await;
        }
        self.send_short(first).await
    }

    /// A content of at most one block.
    pub(super) async fn send_short(&self, plaintext: Vec<u8>) -> Result<Sent> {
        let (content_id, key) = self.new_content()?;
        let size = plaintext.len() as u64;
        let mut root = BlocksRoot::new();
        let mut inline = None;
        if !plaintext.is_empty() {
            let (hashes, sealed) = self.seal(&key, content_id, 0, plaintext).await?;
            root.push_hash(&hashes.sealed);
            if sealed.len() <= INLINE_LEN {
                inline = Some(InlineContent {
                    content_id,
                    block: sealed,
                });
            } else {
                self.put(content_id, 0, sealed).await?;
            }
        }
        self.reporter.report(Progress::Bytes(size));
        let added = described(self.suite, content_id, size, root.root())?;
        Ok(Sent {
            key: ContentSecret::Blocks(key),
            size,
            added,
            inline,
            resume: None,
        })
    }

    /// A content of any number of blocks.
    async fn send_blocks<S: Source>(
        &self,
        source: S,
        resume: Option<UploadResume>,
        first: Option<Vec<u8>>,
    ) -> Result<Sent> {
        let (content_id, key) = match &resume {
            Some(resume) => (resume.content_id, resume.key.clone()),
            None => self.new_content()?,
        };
        let durable = resume
            .as_ref()
            .map(|r| r.durable.clone())
            .unwrap_or_default();
        let (sealing_key, durable) = (&key.clone(), &durable);
        let blocks = read_blocks(source, first).map_ok(|(index, plaintext)| async move {
            let len = plaintext.len();
            if let Some(before) = durable.get(&index) {
                let (plaintext, hash) = self.hash(plaintext).await?;
                if hash == before.plaintext {
                    return Ok((index, len, *before, false));
                }
                let hashes = self.send_block(sealing_key, content_id, index, plaintext);
                return Ok((index, len, hashes.await?, true));
            }
            let hashes = self.send_block(sealing_key, content_id, index, plaintext);
            Ok::<_, ClientError>((index, len, hashes.await?, true))
        });
        let mut blocks = std::pin::pin!(blocks.try_buffered(BLOCKS_AT_ONCE));
        let (mut size, mut root, mut resume) = (0, BlocksRoot::new(), resume);
        let (mut fresh, mut noted) = (Vec::new(), LastNote::now(self.session.platform()));
        loop {
            let next = blocks.try_next().await;
            if let Ok(Some((index, len, hashes, is_new))) = &next {
                if *is_new {
                    fresh.push((*index, *hashes));
                }
                size += *len as u64;
                root.push_hash(&hashes.sealed);
                self.reporter.report(Progress::Bytes(*len as u64));
            }
            let is_over = !matches!(next, Ok(Some(_))) && !fresh.is_empty();
            if is_over || noted.is_due(self.session.platform(), fresh.len()) {
                if let Some(resume) = &mut resume {
                    resume.acknowledged(self.session, &fresh).await?;
                }
                fresh.clear();
            }
            match next {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    self.give_up_if_too_large(content_id, &error).await;
                    return Err(error);
                }
            }
        }
        let added = described(self.suite, content_id, size, root.root())?;
        Ok(Sent {
            key: ContentSecret::Blocks(key),
            size,
            added,
            inline: None,
            resume,
        })
    }

    /// Blocks of a file that the server will never take are not left to count
    /// until the upload expires. If this fails, they are.
    async fn give_up_if_too_large(&self, content: ContentId, error: &ClientError) {
        if error.is_refusal(ErrorCode::FileTooLarge) {
            let endpoint = CancelUpload { content };
            let server = self.session.server();
            let _ = server.call(&endpoint, Empty {}, Repeat::Safe).await;
        }
    }

    fn new_content(&self) -> Result<(ContentId, ContentKey)> {
        let platform = self.session.platform();
        let key = ContentKey::generate(&mut platform.random())?;
        Ok((ContentId::new(platform.random_bytes()), key))
    }

    async fn send_block(
        &self,
        key: &ContentKey,
        content_id: ContentId,
        index: u64,
        plaintext: Vec<u8>,
    ) -> Result<BlockHashes> {
        let (hashes, sealed) = self.seal(key, content_id, index, plaintext).await?;
        self.put(content_id, index, sealed).await?;
        Ok(hashes)
    }

    async fn seal(
        &self,
        key: &ContentKey,
        content_id: ContentId,
        index: u64,
        plaintext: Vec<u8>,
    ) -> Result<BlockDone> {
        let work = BlockWork {
            key: key.clone(),
            content_id,
            index,
            bytes: plaintext,
        };
        let sealed = self.session.platform().seal_block(work).await;
        Ok(sealed.ok_or(ClientError::Interrupted)??)
    }

    async fn hash(&self, plaintext: Vec<u8>) -> Result<(Vec<u8>, Hash)> {
        let work = move || {
            let hash = plaintext_hash(&plaintext);
            (plaintext, hash)
        };
        let hashed = self.session.platform().offload(work).await;
        hashed.ok_or(ClientError::Interrupted)
    }

    pub(super) async fn put(&self, content: ContentId, index: u64, sealed: Vec<u8>) -> Result<()> {
        let index =
            u32::try_from(index).map_err(|_| ClientError::misuse("the file is too large"))?;
        let endpoint = PutBlock { content, index };
        self.session
            .server()
            .call(&endpoint, Block(sealed), Repeat::Safe)
            .await
            .map(drop)
    }
}

/// The blocks of a source with their indexes, up to and without an empty one.
fn read_blocks<S: Source>(
    source: S,
    first: Option<Vec<u8>>,
) -> impl stream::Stream<Item = Result<(u64, Vec<u8>)>> {
    stream::try_unfold(
        (source, 0, first, false),
        |(mut source, index, first, ended)| async move {
            if ended {
                return Ok(None);
            }
            let block = match first {
                Some(block) => block,
                None => source.read_block(index).await?,
            };
            if block.is_empty() {
                return Ok(None);
            }
            let ended = block.len() < BLOCK_LEN;
            Ok(Some(((index, block), (source, index + 1, None, ended))))
        },
    )
}

/// A content as the log commits to it.
pub(crate) fn described(
    suite: ContentSuite,
    content_id: ContentId,
    size: u64,
    blocks_root: Hash,
) -> Result<ContentAdded> {
    let too_large = || ClientError::misuse("the file is too large");
    Ok(ContentAdded {
        content_id,
        sealed_len: suite.content_len(size).ok_or_else(too_large)?,
        block_count: suite.block_count(size).ok_or_else(too_large)?,
        blocks_root,
    })
}

/// Whether a content of that size travels with its entry: it is not nothing,
/// and short.
pub(super) fn is_inline(suite: ContentSuite, size: u64) -> bool {
    let len = suite.content_len(size);
    len.is_some_and(|len| (1..=INLINE_LEN as u64).contains(&len))
}
