//! Downloads of a file as it is stored, with its key as text: what the
//! offline decrypt tool takes.

use futures::stream::TryStreamExt;
use sv_core::content::{BlocksRoot, ContentSecret, RawHeader, RawKey};
use zeroize::Zeroizing;

use super::download::Sink;
use super::fetch::{Fetcher, altered};
use crate::drive::Drive;
use crate::error::{ClientError, Result};
use crate::path::RemotePath;
use crate::port::Platform;
use crate::progress::{Progress, Reporter};

/// Writes a file's sealed bytes (newest version, or number `version`) and
/// gives its key as text.
///
/// # Errors
/// [`ClientError::NotFound`], [`crate::Tamper::Content`], those of a call, or
/// those of the sink.
pub async fn save_raw<P: Platform, S: Sink>(
    drive: &Drive<'_, P>,
    path: &RemotePath,
    version: Option<usize>,
    mut sink: S,
    reporter: &Reporter,
) -> Result<Zeroizing<String>> {
    let (_, record) = drive.find_file(path)?;
    let chosen = match version {
        None => record.current(),
        Some(number) => number
            .checked_sub(1)
            .and_then(|index| record.versions.get(index)),
    };
    let chosen = chosen.ok_or_else(|| ClientError::NotFound(format!("{path}, that version")))?;
    let (header, key) = match &chosen.key {
        ContentSecret::Blocks(key) => {
            let header = RawHeader {
                content_id: chosen.content_id,
                size: chosen.size,
            };
            let key = RawKey {
                key: key.clone(),
                blocks_root: chosen.blocks_root,
            };
            (Some(header), key.to_text())
        }
        // The token itself.
        ContentSecret::Fernet(key) => (None, key.to_text()),
    };
    let bytes = match &header {
        Some(header) => header.file_len(),
        None => chosen.key.suite().content_len(chosen.size),
    };
    let shown = path.to_string();
    reporter.report(Progress::Planned {
        files: 1,
        bytes: bytes.unwrap_or(0),
    });
    let copied = async {
        if let Some(header) = &header {
            sink.write(header.to_bytes()).await?;
        }
        let mut root = BlocksRoot::new();
        let fetcher = Fetcher {
            session: drive.vault().session(),
            vault: drive.vault().id(),
        };
        let mut blocks = std::pin::pin!(fetcher.sealed_blocks(chosen, &shown, 0));
        while let Some(sealed) = blocks.try_next().await? {
            root.push(&sealed);
            reporter.report(Progress::Bytes(sealed.len() as u64));
            sink.write(sealed).await?;
        }
        if root.root() == chosen.blocks_root {
            Ok(())
        } else {
            Err(altered(&shown))
        }
    };
    if let Err(error) = copied.await {
        sink.abandon().await?;
        return Err(error);
    }
    sink.finish().await?;
    Ok(key)
}
