//! Bodies of the vault endpoints, in the ledger's codec: entries, leaves,
//! sealed bodies and blocks are many and binary.

use serde::{Deserialize, Serialize};
use sv_ledger::codec::{ParseError, Reader, Writer};
use sv_ledger::entry::Entry;
use sv_ledger::genesis::Genesis;
use sv_ledger::id::{ContentId, Hash, NodeId, VaultId};
use sv_ledger::limits::{BODY_LEN, ENTRY_LEN, INLINE_LEN, MEMBERS, OPS_PER_ENTRY, PAGE};
use sv_ledger::sealed::SEALED_BLOCK_LEN;
use sv_ledger::state::{Leaf, Role};
use utoipa::ToSchema;

use crate::text::{Base64, as_text};
use crate::wire::{BINARY, Wire, WireError, json_wire};

/// The head of a vault that the session may read.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VaultHead {
    /// The vault.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub vault_id: VaultId,
    /// Entries after the genesis.
    pub seq: u64,
    /// Hash of the last entry, 32 bytes.
    pub hash: Base64,
}

/// A vault that the session may no longer read.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LostVault {
    /// The vault.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub vault_id: VaultId,
}

/// Every vault that the session may read.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VaultHeads {
    /// In ascending order of id.
    pub vaults: Vec<VaultHead>,
}

/// The head after an append.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Appended {
    /// Sequence number of the entry that was appended, now or by an earlier
    /// attempt at the same request.
    pub seq: u64,
}

json_wire!(VaultHeads, Appended);

/// A genesis and membership entries: all of them, or a page.
#[derive(Debug, Clone)]
pub struct MembershipLog {
    /// The birth of the vault.
    pub genesis: Genesis,
    /// In ascending order of sequence number.
    pub entries: Vec<Entry>,
    /// Whether there are membership entries beyond the last of them.
    pub more: bool,
    /// Whether the vault is gone, with the account that owned it, and this is
    /// all that is left of it. The server's word.
    pub is_gone: bool,
}

impl Wire for MembershipLog {
    const CONTENT_TYPE: &'static str = BINARY;

    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        write_membership(&mut w, self);
        w.u8(u8::from(self.more)).u8(u8::from(self.is_gone));
        w.into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let log = read_membership(&mut r)?;
        let (more, is_gone) = (read_flag(&mut r)?, read_flag(&mut r)?);
        r.finish()?;
        Ok(Self {
            more,
            is_gone,
            ..log
        })
    }
}

/// All of an account that is there.
pub(crate) fn write_membership(w: &mut Writer, log: &MembershipLog) {
    w.bytes(&log.genesis.to_bytes());
    write_list(w, &log.entries, |w, e| w.bytes(&e.to_bytes()));
}

pub(crate) fn read_membership(r: &mut Reader<'_>) -> Result<MembershipLog, ParseError> {
    let genesis = Genesis::parse(r.bytes(ENTRY_LEN, "genesis")?)?;
    let entries = read_list(r, PAGE, read_entry)?;
    Ok(MembershipLog {
        genesis,
        entries,
        more: false,
        is_gone: false,
    })
}

/// Consecutive entries of a log.
#[derive(Debug, Clone)]
pub struct EntryPage {
    /// In ascending order of sequence number, without gaps.
    pub entries: Vec<Entry>,
    /// Whether the head lies beyond the last of them.
    pub more: bool,
}

impl Wire for EntryPage {
    const CONTENT_TYPE: &'static str = BINARY;

    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(u8::from(self.more));
        write_list(&mut w, &self.entries, |w, e| w.bytes(&e.to_bytes()));
        w.into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let more = read_flag(&mut r)?;
        let entries = read_list(&mut r, PAGE, read_entry)?;
        r.finish()?;
        Ok(Self { entries, more })
    }
}

/// Leaves of a vault at one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafPage {
    /// In strictly ascending order of node id.
    pub leaves: Vec<(NodeId, Leaf)>,
    /// Whether there are leaves beyond the last of them.
    pub more: bool,
}

impl Wire for LeafPage {
    const CONTENT_TYPE: &'static str = BINARY;

    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(u8::from(self.more));
        write_list(&mut w, &self.leaves, |w, (node, leaf)| {
            w.raw(node.as_bytes())
                .u64(leaf.rev)
                .raw(leaf.record_hash.as_bytes())
                .raw(leaf.creator.as_bytes())
                .u8(leaf.creator_role.tag())
        });
        w.into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let more = read_flag(&mut r)?;
        let leaves = read_list(&mut r, PAGE, |r| {
            let node = r.node_id()?;
            let (rev, record_hash, creator) = (r.u64()?, r.hash()?, r.vault_id()?);
            let creator_role = Role::from_tag(r.u8()?)?;
            Ok((
                node,
                Leaf {
                    rev,
                    record_hash,
                    creator,
                    creator_role,
                },
            ))
        })?;
        r.finish()?;
        Ok(Self { leaves, more })
    }
}

/// Hashes of the records and envelopes that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodiesRequest {
    /// At most [`PAGE`].
    pub hashes: Vec<Hash>,
}

impl Wire for BodiesRequest {
    const CONTENT_TYPE: &'static str = BINARY;

    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        write_list(&mut w, &self.hashes, |w, hash| w.raw(hash.as_bytes()));
        w.into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let hashes = read_list(&mut r, PAGE, Reader::hash)?;
        r.finish()?;
        Ok(Self { hashes })
    }
}

/// Records and envelopes, in the order in which they were asked for; the
/// server may stop early, never skip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bodies {
    /// Each against its hash.
    pub bodies: Vec<Vec<u8>>,
}

