//! Long uploads that were begun and not finished, as a person knows them: what
//! a shell offers to go on with after it was interrupted. How far each came is
//! in its own resume state; here is only what it was.

use serde::{Deserialize, Serialize};
use sv_core::local::Purpose;

use crate::account::Session;
use crate::error::{ClientError, Result, Tamper};
use crate::journal::Journal;
use crate::port::Platform;

const FILE: &str = "unfinished/uploads";

/// An upload that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfinishedUpload {
    /// Names it among the others.
    pub id: String,
    /// The path of the folder it goes to.
    pub folder: String,
    /// Its path below that.
    pub path: String,
    /// The file as the shell names it, see [`super::UploadItem::local`].
    pub local: String,
    /// Bytes.
    pub size: u64,
    /// When the file was last changed, Unix milliseconds.
    pub modified_ms: u64,
}

/// All of them, kept sealed on this device.
pub struct UnfinishedUploads {
    journal: Journal,
    list: Vec<UnfinishedUpload>,
}

impl UnfinishedUploads {
    /// What this device keeps.
    ///
    /// # Errors
    /// [`Tamper::LocalState`] if it was altered, or [`ClientError::Local`].
    pub async fn load<P: Platform>(session: &Session<P>) -> Result<Self> {
        let (journal, frames) = Journal::load(session, FILE.to_owned(), Purpose::Resume).await?;
        let list = match frames.last() {
            None => Vec::new(),
            Some(frame) => serde_json::from_slice(frame)
                .map_err(|_| Tamper::LocalState("unfinished uploads"))?,
        };
        Ok(Self { journal, list })
    }

    /// Oldest first.
    pub fn list(&self) -> &[UnfinishedUpload] {
        &self.list
    }

    /// Adds one, unless one of that file to that place is there; gives its id.
    ///
    /// # Errors
    /// [`ClientError::Local`].
    pub async fn add<P: Platform>(
        &mut self,
        session: &Session<P>,
        upload: UnfinishedUpload,
    ) -> Result<String> {
        let same = |known: &&mut UnfinishedUpload| {
            (&known.folder, &known.path, &known.local)
                == (&upload.folder, &upload.path, &upload.local)
        };
        if let Some(known) = self.list.iter_mut().find(same) {
            (known.size, known.modified_ms) = (upload.size, upload.modified_ms);
            return Ok(known.id.clone());
        }
        let id = upload.id.clone();
        self.list.push(upload);
        self.save(session).await?;
        Ok(id)
    }

    /// Takes one out.
    ///
    /// # Errors
    /// [`ClientError::Local`].
    pub async fn remove<P: Platform>(&mut self, session: &Session<P>, id: &str) -> Result<()> {
        let before = self.list.len();
        self.list.retain(|known| known.id != id);
        if self.list.len() == before {
            return Ok(());
        }
        self.save(session).await
    }

    async fn save<P: Platform>(&mut self, session: &Session<P>) -> Result<()> {
        let frame = serde_json::to_vec(&self.list)
            .map_err(|error| ClientError::Misuse(error.to_string()))?;
        self.journal.rewrite(session, &frame).await
    }
}
