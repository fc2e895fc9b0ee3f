//! Items of the old database as files of an upload.

use std::path::PathBuf;

use sv_client::port::StorageError;
use sv_client::transfer::{LocalFiles, UploadItem};
use sv_core::Name;
use sv_original::{Database, PlannedItem};

use crate::local::{MemoryFiles, MemorySource};

/// Bytes of a token that are not what is in it, at most.
const TOKEN_FRAME_LEN: u64 = 73;

/// Each is decrypted when it is its turn.
pub(super) struct OldItems<'d> {
    pub(super) database: &'d Database,
}

impl LocalFiles for OldItems<'_> {
    type Source = MemorySource;

    async fn open(&self, item: &UploadItem) -> Result<MemorySource, StorageError> {
        let number = item.local.to_string_lossy().parse::<i64>();
        let number = number.map_err(|_| StorageError("no number".to_owned()))?;
        let plaintext = self.database.plaintext(number).await;
        let plaintext = plaintext.map_err(|why| StorageError(why.to_string()))?;
        MemoryFiles(plaintext.to_vec()).open(item).await
    }
}

pub(super) fn upload_item(item: &PlannedItem, name: Name) -> UploadItem {
    UploadItem {
        names: vec![name],
        kind: item.kind,
        // About: the token says how long it is, and its last block how much of
        // that is padding.
        size: Some((item.token_len / 4 * 3).saturating_sub(TOKEN_FRAME_LEN)),
        modified_ms: item.created_ms,
        executable: false,
        local: PathBuf::from(item.id.to_string()),
    }
}
