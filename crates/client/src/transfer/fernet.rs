//! Contents of a Fernet vault: one token each, sent as it is made, and read
//! twice before a byte of it is handed on (spec: `fernet.md` §4).

use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use sv_api::ErrorCode;
use sv_api::endpoint::CancelUpload;
use sv_api::vault::InlineContent;
use sv_api::wire::Empty;
use sv_core::FernetKey;
use sv_core::content::{BlocksRoot, ContentSecret, block_hash};
use sv_core::error::FernetError;
use sv_core::fernet::{TokenWriter, Verified, Verifier, open_token};
use sv_core::record::Version;
use sv_ledger::id::{ContentId, Hash};
use sv_ledger::limits::{BLOCK_LEN, FERNET_LEN, INLINE_LEN};

use super::BLOCKS_AT_ONCE;
use super::content::{Sender, Sent, described};
use super::fetch::{Fetcher, altered};
use super::plan::Source;
use crate::account::Session;
use crate::call::Repeat;
use crate::error::{ClientError, Result};
use crate::port::{Platform, StorageError};
use crate::progress::Progress;

/// Blocks of a token that are kept between its two passes; a longer one is
/// fetched twice.
const KEPT_BLOCKS: usize = 4;

impl<P: Platform> Sender<'_, P> {
    /// Sends a file as a token. One that is interrupted begins anew: a token
    /// is made front to back, and the same bytes never twice under one key
    /// and initialisation vector.
    pub(super) async fn send_token<S: Source>(&self, source: S) -> Result<Sent> {
        let platform = self.session.platform();
        let key = FernetKey::generate(&mut platform.random())?;
        let content_id = ContentId::new(platform.random_bytes());
        let mut token = Making {
            source,
            writer: Some(TokenWriter::new(
                &key,
                platform.now_ms() / 1000,
                &mut platform.random(),
            )?),
            next: 0,
            size: 0,
            text: Vec::new(),
        };
        let first = token.next_block(self).await?.unwrap_or_default();
        if token.is_over() && first.len() <= INLINE_LEN {
            let mut root = BlocksRoot::new();
            root.push(&first);
            let inline = InlineContent {
                content_id,
                block: first,
            };
            return self.sent(key, content_id, token.size, root.root(), Some(inline));
        }
        let sent = self.send_token_blocks(content_id, &mut token, first).await;
        if sent.is_err() {
            // What is there already is of no use to anybody. If this fails, it
            // goes when the upload expires.
            let endpoint = CancelUpload {
                content: content_id,
            };
            let server = self.session.server();
            let _ = server.call(&endpoint, Empty {}, Repeat::Safe).await;
        }
        let root = sent.map_err(in_tokens)?;
        self.sent(key, content_id, token.size, root, None)
    }

    /// Sends the blocks, several under way, and gives their root.
    async fn send_token_blocks<S: Source>(
        &self,
        content_id: ContentId,
        token: &mut Making<S>,
        first: Vec<u8>,
    ) -> Result<Hash> {
        let blocks = stream::try_unfold((token, Some(first)), |(token, first)| async move {
            let block = match first {
                Some(first) => Some(first),
                None => token.next_block(self).await?,
            };
            Ok::<_, ClientError>(block.map(|block| (block, (token, None))))
        });
        let sent = blocks
            .scan(0, |index, block| {
                let this = *index;
                *index += 1;
                std::future::ready(Some(block.map(|block| (this, block))))
            })
            .map_ok(|(index, block)| async move {
                let (block, hash) = self.hash_token_block(block).await?;
                self.put(content_id, index, block).await?;
                Ok(hash)
            })
            .try_buffered(BLOCKS_AT_ONCE);
        let mut sent = std::pin::pin!(sent);
        let mut root = BlocksRoot::new();
        while let Some(hash) = sent.try_next().await? {
            root.push_hash(&hash);
        }
        Ok(root.root())
    }

    async fn hash_token_block(&self, block: Vec<u8>) -> Result<(Vec<u8>, Hash)> {
        let work = move || {
            let hash = block_hash(&block);
            (block, hash)
        };
        let hashed = self.session.platform().offload(work).await;
        hashed.ok_or(ClientError::Interrupted)
    }

    fn sent(
        &self,
        key: FernetKey,
        content_id: ContentId,
        size: u64,
        root: Hash,
        inline: Option<InlineContent>,
    ) -> Result<Sent> {
        Ok(Sent {
            key: ContentSecret::Fernet(key),
            size,
            added: described(self.suite, content_id, size, root)?,
            inline,
            resume: None,
        })
    }
}

/// A token on its way.
struct Making<S> {
    source: S,
    /// None when all of the file is in it.
    writer: Option<TokenWriter>,
    /// The next block of the file.
    next: u64,
    size: u64,
    /// Text that is not sent yet.
    text: Vec<u8>,
}

impl<S: Source> Making<S> {
    const fn is_over(&self) -> bool {
        self.writer.is_none() && self.text.is_empty()
    }

