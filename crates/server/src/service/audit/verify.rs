//! Proves that the chain is as it was written, or names the first row that
//! is not.

use sv_ledger::id::{Hash, InstanceId, SignPublicKey};

use super::event::{Detail, Kind};
use super::{Audit, row};
use crate::db::Query;
use crate::secrets::KeyEncryptionKey;
use crate::service::{Error, Result};
use crate::store::audit::{self as store, Place, StoredCheckpoint, StoredRow};

/// Rows or checkpoints read together.
const PAGE: u32 = 1000;

/// The first row that is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRow {
    /// It is not there.
    #[error("row {0} is missing")]
    Missing(u64),
    /// It has other contents than its hash says, or its hash is not the one
    /// that follows from the row before.
    #[error("row {0} was changed")]
    Changed(u64),
    /// It was not written by a server that has the key.
    #[error("row {0} was not written by this server")]
    Forged(u64),
    /// The signature over the chain there is missing or not the server's.
    #[error("the checkpoint at row {0} is not this server's")]
    Checkpoint(u64),
    /// The beginning was removed, and the chain does not say so.
    #[error("rows up to {0} were removed, and not by the server")]
    Pruned(u64),
    /// Another chain than the one a kept checkpoint is of.
    #[error("row {0} is not the one that was noted")]
    NotAsNoted(u64),
}

/// What a look at the whole chain gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Rows that are as they were written, up to the first that is not.
    pub rows: u64,
    /// Checkpoints among them.
    pub checkpoints: u64,
    /// The number of the first row that is kept.
    pub first: u64,
    /// The last checkpoint that was reached.
    pub last: Option<StoredCheckpoint>,
    /// What is wrong.
    pub bad: Option<BadRow>,
}

/// What rows are held against.
pub(crate) struct Verifier<'a> {
    pub(crate) instance: InstanceId,
    pub(crate) public_key: SignPublicKey,
    /// None where only hashes and signatures are looked at.
    pub(crate) kek: Option<&'a KeyEncryptionKey>,
    /// A place that was noted elsewhere.
    pub(crate) noted: Option<Place>,
}

impl Audit {
    /// Chains what waits, then looks at the whole chain. `noted` is a place
    /// (row and hash) of an earlier look, kept elsewhere: without it, an end
    /// that was cut off together with its checkpoints cannot be seen.
    ///
    /// # Errors
    /// [`Error::Database`]; what is wrong is in the verdict.
    pub async fn verify(&self, noted: Option<(u64, Hash)>) -> Result<Verdict> {
        self.chain().await?;
        let verifier = Verifier {
            instance: self.instance,
            public_key: self.public_key(),
            kek: Some(&self.kek),
            noted: noted.map(|(seq, hash)| Place { seq, hash }),
        };
        let mut snapshot = self.db.read().await?;
        verify_chain(&mut snapshot, &verifier).await
    }
}

/// Looks at the whole chain in one snapshot.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn verify_chain(q: &mut impl Query, verifier: &Verifier<'_>) -> Result<Verdict> {
    let chain = store::chain(q).await?;
    let chain = chain.ok_or(Error::Internal("the audit log has no chain"))?;
    let mut walk = Walk::begin(verifier, chain.pruned);
    let done = walk.run(q, chain.end).await?;
    Ok(Verdict {
        rows: walk.rows,
        checkpoints: walk.checkpoints,
        first: chain.pruned.seq + 1,
        last: walk.last,
        bad: done.err(),
    })
}

struct Walk<'a> {
    verifier: &'a Verifier<'a>,
    pruned: Place,
    at: Place,
    rows: u64,
    checkpoints: u64,
    last: Option<StoredCheckpoint>,
    /// Up to where the chain itself says it was pruned.
    said_pruned: u64,
    has_noted: bool,
}

impl<'a> Walk<'a> {
    fn begin(verifier: &'a Verifier<'a>, pruned: Place) -> Self {
        let noted = verifier.noted;
        Self {
            verifier,
            pruned,
            at: pruned,
            rows: 0,
            checkpoints: 0,
            last: None,
            said_pruned: 0,
            // What was pruned since is vouched for by the row that says so.
            has_noted: noted.is_none_or(|noted| noted.seq < pruned.seq || noted == pruned),
        }
    }

