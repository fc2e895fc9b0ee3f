//! Records: what a node is, sealed so that the server sees its size in steps
//! and nothing else (spec: `records.md`).

use rand_core::CryptoRng;
use sv_ledger::codec::{Reader, SUITE, Writer};
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::limits::{BODY_LEN, RECORD_LEN, RECORD_PAD};
use zeroize::Zeroizing;

use crate::content::ContentSuite;
use crate::error::{RecordError, SealError};
use crate::kdf::derive;
use crate::label::{Context, Label};
use crate::sealed_box::SMALL;
use crate::secret::{SecretKey, VaultKey};

mod cbor;
mod name;
mod payload;
mod people;
mod private;

pub use cbor::Unknown;
pub use name::Name;
pub use payload::{Kind, Mount, Payload, Record, Trashed, Version};
pub use people::{Contact, Invitation, SharedVault, Title};
pub use private::{DrivePointer, Pin, Pins};

/// Bytes of suite and epoch in front of the Box.
#[cfg(test)]
const PREFIX_LEN: usize = 1 + 4;

/// Where a record belongs. It opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordContext {
    /// Its vault.
    pub vault_id: VaultId,
    /// Its node.
    pub node_id: NodeId,
    /// Of the entry that puts it.
    pub epoch: u32,
    /// 1 for a new node, else one more than before.
    pub rev: u64,
    /// How its vault keeps contents. The vault's id says so already; a record
    /// with a content of another form is refused.
    pub content_suite: ContentSuite,
}

impl RecordContext {
    fn enc(&self) -> Vec<u8> {
        Context::Record.enc(&[
            self.vault_id.as_bytes(),
            self.node_id.as_bytes(),
            &self.epoch.to_be_bytes(),
            &self.rev.to_be_bytes(),
        ])
    }
}

/// Bytes of the record that [`seal_record`] makes of a payload, but for the
/// few of its frame.
///
/// # Errors
/// As [`seal_record`].
pub fn record_len(payload: &Payload) -> Result<usize, SealError> {
    Ok(pad(&payload.encode().map_err(SealError::Misuse)?)?.len())
}

/// Seals a payload under the vault key of `ctx.epoch`.
///
/// # Errors
/// [`SealError::ReadOnly`] if a newer version made it, [`SealError::Misuse`] or
/// [`SealError::TooLarge`] if the format does not allow it.
pub fn seal_record(
    vault_key: &VaultKey,
    ctx: &RecordContext,
    payload: &Payload,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    if payload.is_read_only() {
        return Err(SealError::ReadOnly);
    }
    if !payload.is_of_suite(ctx.content_suite) {
        return Err(SealError::Misuse(
            "a content of another form than the vault's",
        ));
    }
    let padded = pad(&payload.encode().map_err(SealError::Misuse)?)?;
    let key = derive(Label::Records, vault_key.expose(), &[]);
    let sealed = SMALL.seal(key.as_slice(), &ctx.enc(), &padded, rng)?;
    let mut w = Writer::new();
    w.u8(SUITE).u32(ctx.epoch).raw(&sealed);
    Ok(w.into_bytes())
}

/// Opens a record that belongs at `ctx`, under the vault key of its epoch.
///
/// # Errors
/// [`RecordError::Tampered`] if it is not the record of that place, else what
/// its author did that the format does not allow.
pub fn open_record(
    vault_key: &VaultKey,
    ctx: &RecordContext,
    record: &[u8],
) -> Result<Payload, RecordError> {
    if record.len() > BODY_LEN {
        return Err(RecordError::Tampered);
    }
    let mut r = Reader::new(record);
    let suite = r.u8().map_err(|_| RecordError::Tampered)?;
    if suite != SUITE {
        return Err(RecordError::UnsupportedSuite(suite));
    }
    if r.u32() != Ok(ctx.epoch) {
        return Err(RecordError::Tampered);
    }
    let key = derive(Label::Records, vault_key.expose(), &[]);
    let padded = SMALL.open(key.as_slice(), &ctx.enc(), r.rest())?;
    let cbor = unpad(&padded).ok_or(RecordError::Malformed("padding"))?;
    let payload = Payload::decode(cbor)?;
    if !payload.is_of_suite(ctx.content_suite) {
        return Err(RecordError::Malformed("content suite of another vault"));
    }
    Ok(payload)
}

/// Bytes of a sealed record around `len` bytes of CBOR.
#[cfg(test)]
pub(crate) const fn sealed_record_len(len: usize) -> usize {
    PREFIX_LEN + SMALL.sealed_len((len / RECORD_PAD + 1) * RECORD_PAD)
}

/// `80` and then zeros up to the next step (spec: `encoding.md` §3).
fn pad(cbor: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    if cbor.len() > RECORD_LEN {
        return Err(SealError::TooLarge("record"));
    }
    let len = (cbor.len() / RECORD_PAD + 1) * RECORD_PAD;
    let mut padded = Zeroizing::new(Vec::with_capacity(len));
    padded.extend_from_slice(cbor);
    padded.push(0x80);
    padded.resize(len, 0);
    Ok(padded)
}

/// The one inverse: any other padding of the same bytes is refused.
fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let marker = padded.iter().rposition(|byte| *byte != 0)?;
    let (cbor, padding) = padded.split_at_checked(marker)?;
    let canonical = padded.len().is_multiple_of(RECORD_PAD)
        && padding.len() <= RECORD_PAD
        && padding.first() == Some(&0x80);
    canonical.then_some(cbor)
}
