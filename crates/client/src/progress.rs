//! How far a transfer has come: a stream of values that a shell may show.

use futures::channel::mpsc::UnboundedSender;

/// One step of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// What is to be done in all.
    Planned {
        /// Files.
        files: u64,
        /// Bytes, as far as they are known.
        bytes: u64,
    },
    /// Plaintext bytes that have gone across, or were found to be there already.
    Bytes(u64),
    /// A file or folder is complete.
    Done(String),
}

/// Where a flow reports to; a flow that nobody watches works the same.
#[derive(Debug, Clone, Default)]
pub struct Reporter(Option<UnboundedSender<Progress>>);

impl Reporter {
    /// Reports to a channel.
    pub const fn to(sender: UnboundedSender<Progress>) -> Self {
        Self(Some(sender))
    }

    /// Reports to nobody.
    pub const fn silent() -> Self {
        Self(None)
    }

    pub(crate) fn report(&self, progress: Progress) {
        if let Some(sender) = &self.0 {
            // A shell that stopped listening does not stop the transfer.
            let _ = sender.unbounded_send(progress);
        }
    }
}