    async fn run(&mut self, q: &mut impl Query, end: Place) -> Result<Result<(), BadRow>> {
        if let Some(noted) = self.verifier.noted.filter(|noted| noted.seq == self.at.seq)
            && noted != self.at
        {
            return Ok(Err(BadRow::NotAsNoted(noted.seq)));
        }
        let mut checkpoints = Pages::from(self.at.seq);
        if self.at.seq > 0 {
            let first = checkpoints.next(q).await?;
            if let Err(bad) = self.checkpoint(first) {
                return Ok(Err(bad));
            }
        }
        let mut next = checkpoints.next(q).await?;
        loop {
            let page = store::rows(q, self.at.seq, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for row in page {
                if let Err(bad) = self.row(&row) {
                    return Ok(Err(bad));
                }
                if next.as_ref().is_some_and(|next| next.seq == row.seq) {
                    if let Err(bad) = self.checkpoint(next) {
                        return Ok(Err(bad));
                    }
                    next = checkpoints.next(q).await?;
                }
            }
        }
        Ok(self.finish(end, next))
    }

    fn row(&mut self, row: &StoredRow) -> Result<(), BadRow> {
        let seq = self.at.seq + 1;
        if row.seq != seq {
            return Err(BadRow::Missing(seq));
        }
        if row::hash(&self.at, seq, &row.event) != row.hash {
            return Err(BadRow::Changed(seq));
        }
        if let Some(kek) = self.verifier.kek
            && row::mac(kek, &row.hash) != row.mac
        {
            return Err(BadRow::Forged(seq));
        }
        self.at = Place {
            seq,
            hash: row.hash,
        };
        if let Some(noted) = self.verifier.noted.filter(|noted| noted.seq == seq) {
            if noted != self.at {
                return Err(BadRow::NotAsNoted(seq));
            }
            self.has_noted = true;
        }
        if row.event.kind == Kind::Pruned as u8
            && let Detail::Number(to) = Detail::from_bytes(&row.event.detail)
        {
            self.said_pruned = self.said_pruned.max(to);
        }
        self.rows += 1;
        Ok(())
    }

    /// The checkpoint at the present place.
    fn checkpoint(&mut self, checkpoint: Option<StoredCheckpoint>) -> Result<(), BadRow> {
        let (at, verifier) = (self.at, self.verifier);
        let there = checkpoint.filter(|c| (c.seq, c.hash) == (at.seq, at.hash));
        let signed = there.filter(|c| row::is_signed(c, &verifier.instance, &verifier.public_key));
        let Some(checkpoint) = signed else {
            return Err(BadRow::Checkpoint(at.seq));
        };
        self.checkpoints += 1;
        self.last = Some(checkpoint);
        Ok(())
    }

    fn finish(&self, end: Place, left: Option<StoredCheckpoint>) -> Result<(), BadRow> {
        let at = self.at;
        // Whichever says that there was more.
        if end.seq > at.seq || left.is_some() {
            return Err(BadRow::Missing(at.seq + 1));
        }
        if end != at {
            return Err(BadRow::Changed(at.seq));
        }
        if at.seq > 0 && self.last.as_ref().is_none_or(|last| last.seq != at.seq) {
            return Err(BadRow::Checkpoint(at.seq));
        }
        if self.said_pruned < self.pruned.seq {
            return Err(BadRow::Pruned(self.pruned.seq));
        }
        match self.verifier.noted {
            Some(noted) if !self.has_noted => Err(BadRow::Missing(noted.seq.min(at.seq + 1))),
            _ => Ok(()),
        }
    }
}

/// Checkpoints one after another.
struct Pages {
    from: u64,
    page: std::vec::IntoIter<StoredCheckpoint>,
}

impl Pages {
    fn from(from: u64) -> Self {
        Self {
            from,
            page: Vec::new().into_iter(),
        }
    }

    async fn next(&mut self, q: &mut impl Query) -> Result<Option<StoredCheckpoint>> {
        if let Some(checkpoint) = self.page.next() {
            return Ok(Some(checkpoint));
        }
        let page = store::checkpoints(q, self.from, PAGE).await?;
        self.from = page.last().map_or(self.from, |last| last.seq + 1);
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}