impl Wire for Bodies {
    const CONTENT_TYPE: &'static str = BINARY;

    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        write_list(&mut w, &self.bodies, |w, body| w.bytes(body));
        w.into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let bodies = read_list(&mut r, PAGE, |r| {
            r.bytes(BODY_LEN, "body").map(<[u8]>::to_vec)
        })?;
        r.finish()?;
        Ok(Self { bodies })
    }
}

/// An entry with everything that must become durable together with it.
#[derive(Debug, Clone)]
pub struct AppendRequest {
    /// The entry; its sequence number and predecessor are the compare of the
    /// compare-and-swap.
    pub entry: Entry,
    /// The records or envelopes it names, in its order.
    pub bodies: Vec<Vec<u8>>,
    /// Contents of one short block, which travel with the entry.
    pub inline: Vec<InlineContent>,
}

/// A content of one sealed block of at most [`INLINE_LEN`] bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineContent {
    /// The content.
    pub content_id: ContentId,
    /// Its only block.
    pub block: Vec<u8>,
}

impl Wire for AppendRequest {
    const CONTENT_TYPE: &'static str = BINARY;

    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.bytes(&self.entry.to_bytes());
        write_list(&mut w, &self.bodies, |w, body| w.bytes(body));
        write_list(&mut w, &self.inline, write_inline);
        w.into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let entry = read_entry(&mut r)?;
        let max = OPS_PER_ENTRY.max(MEMBERS);
        let bodies = read_list(&mut r, max, |r| {
            r.bytes(BODY_LEN, "body").map(<[u8]>::to_vec)
        })?;
        let inline = read_list(&mut r, OPS_PER_ENTRY, |r| read_inline(r, INLINE_LEN))?;
        r.finish()?;
        Ok(Self {
            entry,
            bodies,
            inline,
        })
    }
}

/// Contents of one block that are asked for together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentsRequest {
    /// At most [`PAGE`].
    pub content_ids: Vec<ContentId>,
}

impl Wire for ContentsRequest {
    const CONTENT_TYPE: &'static str = BINARY;

    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        write_list(&mut w, &self.content_ids, |w, id| w.raw(id.as_bytes()));
        w.into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let content_ids = read_list(&mut r, PAGE, Reader::content_id)?;
        r.finish()?;
        Ok(Self { content_ids })
    }
}

/// First blocks of contents, in the order in which they were asked for; the
/// server may stop early, never skip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Block 0 of each.
    pub contents: Vec<InlineContent>,
}

impl Wire for Contents {
    const CONTENT_TYPE: &'static str = BINARY;

    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        write_list(&mut w, &self.contents, write_inline);
        w.into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let contents = read_list(&mut r, PAGE, |r| read_inline(r, SEALED_BLOCK_LEN))?;
        r.finish()?;
        Ok(Self { contents })
    }
}

/// Blocks of a content: the durable ones of an unfinished upload, or all of a
/// stored one; as many as go into a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPage {
    /// Index in the content and BLAKE3 of the sealed block, in strictly
    /// ascending order of index.
    pub blocks: Vec<(u32, Hash)>,
    /// Whether there are blocks beyond the last of them.
    pub more: bool,
}

impl Wire for BlockPage {
    const CONTENT_TYPE: &'static str = BINARY;

    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(u8::from(self.more));
        write_list(&mut w, &self.blocks, |w, (index, hash)| {
            w.u32(*index).raw(hash.as_bytes())
        });
        w.into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let more = read_flag(&mut r)?;
        let blocks = read_list(&mut r, PAGE, |r| Ok((r.u32()?, r.hash()?)))?;
        r.finish()?;
        Ok(Self { blocks, more })
    }
}

/// A sealed block, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block(pub Vec<u8>);

impl Wire for Block {
    const CONTENT_TYPE: &'static str = BINARY;

    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        Self::parse_owned(bytes.to_vec())
    }

    fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn parse_owned(bytes: Vec<u8>) -> Result<Self, WireError> {
        if bytes.len() > SEALED_BLOCK_LEN {
            return Err(WireError::new("block: too long"));
        }
        Ok(Self(bytes))
    }
}

fn write_inline<'w>(w: &'w mut Writer, content: &InlineContent) -> &'w mut Writer {
    w.raw(content.content_id.as_bytes()).bytes(&content.block)
}

fn read_inline(r: &mut Reader<'_>, max: usize) -> Result<InlineContent, ParseError> {
    let content_id = r.content_id()?;
    Ok(InlineContent {
        content_id,
        block: r.bytes(max, "block")?.to_vec(),
    })
}

fn read_entry(r: &mut Reader<'_>) -> Result<Entry, ParseError> {
    Entry::parse(r.bytes(ENTRY_LEN, "entry")?)
}

pub(crate) fn read_flag(r: &mut Reader<'_>) -> Result<bool, ParseError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(ParseError::Malformed("flag")),
    }
}

fn write_list<T>(
    w: &mut Writer,
    items: &[T],
    write: impl for<'w> Fn(&'w mut Writer, &T) -> &'w mut Writer,
) {
    w.u32(items.len() as u32);
    for item in items {
        write(w, item);
    }
}

/// Reads a counted list. Nothing is reserved by the claimed count: memory
/// grows only with bytes that are there.
pub(crate) fn read_list<'a, T>(
    r: &mut Reader<'a>,
    max: usize,
    read: impl Fn(&mut Reader<'a>) -> Result<T, ParseError>,
) -> Result<Vec<T>, ParseError> {
    let count = r.u32()? as usize;
    if count > max {
        return Err(ParseError::TooLarge("list"));
    }
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(read(r)?);
    }
    Ok(items)
}
