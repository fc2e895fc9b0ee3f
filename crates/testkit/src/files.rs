//! Local files in memory, as transfers read and write them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use sv_client::port::StorageError;
use sv_client::transfer::{DownloadItem, LocalFiles, LocalTarget, Part, Sink, Source, UploadItem};
use sv_core::Name;
use sv_core::record::Kind;
use sv_ledger::limits::BLOCK_LEN;

/// A file to upload: path below the destination, and what is in it.
pub fn file(path: &str, bytes: impl Into<Vec<u8>>) -> (UploadItem, Vec<u8>) {
    let bytes = bytes.into();
    (item(path, Kind::File, Some(bytes.len() as u64)), bytes)
}

/// A file to upload that was changed at a time, Unix milliseconds.
pub fn dated_file(
    path: &str,
    bytes: impl Into<Vec<u8>>,
    modified_ms: u64,
) -> (UploadItem, Vec<u8>) {
    let (mut item, bytes) = file(path, bytes);
    item.modified_ms = modified_ms;
    (item, bytes)
}

/// A folder to upload.
pub fn folder(path: &str) -> (UploadItem, Vec<u8>) {
    (item(path, Kind::Folder, None), Vec::new())
}

fn item(path: &str, kind: Kind, size: Option<u64>) -> UploadItem {
    UploadItem {
        names: path
            .split('/')
            .map(|name| Name::parse(name).expect("a name"))
            .collect(),
        kind,
        size,
        modified_ms: 1_700_000_000_123,
        executable: false,
        local: path.into(),
    }
}

/// Files to upload.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(BTreeMap<std::path::PathBuf, Rc<Vec<u8>>>);

impl MemoryFiles {
    /// Splits files made by [`file`] and [`folder`] into a plan's items and
    /// what opens them.
    pub fn of(files: Vec<(UploadItem, Vec<u8>)>) -> (Vec<UploadItem>, Self) {
        let mut all = Self::default();
        let mut items = Vec::new();
        for (item, bytes) in files {
            all.0.insert(item.local.clone(), Rc::new(bytes));
            items.push(item);
        }
        (items, all)
    }
}

/// Reads a file in memory.
pub struct MemorySource(Rc<Vec<u8>>);

impl Source for MemorySource {
    async fn read_block(&mut self, index: u64) -> Result<Vec<u8>, StorageError> {
        let start = (index as usize * BLOCK_LEN).min(self.0.len());
        let end = (start + BLOCK_LEN).min(self.0.len());
        Ok(self.0[start..end].to_vec())
    }
}

impl LocalFiles for MemoryFiles {
    type Source = MemorySource;

    async fn open(&self, item: &UploadItem) -> Result<MemorySource, StorageError> {
        let bytes = self
            .0
            .get(&item.local)
            .ok_or_else(|| StorageError("no such file".into()))?;
        Ok(MemorySource(bytes.clone()))
    }
}

/// Downloaded files, by path; folders end in a slash.
#[derive(Debug, Clone, Default)]
pub struct MemoryTarget {
    /// Finished files: all bytes came and were verified.
    pub files: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
    /// Begun and not finished.
    pub partial: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
}

/// Takes one file.
pub struct MemorySink {
    name: String,
    target: MemoryTarget,
}

impl LocalTarget for MemoryTarget {
    type Sink = MemorySink;

    async fn folder(&self, item: &DownloadItem) -> Result<(), StorageError> {
        self.files
            .borrow_mut()
            .insert(format!("{}/", item.names.join("/")), Vec::new());
        Ok(())
    }

    async fn file(
        &self,
        item: &DownloadItem,
        part: Option<&Part>,
    ) -> Result<Option<MemorySink>, StorageError> {
        if part.is_none_or(|part| !(part.is_begun && part.is_resumable)) {
            self.partial.borrow_mut().remove(&item.names.join("/"));
        }
        Ok(Some(MemorySink {
            name: item.names.join("/"),
            target: self.clone(),
        }))
    }

    fn resume_key(&self, item: &DownloadItem) -> Option<String> {
        Some(item.names.join("/"))
    }
}

impl Sink for MemorySink {
    async fn written(&mut self, index: u64) -> Result<Vec<u8>, StorageError> {
        let partial = self.target.partial.borrow();
        let bytes = partial.get(&self.name).map_or(&[][..], Vec::as_slice);
        let block = bytes.chunks(BLOCK_LEN).nth(index as usize);
        Ok(block.unwrap_or_default().to_vec())
    }

    async fn keep(&mut self, len: u64) -> Result<(), StorageError> {
        let mut partial = self.target.partial.borrow_mut();
        let bytes = partial.entry(self.name.clone()).or_default();
        bytes.truncate(len as usize);
        Ok(())
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.target
            .partial
            .borrow_mut()
            .entry(self.name.clone())
            .or_default()
            .extend(bytes);
        Ok(())
    }

    async fn finish(self) -> Result<(), StorageError> {
        let bytes = self
            .target
            .partial
            .borrow_mut()
            .remove(&self.name)
            .unwrap_or_default();
        self.target.files.borrow_mut().insert(self.name, bytes);
        Ok(())
    }

    async fn abandon(self) -> Result<(), StorageError> {
        self.target.partial.borrow_mut().remove(&self.name);
        Ok(())
    }
}

/// Takes whole contents one by one, each with the time its file was changed:
/// for plans in which several items have the same name.
#[derive(Debug, Clone)]
pub struct ContentTarget<F>(Rc<RefCell<F>>);

/// Takes one content.
pub struct ContentSink<F> {
    modified_ms: u64,
    bytes: Vec<u8>,
    taker: Rc<RefCell<F>>,
}

impl<F: FnMut(u64, Vec<u8>)> ContentTarget<F> {
    /// Hands every content to `taker`.
    pub fn new(taker: F) -> Self {
        Self(Rc::new(RefCell::new(taker)))
    }
}

impl<F: FnMut(u64, Vec<u8>)> LocalTarget for ContentTarget<F> {
    type Sink = ContentSink<F>;

    async fn folder(&self, _: &DownloadItem) -> Result<(), StorageError> {
        Ok(())
    }

    async fn file(
        &self,
        item: &DownloadItem,
        _: Option<&Part>,
    ) -> Result<Option<ContentSink<F>>, StorageError> {
        Ok(Some(ContentSink {
            modified_ms: item.modified_ms,
            bytes: Vec::new(),
            taker: self.0.clone(),
        }))
    }

    fn resume_key(&self, _: &DownloadItem) -> Option<String> {
        None
    }
}

impl<F: FnMut(u64, Vec<u8>)> Sink for ContentSink<F> {
    async fn written(&mut self, _: u64) -> Result<Vec<u8>, StorageError> {
        Ok(Vec::new())
    }

    async fn keep(&mut self, _: u64) -> Result<(), StorageError> {
        Ok(())
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.bytes.extend(bytes);
        Ok(())
    }

    async fn finish(self) -> Result<(), StorageError> {
        (self.taker.borrow_mut())(self.modified_ms, self.bytes);
        Ok(())
    }

    async fn abandon(self) -> Result<(), StorageError> {
        Ok(())
    }
}
