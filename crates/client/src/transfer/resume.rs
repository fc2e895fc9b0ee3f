//! What survives an interruption: which content an upload has begun, with
//! which key, and which blocks were acknowledged; or how far a download came.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use sv_api::ErrorCode;
use sv_api::endpoint::GetUpload;
use sv_api::wire::Empty;
use sv_core::ContentKey;
use sv_core::content::plaintext_hash;
use sv_core::local::Purpose;
use sv_core::record::Version;
use sv_ledger::codec::{ParseError, Reader, Writer};
use sv_ledger::enc::enc;
use sv_ledger::id::{ContentId, Hash, VaultId};
use sv_ledger::limits::BLOCKS_PER_CONTENT;
use zeroize::Zeroizing;

use super::download::{Part, Sink};
use super::mark::MARK_LEN;
use super::plan::Step;
use crate::account::Session;
use crate::block::BlockHashes;
use crate::call::Repeat;
use crate::error::{ClientError, Result, Tamper};
use crate::journal::Journal;
use crate::port::Platform;

impl BlockHashes {
    fn write(&self, w: &mut Writer) {
        w.raw(self.sealed.as_bytes()).raw(self.plaintext.as_bytes());
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            sealed: r.hash()?,
            plaintext: r.hash()?,
        })
    }
}

/// An upload that can be taken up again.
pub(super) struct UploadResume {
    journal: Journal,
    pub(super) content_id: ContentId,
    pub(super) key: ContentKey,
    /// Blocks that this device sent and the server still has.
    pub(super) durable: BTreeMap<u64, BlockHashes>,
}

impl UploadResume {
    /// Takes up an upload of the same file to the same place of the same vault,
    /// if its size and time are what they were; else begins one. That its bytes are those that
    /// were sent is seen by the hash of each block.
    pub(super) async fn begin<P: Platform>(
        session: &Session<P>,
        vault_id: &VaultId,
        step: &Step,
    ) -> Result<Self> {
        Self::begin_as(session, upload_name(vault_id, step), fingerprint(step)).await
    }

    /// Takes up, or begins, that a content is stored anew under another key.
    /// It never changes: it is recognised by what a version says of it.
    pub(super) async fn begin_again<P: Platform>(
        session: &Session<P>,
        vault_id: &VaultId,
        version: &Version,
    ) -> Result<Self> {
        let fields: [&[u8]; 4] = [
            vault_id.as_bytes(),
            version.content_id.as_bytes(),
            &version.size.to_be_bytes(),
            version.blocks_root.as_bytes(),
        ];
        let place = Sha256::digest(enc("renewal", &fields));
        let name = format!("resume/{}", data_encoding::HEXLOWER.encode(&place));
        Self::begin_as(session, name, Vec::new()).await
    }

    async fn begin_as<P: Platform>(
        session: &Session<P>,
        name: String,
        fingerprint: Vec<u8>,
    ) -> Result<Self> {
        let (journal, frames) = Journal::load(session, name.clone(), Purpose::Resume).await?;
        if let Some((header, blocks)) = frames.split_first() {
            let (content_id, key, seen) =
                parse_header(header).map_err(|_| Tamper::LocalState("resume state"))?;
            if seen == fingerprint
                && let Some(stored) = stored_blocks(session, content_id).await?
            {
                let mut durable =
                    parse_blocks(blocks).map_err(|_| Tamper::LocalState("resume state"))?;
                durable.retain(|index, block| stored.get(index) == Some(&block.sealed));
                return Ok(Self {
                    journal,
                    content_id,
                    key,
                    durable,
                });
            }
        }
        let content_id = ContentId::new(session.platform().random_bytes());
        let key = ContentKey::generate(&mut session.platform().random())?;
        let mut w = Writer::new();
        w.raw(content_id.as_bytes())
            .raw(key.to_local_payload().as_slice())
            .bytes(&fingerprint);
        let mut journal = Journal::new(name, Purpose::Resume);
        journal.rewrite(session, &w.into_bytes()).await?;
        Ok(Self {
            journal,
            content_id,
            key,
            durable: BTreeMap::new(),
        })
    }

    /// Notes that blocks were acknowledged.
    pub(super) async fn acknowledged<P: Platform>(
        &mut self,
        session: &Session<P>,
        blocks: &[(u64, BlockHashes)],
    ) -> Result<()> {
        let mut w = Writer::new();
        for (index, block) in blocks {
            block.write(w.u64(*index));
        }
        self.journal.append(session, &w.into_bytes()).await
    }

    /// Forgets it: the entry is committed.
    pub(super) async fn done<P: Platform>(self, session: &Session<P>) -> Result<()> {
        self.journal.remove(session).await
    }
}

/// A download that can be taken up again.
pub(super) struct DownloadResume {
    journal: Journal,
    mark: [u8; MARK_LEN],
    is_begun: bool,
    /// Each block whose plaintext was written.
    pub(super) written: Vec<BlockHashes>,
}

impl DownloadResume {
    /// Looks up how far a download of a content to a place came.
    pub(super) async fn find<P: Platform>(
        session: &Session<P>,
        content_id: &ContentId,
        target: &str,
    ) -> Result<Self> {
        let place = Sha256::digest(enc("download", &[content_id.as_bytes(), target.as_bytes()]));
        let name = format!("resume/{}", data_encoding::HEXLOWER.encode(&place));
        let (journal, frames) = Journal::load(session, name, Purpose::Resume).await?;
        let malformed = |_| Tamper::LocalState("resume state");
        let (mark, written) = match frames.split_first() {
            None => (None, Vec::new()),
            Some((mark, blocks)) => {
                let mark = Reader::new(mark).array().map_err(malformed)?;
                (Some(mark), parse_written(blocks).map_err(malformed)?)
            }
        };
        Ok(Self {
            journal,
            is_begun: mark.is_some(),
            mark: mark.unwrap_or_else(|| session.platform().random_bytes()),
            written,
        })
    }

