//! Sealed append-only files: each frame is a Box bound to its place and to the
//! frame before it, so that none can be altered, moved, left out or taken from
//! another state of the file. What can be cut off is the end: a crash does it,
//! and so may leave any bytes after the last frame that was made durable. From
//! the first frame that does not open on, nothing was ever written.
//!
//! So what is kept here must be what the server gives again, or what may be
//! done again. What must not go back is in the pins.

use sha2::{Digest, Sha256};
use sv_core::local::{Purpose, open_local, seal_local};
use sv_ledger::codec::{Reader, Writer};
use zeroize::Zeroizing;

use crate::account::Session;
use crate::error::Result;
use crate::port::{Platform, Storage};

/// One journal.
pub(crate) struct Journal {
    name: String,
    purpose: Purpose,
    frames: u64,
    bytes: u64,
    /// Hash of the last frame as it is sealed; zeros before the first.
    last: [u8; 32],
}

impl Journal {
    /// A journal of which nothing is written yet.
    pub(crate) const fn new(name: String, purpose: Purpose) -> Self {
        Self {
            name,
            purpose,
            frames: 0,
            bytes: 0,
            last: [0; 32],
        }
    }

    /// Opens a journal and reads its frames, up to the first that does not
    /// open; none if there is no such file.
    ///
    /// # Errors
    /// [`crate::ClientError::Local`].
    pub(crate) async fn load<P: Platform>(
        session: &Session<P>,
        name: String,
        purpose: Purpose,
    ) -> Result<(Self, Vec<Zeroizing<Vec<u8>>>)> {
        let mut journal = Self::new(name, purpose);
        let storage = session.platform().storage();
        let Some(bytes) = storage.read(&journal.name).await? else {
            return Ok((journal, Vec::new()));
        };
        let mut frames = Vec::new();
        let mut r = Reader::new(&bytes);
        while let Ok(sealed) = r.bytes(usize::MAX, "frame") {
            let key = session.keys().local_key();
            let Ok(frame) = open_local(key, purpose, &journal.context(), sealed) else {
                break;
            };
            frames.push(frame);
            journal.follow(sealed);
        }
        if let Some(whole) = bytes.get(..journal.bytes as usize)
            && whole.len() < bytes.len()
        {
            // The next frame must not follow the debris of a crash.
            storage.write(&journal.name, whole).await?;
        }
        Ok((journal, frames))
    }

    /// Its file's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes on disk.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds a frame.
    pub(crate) async fn append<P: Platform>(
        &mut self,
        session: &Session<P>,
        frame: &[u8],
    ) -> Result<()> {
        let sealed = self.seal(session, frame)?;
        let storage = session.platform().storage();
        storage.append(&self.name, &framed(&sealed)).await?;
        self.follow(&sealed);
        Ok(())
    }

    /// Starts again with one frame.
    pub(crate) async fn rewrite<P: Platform>(
        &mut self,
        session: &Session<P>,
        frame: &[u8],
    ) -> Result<()> {
        let mut again = Self::new(self.name.clone(), self.purpose);
        let sealed = again.seal(session, frame)?;
        let storage = session.platform().storage();
        storage.write(&again.name, &framed(&sealed)).await?;
        again.follow(&sealed);
        *self = again;
        Ok(())
    }

    /// Ends the journal.
    pub(crate) async fn remove<P: Platform>(mut self, session: &Session<P>) -> Result<()> {
        self.clear(session).await
    }

    /// Takes out all frames.
    pub(crate) async fn clear<P: Platform>(&mut self, session: &Session<P>) -> Result<()> {
        session.platform().storage().remove(&self.name).await?;
        *self = Self::new(self.name.clone(), self.purpose);
        Ok(())
    }

    /// Of the next frame.
    fn context(&self) -> Vec<u8> {
        let place = self.frames.to_be_bytes();
        [self.name.as_bytes(), &place, &self.last].concat()
    }

    fn seal<P: Platform>(&self, session: &Session<P>, frame: &[u8]) -> Result<Vec<u8>> {
        let key = session.keys().local_key();
        let mut random = session.platform().random();
        let sealed = seal_local(key, self.purpose, &self.context(), frame, &mut random)?;
        Ok(sealed)
    }

    /// The next frame is there.
    fn follow(&mut self, sealed: &[u8]) {
        self.frames += 1;
        self.bytes += 4 + sealed.len() as u64;
        self.last = Sha256::digest(sealed).into();
    }
}

fn framed(sealed: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.bytes(sealed);
    w.into_bytes()
}
