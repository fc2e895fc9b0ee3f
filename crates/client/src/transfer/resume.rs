//! What survives an interruption: which content an upload has begun, with
//! which key, and which blocks were acknowledged; or how far a download came.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use sv_api::ErrorCode;
use sv_api::endpoint::GetUpload;
use sv_api::wire::Empty;
use sv_core::ContentKey;
use sv_core::local::Purpose;
use sv_ledger::codec::{ParseError, Reader, Writer};
use sv_ledger::enc::enc;
use sv_ledger::id::{ContentId, Hash};

use super::plan::Step;
use crate::account::Session;
use crate::call::Repeat;
use crate::error::{Result, Tamper};
use crate::journal::Journal;
use crate::port::Platform;

/// An upload that can be taken up again.
pub(super) struct UploadResume {
    journal: Journal,
    pub(super) content_id: ContentId,
    pub(super) key: ContentKey,
    /// Blocks that this device sent and the server still has.
    pub(super) durable: BTreeMap<u64, Hash>,
}

impl UploadResume {
    /// Takes up an upload of the same file to the same place, if its size and
    /// time are what they were; else begins one.
    pub(super) async fn begin<P: Platform>(session: &Session<P>, step: &Step) -> Result<Self> {
        let name = upload_name(step);
        let (journal, frames) = Journal::load(session, name.clone(), Purpose::Resume).await?;
        if let Some((header, blocks)) = frames.split_first() {
            let (content_id, key, seen) =
                parse_header(header).map_err(|_| Tamper::LocalState("resume state"))?;
            if seen == fingerprint(step)
                && let Some(stored) = stored_blocks(session, content_id).await?
            {
                let mut durable = parse_blocks(blocks.iter().map(|frame| frame.as_slice()))
                    .map_err(|_| Tamper::LocalState("resume state"))?;
                durable.retain(|index, hash| stored.get(index) == Some(hash));
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
            .bytes(&fingerprint(step));
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
        blocks: &[(u64, Hash)],
    ) -> Result<()> {
        let mut w = Writer::new();
        for (index, hash) in blocks {
            w.u64(*index).raw(hash.as_bytes());
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
    /// Hash of each sealed block whose plaintext was written.
    pub(super) written: Vec<Hash>,
}

impl DownloadResume {
    pub(super) async fn begin<P: Platform>(
        session: &Session<P>,
        content_id: &ContentId,
        target: &str,
    ) -> Result<Self> {
        let place = Sha256::digest(enc("download", &[content_id.as_bytes(), target.as_bytes()]));
        let name = format!("resume/{}", data_encoding::HEXLOWER.encode(&place));
        let (journal, frames) = Journal::load(session, name, Purpose::Resume).await?;
        let written = frames
            .iter()
            .flat_map(|frame| frame.chunks(Hash::LEN).map(Hash::from_slice))
            .collect::<Result<_, _>>()
            .map_err(|_| Tamper::LocalState("resume state"))?;
        Ok(Self { journal, written })
    }

    /// Keeps only the first `blocks`: the others' plaintext is not there.
    pub(super) async fn keep<P: Platform>(
        &mut self,
        session: &Session<P>,
        blocks: usize,
    ) -> Result<()> {
        if blocks < self.written.len() {
            self.written.truncate(blocks);
            let name = self.journal.name().to_owned();
            std::mem::replace(&mut self.journal, Journal::new(name, Purpose::Resume))
                .remove(session)
                .await?;
            let kept = self.written.clone();
            self.wrote(session, &kept).await?;
        }
        Ok(())
    }

    /// Notes that the plaintext of the next blocks is durable.
    pub(super) async fn wrote<P: Platform>(
        &mut self,
        session: &Session<P>,
        hashes: &[Hash],
    ) -> Result<()> {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
        self.journal.append(session, &bytes).await
    }

    pub(super) async fn done<P: Platform>(self, session: &Session<P>) -> Result<()> {
        self.journal.remove(session).await
    }
}

fn upload_name(step: &Step) -> String {
    let local = step.item.local.to_string_lossy();
    let remote = step.path.to_string();
    let place = Sha256::new()
        .chain_update((local.len() as u64).to_be_bytes())
        .chain_update(local.as_bytes())
        .chain_update(remote.as_bytes())
        .finalize();
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

fn parse_blocks<'a>(
    frames: impl Iterator<Item = &'a [u8]>,
) -> Result<BTreeMap<u64, Hash>, ParseError> {
    frames
        .flat_map(|frame| frame.chunks(8 + Hash::LEN))
        .map(|block| {
            let mut r = Reader::new(block);
            Ok((r.u64()?, r.hash()?))
        })
        .collect()
}

/// The blocks that the server has of an upload; `None` if it knows none.
async fn stored_blocks<P: Platform>(
    session: &Session<P>,
    content: ContentId,
) -> Result<Option<BTreeMap<u64, Hash>>> {
    match session
        .server()
        .call(&GetUpload { content }, Empty {}, Repeat::Safe)
        .await
    {
        Ok(status) => {
            let blocks = status.blocks.into_iter();
            Ok(Some(
                blocks
                    .filter_map(|b| Some((u64::from(b.index), Hash::from_slice(&b.hash.0).ok()?)))
                    .collect(),
            ))
        }
        Err(error) if error.is_refusal(ErrorCode::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
