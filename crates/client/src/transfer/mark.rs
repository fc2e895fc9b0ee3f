//! Marks of unfinished files that are not taken up: no other file has such a
//! name, for it cannot be guessed, and a later run of this device finds what a
//! killed one left and writes over it.

use sha2::{Digest, Sha256};
use sv_ledger::enc::enc;
use sv_ledger::id::ContentId;

use super::download::Part;
use crate::account::Session;
use crate::error::Result;
use crate::port::{Platform, Storage};

const FILE: &str = "unfinished/secret";
const SECRET_LEN: usize = 32;
/// Bytes that tell an unfinished file from any other.
pub(super) const MARK_LEN: usize = 8;

/// The device's secret for marks. It opens nothing.
pub(super) struct Marks([u8; SECRET_LEN]);

impl Marks {
    /// Reads the secret, or makes one.
    pub(super) async fn load<P: Platform>(session: &Session<P>) -> Result<Self> {
        let storage = session.platform().storage();
        if let Some(bytes) = storage.read(FILE).await?
            && let Ok(secret) = bytes.try_into()
        {
            return Ok(Self(secret));
        }
        let secret = session.platform().random_bytes();
        storage.write(FILE, &secret).await?;
        Ok(Self(secret))
    }

    /// The unfinished file of a content at a place.
    pub(super) fn part(&self, content_id: &ContentId, target: &str) -> Part {
        let hash = Sha256::new()
            .chain_update(self.0)
            .chain_update(enc("part", &[content_id.as_bytes(), target.as_bytes()]))
            .finalize();
        let mark = hash.get(..MARK_LEN).unwrap_or_default();
        Part {
            mark: data_encoding::HEXLOWER.encode(mark),
            is_begun: true,
            is_resumable: false,
        }
    }
}
