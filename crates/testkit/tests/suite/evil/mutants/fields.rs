//! Where the fields of an answer are, by the layouts of the spec
//! (`docs/spec/log.md` §2 and §3, `wire.md`), so that each is changed as
//! often as any other, however long it is.

use std::ops::Range;

use sv_api::endpoint::{
    GetBlock, GetBodies, GetCheckpoint, GetContents, GetEntries, GetLeaves, GetMembership,
    LookUpHandles,
};
use sv_ledger::sealed::ENVELOPE_LEN;
use sv_testkit::Exchange;

/// One field of an answer.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) range: Range<usize>,
    /// Where the length stands, in four bytes, of what it is inside of.
    pub(super) inside: Option<usize>,
}

/// One item of a list: an entry, an operation, a leaf.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) range: Range<usize>,
    /// Where the items are counted, and in how many bytes.
    pub(super) count: Range<usize>,
    pub(super) inside: Option<usize>,
}

/// Every field and part of an answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Map {
    pub(super) fields: Vec<Field>,
    pub(super) parts: Vec<Part>,
}

impl Map {
    /// Of an answer in the ledger's codec; `None` for any other.
    pub(super) fn of(request: &Exchange, body: &[u8]) -> Option<Self> {
        let mut walk = Walk {
            body,
            at: 0,
            inside: None,
            map: Self::default(),
        };
        if request.is::<GetMembership>() {
            walk.membership()?;
            walk.field("page.more", 1)?;
            // That an account was deleted is the server's word, and shown as that.
            walk.skip(1)?;
        } else if request.is::<GetEntries>() || request.is::<GetCheckpoint>() {
            walk.field("page.more", 1)?;
            walk.list("entry", 4, Walk::framed_entry)?;
        } else if request.is::<GetLeaves>() {
            walk.field("page.more", 1)?;
            walk.list("leaf", 4, Walk::leaf)?;
        } else if request.is::<GetBodies>() {
            walk.list("body", 4, |walk| walk.framed(Walk::body))?;
        } else if request.is::<GetContents>() {
            walk.list("content", 4, |walk| {
                walk.field("content.id", 16)?;
                walk.framed(|walk, len| walk.sealed("content", len))
            })?;
        } else if request.is::<GetBlock>() {
            walk.sealed("block", body.len())?;
        } else if request.is::<LookUpHandles>() {
            walk.list("chain", 4, |walk| {
                walk.field("chain.is_there", 1)?;
                match walk.body.get(walk.at - 1)? {
                    0 => Some(()),
                    _ => walk.membership(),
                }
            })?;
        } else {
            return None;
        }
        (walk.at == body.len()).then_some(walk.map)
    }
}

struct Walk<'b> {
    body: &'b [u8],
    at: usize,
    inside: Option<usize>,
    map: Map,
}

