//! Reading what goes up: files, standard input, memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use sv_client::port::StorageError;
use sv_client::transfer::{LocalFiles, Source, UploadItem};
use sv_ledger::limits::BLOCK_LEN;

use super::{blocking, explain};

/// Files on disk.
#[derive(Debug, Clone, Copy)]
pub struct DiskFiles;

/// One file on disk.
pub struct DiskSource {
    path: PathBuf,
    file: Arc<Mutex<File>>,
}

impl LocalFiles for DiskFiles {
    type Source = DiskSource;

    async fn open(&self, item: &UploadItem) -> Result<DiskSource, StorageError> {
        let path = item.local.clone();
        blocking(move || {
            let file = File::open(&path).map_err(|error| explain(&path, &error))?;
            Ok(DiskSource {
                path,
                file: Arc::new(Mutex::new(file)),
            })
        })
        .await
    }
}

impl Source for DiskSource {
    async fn read_block(&mut self, index: u64) -> Result<Vec<u8>, StorageError> {
        let (path, file) = (self.path.clone(), Arc::clone(&self.file));
        blocking(move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            // Whether the first or a later block: a resumed upload starts there.
            file.seek(SeekFrom::Start(index * BLOCK_LEN as u64))
                .and_then(|_| read_block(&mut *file))
                .map_err(|error| explain(&path, &error))
        })
        .await
    }
}

/// Standard input, of which the first block is read at once: a pipe's other
/// end may be another `securevault` that must be done with the home first.
pub struct StdinFiles {
    first: Mutex<Option<Vec<u8>>>,
}

/// The rest of standard input.
pub struct StdinSource {
    first: Option<Vec<u8>>,
    ended: bool,
}

impl StdinFiles {
    /// Waits for the first block, or the end.
    ///
    /// # Errors
    /// [`StorageError`] if standard input cannot be read.
    pub async fn begin() -> Result<Self, StorageError> {
        let first = blocking(read_stdin).await?;
        Ok(Self {
            first: Mutex::new(Some(first)),
        })
    }
}

impl LocalFiles for StdinFiles {
    type Source = StdinSource;

    async fn open(&self, _: &UploadItem) -> Result<StdinSource, StorageError> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let first = first
            .take()
            .ok_or_else(|| StorageError("standard input can be read only once".to_owned()))?;
        Ok(StdinSource {
            ended: first.len() < BLOCK_LEN,
            first: Some(first),
        })
    }
}

impl Source for StdinSource {
    async fn read_block(&mut self, _: u64) -> Result<Vec<u8>, StorageError> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        if self.ended {
            return Ok(Vec::new());
        }
        let block = blocking(read_stdin).await?;
        self.ended = block.len() < BLOCK_LEN;
        Ok(block)
    }
}

/// One text in memory.
pub struct MemoryFiles(pub Vec<u8>);

/// What is left of it.
pub struct MemorySource(Vec<u8>);

impl LocalFiles for MemoryFiles {
    type Source = MemorySource;

    async fn open(&self, _: &UploadItem) -> Result<MemorySource, StorageError> {
        Ok(MemorySource(self.0.clone()))
    }
}

impl Source for MemorySource {
    async fn read_block(&mut self, index: u64) -> Result<Vec<u8>, StorageError> {
        let start = usize::try_from(index).ok().map(|index| index * BLOCK_LEN);
        let rest = start
            .and_then(|start| self.0.get(start..))
            .unwrap_or_default();
        Ok(rest.iter().take(BLOCK_LEN).copied().collect())
    }
}

fn read_stdin() -> Result<Vec<u8>, StorageError> {
    read_block(&mut std::io::stdin().lock())
        .map_err(|error| StorageError(format!("standard input: {error}")))
}

/// Reads a whole block, or what there is up to the end.
fn read_block(reader: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut block = Vec::new();
    reader.take(BLOCK_LEN as u64).read_to_end(&mut block)?;
    Ok(block)
}

#[cfg(test)]
mod tests {
    use sv_core::Name;
    use sv_core::record::Kind;

    use super::*;

    fn item(local: PathBuf) -> UploadItem {
        UploadItem {
            names: vec![Name::parse("x").unwrap()],
            kind: Kind::File,
            size: None,
            modified_ms: 0,
            executable: false,
            local,
        }
    }

    #[tokio::test]
    async fn blocks_come_in_order_or_from_the_middle() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let bytes: Vec<u8> = (0..BLOCK_LEN + 5).map(|i| i as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let mut disk = DiskFiles.open(&item(path.clone())).await.unwrap();
        let mut memory = MemoryFiles(bytes.clone()).open(&item(path)).await.unwrap();
        let rest = &bytes[BLOCK_LEN..];
        assert_eq!(disk.read_block(1).await.unwrap(), rest);
        assert_eq!(memory.read_block(1).await.unwrap(), rest);
        assert_eq!(disk.read_block(0).await.unwrap(), &bytes[..BLOCK_LEN]);
        assert_eq!(memory.read_block(0).await.unwrap(), &bytes[..BLOCK_LEN]);
        assert!(disk.read_block(2).await.unwrap().is_empty());
        assert!(memory.read_block(2).await.unwrap().is_empty());
    }
}
