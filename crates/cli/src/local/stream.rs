//! Downloads that do not go to the disk: to standard output, to memory, or
//! nowhere.

use std::sync::{Arc, Mutex, PoisonError};

use sv_client::port::StorageError;
use sv_client::transfer::{DownloadItem, LocalTarget, Part, Sink};
use zeroize::Zeroizing;

use super::blocking;
use crate::output::write_out;

/// Writes files to standard output, one after the other.
pub struct StdoutTarget;

/// Standard output.
pub struct StdoutSink;

/// Keeps one file in memory.
#[derive(Default)]
pub struct BufferTarget(Buffer);

/// Memory.
pub struct BufferSink(Buffer);

type Buffer = Arc<Mutex<Zeroizing<Vec<u8>>>>;

/// Takes every byte and keeps none: to check that all can be read.
pub struct NullTarget;

/// Nowhere.
pub struct NullSink;

impl BufferTarget {
    /// What came.
    pub fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A target of one kind of sink, that keeps nothing an interrupted download
/// could go on from.
macro_rules! stream_target {
    ($target:ty, $sink:ty, $open:expr, |$this:ident, $bytes:ident| $write:expr) => {
        impl LocalTarget for $target {
            type Sink = $sink;

            async fn folder(&self, _: &DownloadItem) -> Result<(), StorageError> {
                Ok(())
            }

            async fn file(
                &self,
                _: &DownloadItem,
                _: Option<&Part>,
            ) -> Result<Option<$sink>, StorageError> {
                let open: fn(&Self) -> $sink = $open;
                Ok(Some(open(self)))
            }

            fn resume_key(&self, _: &DownloadItem) -> Option<String> {
                None
            }
        }

        impl Sink for $sink {
            async fn written(&mut self, _: u64) -> Result<Vec<u8>, StorageError> {
                Ok(Vec::new())
            }

            async fn keep(&mut self, _: u64) -> Result<(), StorageError> {
                Ok(())
            }

            async fn write(&mut self, $bytes: Vec<u8>) -> Result<(), StorageError> {
                let $this = self;
                $write
            }

            async fn finish(self) -> Result<(), StorageError> {
                Ok(())
            }

            async fn abandon(self) -> Result<(), StorageError> {
                Ok(())
            }
        }
    };
}

stream_target!(StdoutTarget, StdoutSink, |_| StdoutSink, |_this, bytes| {
    blocking(move || write_out(&bytes).map_err(|failure| StorageError(failure.to_string()))).await
});

stream_target!(
    BufferTarget,
    BufferSink,
    |target| BufferSink(Arc::clone(&target.0)),
    |this, bytes| {
        let mut buffer = this.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.extend_from_slice(&bytes);
        Ok(())
    }
);

stream_target!(NullTarget, NullSink, |_| NullSink, |_this, _bytes| Ok(()));