    /// The unfinished file that it goes into.
    pub(super) fn part(&self) -> Part {
        Part {
            mark: data_encoding::HEXLOWER.encode(&self.mark),
            is_begun: self.is_begun,
            is_resumable: true,
        }
    }

    /// Makes the mark durable, before there is a file that has it.
    pub(super) async fn begin<P: Platform>(&mut self, session: &Session<P>) -> Result<()> {
        if !self.is_begun {
            self.journal.rewrite(session, &self.mark).await?;
            self.is_begun = true;
        }
        Ok(())
    }

    /// Keeps only those first blocks that a sink still has as they were
    /// written: the file may have been cut, changed or exchanged since.
    pub(super) async fn keep_unaltered<P: Platform>(
        &mut self,
        session: &Session<P>,
        sink: &mut impl Sink,
    ) -> Result<()> {
        let mut kept = 0;
        for block in &self.written {
            let there = sink.written(kept as u64).await?;
            let hash = session.platform().offload(move || plaintext_hash(&there));
            if hash.await.ok_or(ClientError::Interrupted)? != block.plaintext {
                break;
            }
            kept += 1;
        }
        if kept < self.written.len() {
            self.written.truncate(kept);
            self.journal.rewrite(session, &self.mark).await?;
            let kept = self.written.clone();
            self.wrote(session, &kept).await?;
        }
        Ok(())
    }

    /// Notes that the plaintext of the next blocks is durable.
    pub(super) async fn wrote<P: Platform>(
        &mut self,
        session: &Session<P>,
        blocks: &[BlockHashes],
    ) -> Result<()> {
        let mut w = Writer::new();
        for block in blocks {
            block.write(&mut w);
        }
        self.journal.append(session, &w.into_bytes()).await
    }

    pub(super) async fn done<P: Platform>(self, session: &Session<P>) -> Result<()> {
        self.journal.remove(session).await
    }
}

fn upload_name(vault_id: &VaultId, step: &Step) -> String {
    let local = step.item.local.to_string_lossy();
    let remote = step.path.to_string();
    let fields: [&[u8]; 3] = [vault_id.as_bytes(), local.as_bytes(), remote.as_bytes()];
    let place = Sha256::digest(enc("upload", &fields));
    format!("resume/{}", data_encoding::HEXLOWER.encode(&place))
}

/// What must not have changed for an upload to go on.
fn fingerprint(step: &Step) -> Vec<u8> {
    let mut w = Writer::new();
    w.u64(step.item.size.unwrap_or(u64::MAX))
        .u64(step.item.modified_ms);
    w.into_bytes()
}

fn parse_header(frame: &[u8]) -> Result<(ContentId, ContentKey, Vec<u8>), ParseError> {
    let mut r = Reader::new(frame);
    let content_id = r.content_id()?;
    let key = ContentKey::from_local_payload(r.take(32)?)
        .map_err(|_| ParseError::Malformed("content key"))?;
    let fingerprint = r.bytes(64, "fingerprint")?.to_vec();
    r.finish()?;
    Ok((content_id, key, fingerprint))
}

/// Blocks of an upload; one that was sent again counts as it was sent last.
fn parse_blocks(frames: &[Zeroizing<Vec<u8>>]) -> Result<BTreeMap<u64, BlockHashes>, ParseError> {
    let mut blocks = BTreeMap::new();
    for frame in frames {
        let mut r = Reader::new(frame);
        while !r.rest().is_empty() {
            blocks.insert(r.u64()?, BlockHashes::read(&mut r)?);
        }
    }
    Ok(blocks)
}

/// Blocks of a download, from the first on.
fn parse_written(frames: &[Zeroizing<Vec<u8>>]) -> Result<Vec<BlockHashes>, ParseError> {
    let mut blocks = Vec::new();
    for frame in frames {
        let mut r = Reader::new(frame);
        while !r.rest().is_empty() {
            blocks.push(BlockHashes::read(&mut r)?);
        }
    }
    Ok(blocks)
}

/// The blocks that the server has of an upload; `None` if it knows none.
async fn stored_blocks<P: Platform>(
    session: &Session<P>,
    content: ContentId,
) -> Result<Option<BTreeMap<u64, Hash>>> {
    let (mut stored, mut from) = (BTreeMap::new(), 0);
    loop {
        let endpoint = GetUpload { content, from };
        let server = session.server();
        let page = match server.call(&endpoint, Empty {}, Repeat::Safe).await {
            Ok(page) => page,
            Err(error) if error.is_refusal(ErrorCode::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let asked_from = from;
        for (index, hash) in page.blocks {
            if index < from || index >= BLOCKS_PER_CONTENT {
                return Err(no_page());
            }
            stored.insert(u64::from(index), hash);
            from = index + 1;
        }
        if !page.more {
            return Ok(Some(stored));
        }
        if from == asked_from {
            return Err(no_page());
        }
    }
}

/// Else a server could keep a client asking for ever.
fn no_page() -> ClientError {
    ClientError::Misbehaved("blocks of an upload that do not ascend".to_owned())
}