impl Walk<'_> {
    fn field(&mut self, name: &'static str, len: usize) -> Option<()> {
        let range = self.at..self.at.checked_add(len)?;
        self.body.get(range.clone())?;
        self.at = range.end;
        if len > 0 {
            self.map.fields.push(Field {
                name,
                range,
                inside: self.inside,
            });
        }
        Some(())
    }

    fn fields(&mut self, fields: &[(&'static str, usize)]) -> Option<()> {
        fields
            .iter()
            .try_for_each(|(name, len)| self.field(name, *len))
    }

    /// What is no field of these.
    fn skip(&mut self, len: usize) -> Option<()> {
        self.at = self.at.checked_add(len)?;
        (self.at <= self.body.len()).then_some(())
    }

    /// A number just read, of so many bytes.
    fn number(&self, len: usize) -> Option<usize> {
        let bytes = self.body.get(self.at - len..self.at)?;
        let all = bytes.iter();
        Some(all.fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }

    fn list(
        &mut self,
        name: &'static str,
        count_len: usize,
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        let inside = self.inside;
        let counted = self.at..self.at + count_len;
        self.field("count", count_len)?;
        for _ in 0..self.number(count_len)? {
            let start = self.at;
            item(self)?;
            self.map.parts.push(Part {
                name,
                range: start..self.at,
                count: counted.clone(),
                inside,
            });
        }
        Some(())
    }

    /// Something behind its own length.
    fn framed(&mut self, inner: impl FnOnce(&mut Self, usize) -> Option<()>) -> Option<()> {
        let (outer, frame) = (self.inside, self.at);
        self.field("length", 4)?;
        let len = self.number(4)?;
        self.inside = Some(frame);
        inner(self, len)?;
        self.inside = outer;
        (self.at == frame + 4 + len).then_some(())
    }

    fn membership(&mut self) -> Option<()> {
        self.framed(|walk, _| {
            walk.fields(&[
                ("genesis.suite", 1),
                ("genesis.kind", 1),
                ("genesis.content_suite", 1),
                ("genesis.instance", 32),
                ("genesis.creator", 32),
                ("genesis.generation", 4),
                ("genesis.sign_pk", 32),
                ("genesis.kem_pk", 1216),
                ("genesis.nonce", 32),
                ("genesis.time", 8),
                ("genesis.signature", 64),
            ])
        })?;
        self.list("entry", 4, Self::framed_entry)
    }

    fn framed_entry(&mut self) -> Option<()> {
        self.framed(|walk, _| walk.entry())
    }

    fn entry(&mut self) -> Option<()> {
        self.fields(&[
            ("entry.suite", 1),
            ("entry.vault", 32),
            ("entry.seq", 8),
            ("entry.prev_hash", 32),
            ("entry.member_seq", 8),
            ("entry.member_hash", 32),
            ("entry.epoch", 4),
            ("entry.author", 32),
            ("entry.generation", 4),
        ])?;
        self.list("via", 1, |walk| {
            walk.fields(&[("via.vault", 32), ("via.seq", 8), ("via.hash", 32)])
        })?;
        self.fields(&[("entry.time", 8), ("entry.kind", 1)])?;
        let is_membership = self.body.get(self.at - 1) == Some(&1);
        self.list("operation", 2, |walk| match is_membership {
            true => walk.membership_op(),
            false => walk.state_op(),
        })?;
        self.fields(&[("entry.digest", 32), ("entry.signature", 64)])
    }

    fn keys(&mut self) -> Option<()> {
        self.fields(&[
            ("keys.generation", 4),
            ("keys.sign_pk", 32),
            ("keys.kem_hash", 32),
            ("keys.seq", 8),
            ("keys.hash", 32),
        ])
    }

    fn membership_op(&mut self) -> Option<()> {
        self.field("op.tag", 1)?;
        match self.body.get(self.at - 1)? {
            1 => {
                self.fields(&[
                    ("epoch.commitment", 32),
                    ("epoch.kem_pk", 1216),
                    ("epoch.has_previous", 1),
                ])?;
                if self.body.get(self.at - 1) == Some(&1) {
                    self.field("epoch.previous_key", 104)?;
                }
                self.list("envelope hash", 2, |walk| walk.field("epoch.envelope", 32))
            }
            2 => {
                self.field("length", 4)?;
                self.field("handle", self.number(4)?)
            }
            3 => {
                self.fields(&[
                    ("grant.principal", 32),
                    ("grant.role", 1),
                    ("grant.expires", 8),
                ])?;
                self.keys()?;
                self.field("grant.envelope", 32)
            }
            4 => self.fields(&[
                ("role.principal", 32),
                ("role.role", 1),
                ("role.expires", 8),
            ]),
            5 | 6 | 9 => self.field("op.principal", 32),
            7 => {
                self.field("rekey.principal", 32)?;
                self.keys()?;
                self.field("rekey.proof", 64)
            }
            8 => Some(()),
            _ => None,
        }
    }

    fn state_op(&mut self) -> Option<()> {
        self.field("op.tag", 1)?;
        let is_put = self.body.get(self.at - 1) == Some(&1);
        self.field("op.node", 16)?;
        if !is_put {
            return Some(());
        }
        self.fields(&[("put.rev", 8), ("put.record", 32)])?;
        self.list("content added", 2, |walk| {
            walk.fields(&[
                ("added.id", 16),
                ("added.len", 8),
                ("added.blocks", 4),
                ("added.root", 32),
            ])
        })?;
        self.list("content dropped", 2, |walk| walk.field("dropped.id", 16))
    }

    fn leaf(&mut self) -> Option<()> {
        self.fields(&[
            ("leaf.node", 16),
            ("leaf.rev", 8),
            ("leaf.record", 32),
            ("leaf.creator", 32),
            ("leaf.role", 1),
        ])
    }

    /// A record, or an envelope of a key.
    fn body(&mut self, len: usize) -> Option<()> {
        if len == ENVELOPE_LEN {
            return self.fields(&[
                ("envelope.suite", 1),
                ("envelope.vault", 32),
                ("envelope.epoch", 4),
                ("envelope.granter", 32),
                ("envelope.granter_generation", 4),
                ("envelope.principal", 32),
                ("envelope.generation", 4),
                ("envelope.seq", 8),
                ("envelope.head", 32),
                ("envelope.kem_hash", 32),
                ("envelope.role", 1),
                ("envelope.commitment", 32),
                ("envelope.member_hash", 32),
                ("envelope.encapsulated", 1120),
                ("envelope.sealed", 48),
            ]);
        }
        self.fields(&[("record.suite", 1), ("record.epoch", 4)])?;
        self.sealed("record", len.checked_sub(5)?)
    }

    /// A Box.
    fn sealed(&mut self, of: &'static str, len: usize) -> Option<()> {
        let name = match of {
            "record" => ["record.salt", "record.commitment", "record.sealed"],
            "content" => ["content.salt", "content.commitment", "content.sealed"],
            _ => ["block.salt", "block.commitment", "block.sealed"],
        };
        if len == 0 {
            return Some(());
        }
        self.fields(&[
            (name[0], 24),
            (name[1], 32),
            (name[2], len.checked_sub(56)?),
        ])
    }
}

/// Puts other bytes in the place of a range; the length of what it is inside
/// of follows.
pub(super) fn splice(
    body: &[u8],
    range: &Range<usize>,
    with: &[u8],
    inside: Option<usize>,
) -> Option<Vec<u8>> {
    let mut changed = body.get(..range.start)?.to_vec();
    changed.extend_from_slice(with);
    changed.extend_from_slice(body.get(range.end..)?);
    if let Some(at) = inside {
        let place = at..at + 4;
        let len = u32::from_be_bytes(body.get(place.clone())?.try_into().ok()?);
        let len = len.wrapping_add(with.len() as u32);
        let len = len.wrapping_sub(range.len() as u32);
        changed.get_mut(place)?.copy_from_slice(&len.to_be_bytes());
    }
    Some(changed)
}

/// Adds to a number in place.
pub(super) fn count_up(body: &mut [u8], count: &Range<usize>, by: i64) -> Option<()> {
    let bytes = body.get_mut(count.clone())?;
    let old = bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | i64::from(*byte));
    let new = (old + by).to_be_bytes();
    let len = bytes.len();
    bytes.copy_from_slice(&new[new.len() - len..]);
    Some(())
}
