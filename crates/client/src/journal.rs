//! Sealed append-only files: each frame is a Box bound to its place, so that
//! none can be altered, moved or dropped but the last. A frame that a crash
//! cut short is taken for one that was never written.

use sv_core::local::{Purpose, open_local, seal_local};
use sv_ledger::codec::{Reader, Writer};
use zeroize::Zeroizing;

use crate::account::Session;
use crate::error::{Result, Tamper};
use crate::port::{Platform, Storage};

/// One journal.
pub(crate) struct Journal {
    name: String,
    purpose: Purpose,
    frames: u64,
    bytes: u64,
}

impl Journal {
    /// A journal of which nothing is written yet.
    pub(crate) const fn new(name: String, purpose: Purpose) -> Self {
        Self {
            name,
            purpose,
            frames: 0,
            bytes: 0,
        }
    }

    /// Opens a journal and reads all frames; none if there is no such file.
    ///
    /// # Errors
    /// [`Tamper::LocalState`] if a whole frame does not open.
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
            let context = journal.context(journal.frames);
            let frame = open_local(session.keys().local_key(), purpose, &context, sealed)
                .map_err(|_| Tamper::LocalState("journal"))?;
            frames.push(frame);
            journal.frames += 1;
            journal.bytes += 4 + sealed.len() as u64;
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
        let framed = self.seal(session, self.frames, frame)?;
        session
            .platform()
            .storage()
            .append(&self.name, &framed)
            .await?;
        self.frames += 1;
        self.bytes += framed.len() as u64;
        Ok(())
    }

    /// Starts again with one frame.
    pub(crate) async fn rewrite<P: Platform>(
        &mut self,
        session: &Session<P>,
        frame: &[u8],
    ) -> Result<()> {
        let framed = self.seal(session, 0, frame)?;
        session
            .platform()
            .storage()
            .write(&self.name, &framed)
            .await?;
        self.frames = 1;
        self.bytes = framed.len() as u64;
        Ok(())
    }

    /// Ends the journal.
    pub(crate) async fn remove<P: Platform>(self, session: &Session<P>) -> Result<()> {
        Ok(session.platform().storage().remove(&self.name).await?)
    }

    fn context(&self, index: u64) -> Vec<u8> {
        [self.name.as_bytes(), &index.to_be_bytes()].concat()
    }

    fn seal<P: Platform>(&self, session: &Session<P>, index: u64, frame: &[u8]) -> Result<Vec<u8>> {
        let key = session.keys().local_key();
        let context = self.context(index);
        let mut random = session.platform().random();
        let mut w = Writer::new();
        w.bytes(&seal_local(
            key,
            self.purpose,
            &context,
            frame,
            &mut random,
        )?);
        Ok(w.into_bytes())
    }
}