    /// The next 4 MiB of the token, or its end.
    async fn next_block<P: Platform>(&mut self, sender: &Sender<'_, P>) -> Result<Option<Vec<u8>>> {
        while self.text.len() < BLOCK_LEN
            && let Some(mut writer) = self.writer.take()
        {
            let plaintext = self.source.read_block(self.next).await?;
            self.next += 1;
            let len = plaintext.len() as u64;
            self.size += len;
            if self.size > FERNET_LEN as u64 {
                return Err(too_large());
            }
            let mut text = std::mem::take(&mut self.text);
            let work = move || {
                writer.push(&plaintext, &mut text)?;
                let is_last = plaintext.len() < BLOCK_LEN;
                let writer = if is_last {
                    writer.finish(&mut text)?;
                    None
                } else {
                    Some(writer)
                };
                Ok::<_, sv_core::error::SealError>((writer, text))
            };
            let made = sender.session.platform().offload(work).await;
            (self.writer, self.text) = made.ok_or(ClientError::Interrupted)??;
            sender.reporter.report(Progress::Bytes(len));
        }
        if self.text.is_empty() {
            return Ok(None);
        }
        let rest = self.text.split_off(self.text.len().min(BLOCK_LEN));
        Ok(Some(std::mem::replace(&mut self.text, rest)))
    }
}

/// The server's limit is on what it stores, and a token is a third larger than
/// what is in it: its number is not the one that a person can use here.
fn in_tokens(error: ClientError) -> ClientError {
    let limit = match &error {
        ClientError::Refused(refusal) if refusal.code == ErrorCode::FileTooLarge => {
            refusal.limit_bytes
        }
        _ => None,
    };
    let Some(limit) = limit else { return error };
    let why = format!(
        "this server stores at most {} MiB of a file, and a token is a third larger than what is \
         in it: in this vault a file has to be smaller than {} MiB",
        limit >> 20,
        (limit >> 20) * 3 / 4
    );
    ClientError::Local(StorageError(why))
}

/// Is booked as a file that cannot be stored; the others can.
pub(super) fn too_large() -> ClientError {
    let why = "a file of a Fernet vault has at most 512 MiB; keep it in another vault";
    ClientError::Local(StorageError(why.to_owned()))
}

/// A token of which everything was verified.
pub(super) struct VerifiedToken {
    verified: Verified,
    /// Its blocks, if they are few.
    kept: Option<Vec<Vec<u8>>>,
}

impl<'a, P: Platform> Fetcher<'a, P> {
    /// The first pass: fetches a token and verifies it as a whole, against
    /// its record and against its own signature.
    pub(super) async fn token(
        &self,
        version: &Version,
        key: &FernetKey,
        path: &'a str,
    ) -> Result<VerifiedToken> {
        let mut blocks = std::pin::pin!(self.sealed_blocks(version, path, 0));
        let mut verifier = Some(Verifier::new(&key.clone().into()));
        let (mut root, mut kept) = (BlocksRoot::new(), Some(Vec::new()));
        while let Some(block) = blocks.try_next().await? {
            let mut pass = verifier.take().ok_or(ClientError::Interrupted)?;
            let work = move || (pass.push(&block).map(|()| pass), block);
            let (pass, block) = offload(self.session, work).await?;
            verifier = Some(pass.map_err(|_| altered(path))?);
            root.push(&block);
            kept = kept.filter(|kept: &Vec<_>| kept.len() < KEPT_BLOCKS);
            if let Some(kept) = &mut kept {
                kept.push(block);
            }
        }
        let verified = verifier
            .ok_or(FernetError::Tampered)
            .and_then(Verifier::finish)
            .map_err(|_| altered(path))?;
        if root.root() != version.blocks_root || verified.size() != version.size {
            return Err(altered(path));
        }
        Ok(VerifiedToken { verified, kept })
    }
}

impl VerifiedToken {
    /// The second pass: what is in it, piece by piece.
    pub(super) fn plaintext<'f, P: Platform>(
        self,
        fetcher: Fetcher<'f, P>,
        version: &Version,
        path: &'f str,
    ) -> impl Stream<Item = Result<Vec<u8>>> + use<'f, P> {
        let Self { verified, kept } = self;
        let blocks = match kept {
            Some(kept) => stream::iter(kept.into_iter().map(Ok)).left_stream(),
            None => fetcher.sealed_blocks(version, path, 0).right_stream(),
        };
        let state = (Box::pin(blocks), Some(verified.into_reader()));
        stream::try_unfold(state, move |(mut blocks, reader)| async move {
            let Some(mut reader) = reader else {
                return Ok(None);
            };
            let Some(block) = blocks.try_next().await? else {
                reader.finish().map_err(|_| altered(path))?;
                return Ok(None);
            };
            let work = move || {
                let mut plaintext = Vec::new();
                let opened = reader.open_next(&block, &mut plaintext);
                opened.map(|()| (reader, plaintext))
            };
            let opened = offload(fetcher.session, work).await?;
            let (reader, plaintext) = opened.map_err(|_| altered(path))?;
            Ok(Some((plaintext, (blocks, Some(reader)))))
        })
    }
}

/// A token that came whole and has the root that its record names.
pub(super) fn open_short_token(key: &FernetKey, size: u64, token: &[u8]) -> Option<Vec<u8>> {
    let plaintext = open_token(&key.clone().into(), token).ok()?;
    (plaintext.len() as u64 == size).then(|| plaintext.to_vec())
}

async fn offload<P: Platform, T: Send + 'static>(
    session: &Session<P>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let done = session.platform().offload(work).await;
    done.ok_or(ClientError::Interrupted)
}
