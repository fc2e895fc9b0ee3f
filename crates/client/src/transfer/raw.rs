//! Downloads of a file as it is stored, with its key as text: what the
//! offline decrypt tool takes.

use futures::stream::TryStreamExt;
use sv_core::content::{BlocksRoot, ContentSecret, RawHeader, RawKey};
use sv_core::record::Version;
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
    let chosen = choose(drive, path, version)?;
    let key = raw_key(drive, path, version)?;
    let header = match &chosen.key {
        ContentSecret::Blocks(_) => Some(RawHeader {
            content_id: chosen.content_id,
            size: chosen.size,
        }),
        // The token itself.
        ContentSecret::Fernet(_) => None,
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

/// The key, as text, of a file as it is stored: `sv1-…`, or a Fernet key.
///
/// # Errors
/// [`ClientError::NotFound`], or [`ClientError::Misuse`] for a folder.
pub fn raw_key<P: Platform>(
    drive: &Drive<'_, P>,
    path: &RemotePath,
    version: Option<usize>,
) -> Result<Zeroizing<String>> {
    let chosen = choose(drive, path, version)?;
    Ok(match &chosen.key {
        ContentSecret::Fernet(key) => key.to_text(),
        ContentSecret::Blocks(key) => {
            let key = RawKey {
                key: key.clone(),
                blocks_root: chosen.blocks_root,
            };
            key.to_text()
        }
    })
}

/// The newest version, or the one of that number.
fn choose<'d, P: Platform>(
    drive: &'d Drive<'_, P>,
    path: &RemotePath,
    version: Option<usize>,
) -> Result<&'d Version> {
    let (_, record) = drive.find_file(path)?;
    let chosen = match version {
        None => record.current(),
        Some(number) => number
            .checked_sub(1)
            .and_then(|index| record.versions.get(index)),
    };
    chosen.ok_or_else(|| ClientError::NotFound(format!("{path}, that version")))
}
