//! Nodes of a drive as records, and the sum of all kinds of record
//! (spec: `records.md` §3).

use sv_ledger::id::{ContentId, Hash, NodeId, VaultId};
use sv_ledger::limits::{NAME_LEN, RECORD_LEN, VERSIONS};
use zeroize::Zeroizing;

use super::cbor::{self, Malformed, Map, MapWriter, Unknown};
use super::name::{Name, is_deceptive};
use super::people::{Contact, Invitation, SharedVault, Title};
use super::private::{DrivePointer, Pins};
use crate::content::{ContentSecret, ContentSuite};
use crate::error::RecordError;

/// Tags of one record.
pub(super) const TAGS: usize = 64;
/// The last millisecond of the year 9999: later times break calendars.
const LAST_MS: u64 = 253_402_300_799_999;

/// Field numbers of a record; 0 is the kind everywhere.
mod field {
    pub(super) const KIND: u64 = 0;
    pub(super) const NAME: u64 = 1;
    pub(super) const PARENT: u64 = 2;
    pub(super) const CREATED: u64 = 3;
    pub(super) const MODIFIED: u64 = 4;
    pub(super) const MIME: u64 = 5;
    pub(super) const EXECUTABLE: u64 = 6;
    pub(super) const TRASHED: u64 = 7;
    pub(super) const VERSIONS: u64 = 8;
    pub(super) const TAGS: u64 = 9;
    pub(super) const MOUNT_VAULT: u64 = 10;
    pub(super) const MOUNT_NODE: u64 = 11;
}

/// Field numbers of a version.
mod version_field {
    pub(super) const SUITE: u64 = 0;
    pub(super) const CONTENT: u64 = 1;
    pub(super) const KEY: u64 = 2;
    pub(super) const SIZE: u64 = 3;
    pub(super) const ROOT: u64 = 4;
    pub(super) const MODIFIED: u64 = 5;
    pub(super) const SAVED: u64 = 6;
    pub(super) const AUTHOR: u64 = 7;
    pub(super) const DEVICE: u64 = 8;
}

/// What is inside a sealed record.
#[derive(Debug, Clone)]
pub enum Payload {
    /// A node of a drive.
    Node(Record),
    /// Account vault: which vault is the drive.
    DrivePointer(DrivePointer),
    /// Account vault: the heads a device has seen.
    Pins(Pins),
    /// Account vault: a person who was found.
    Contact(Contact),
    /// Account vault: a vault beside the drive.
    SharedVault(SharedVault),
    /// Account vault: somebody who has no account yet.
    Invitation(Invitation),
    /// Shared vault or group: what it is called.
    Title(Title),
}

impl Payload {
    /// Whether a newer version put something in that this one must not lose.
    pub fn is_read_only(&self) -> bool {
        match self {
            Self::Node(record) => record.is_read_only(),
            Self::DrivePointer(pointer) => pointer.unknown.is_critical(),
            Self::Pins(pins) => pins.is_read_only(),
            Self::Contact(contact) => contact.unknown.is_critical(),
            Self::SharedVault(vault) => vault.unknown.is_critical(),
            Self::Invitation(invitation) => invitation.unknown.is_critical(),
            Self::Title(title) => title.unknown.is_critical(),
        }
    }

    /// Whether every content in it has the form that its vault names.
    pub(super) fn is_of_suite(&self, suite: ContentSuite) -> bool {
        match self {
            Self::Node(record) => {
                let mut versions = record.versions.iter();
                versions.all(|version| version.key.suite() == suite)
            }
            Self::DrivePointer(_)
            | Self::Pins(_)
            | Self::Contact(_)
            | Self::SharedVault(_)
            | Self::Invitation(_)
            | Self::Title(_) => true,
        }
    }

    /// The one encoding, if the format allows the values.
    pub(crate) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Malformed> {
        let mut map = MapWriter::default();
        let tag = match self {
            Self::Node(record) => {
                record.check()?;
                record.write(&mut map);
                record.kind.tag()
            }
            Self::DrivePointer(pointer) => {
                pointer.write(&mut map);
                DrivePointer::TAG
            }
            Self::Pins(pins) => {
                pins.check()?;
                pins.write(&mut map);
                Pins::TAG
            }
            Self::Contact(contact) => {
                contact.write(&mut map);
                Contact::TAG
            }
            Self::SharedVault(vault) => {
                vault.write(&mut map);
                SharedVault::TAG
            }
            Self::Invitation(invitation) => {
                invitation.check()?;
                invitation.write(&mut map);
                Invitation::TAG
            }
            Self::Title(title) => {
                title.write(&mut map);
                Title::TAG
            }
        };
        Ok(map.field(field::KIND, cbor::write_uint(tag)).finish())
    }

    /// Reads the one encoding of a payload.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > RECORD_LEN {
            return Err(RecordError::Malformed("longer than a record may be"));
        }
        let payload = Self::read(bytes).map_err(RecordError::Malformed)?;
        // Whatever the readers let pass must still be what the writer writes.
        match payload.encode() {
            Ok(encoded) if encoded.as_slice() == bytes => Ok(payload),
            Ok(_) => Err(RecordError::Malformed("not the canonical form")),
            Err(reason) => Err(RecordError::Malformed(reason)),
        }
    }

    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut map = Map::validate(bytes)?;
        let tag = cbor::uint(map.require(field::KIND)?)?;
        Ok(match tag {
            DrivePointer::TAG => Self::DrivePointer(DrivePointer::read(map)?),
            Pins::TAG => Self::Pins(Pins::read(map)?),
            Contact::TAG => Self::Contact(Contact::read(map)?),
            SharedVault::TAG => Self::SharedVault(SharedVault::read(map)?),
            Invitation::TAG => Self::Invitation(Invitation::read(map)?),
            Title::TAG => Self::Title(Title::read(map)?),
            tag => Self::Node(Record::read(Kind::from_tag(tag)?, map)?),
        })
    }
}

/// What a node of a drive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Holds other nodes, by being their parent.
    Folder,
    /// Has versions of content.
    File,
    /// A file of text that is edited in place.
    Note,
    /// Where another vault is shown.
    Mount,
}

impl Kind {
    const fn tag(self) -> u64 {
        match self {
            Self::Folder => 1,
            Self::File => 2,
            Self::Note => 3,
            Self::Mount => 4,
        }
    }

    const fn from_tag(tag: u64) -> Result<Self, Malformed> {
        Ok(match tag {
            1 => Self::Folder,
            2 => Self::File,
            3 => Self::Note,
            4 => Self::Mount,
            _ => return Err("kind of a newer version"),
        })
    }
}

/// A node that was put into the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trashed {
    /// When, in Unix milliseconds.
    pub at_ms: u64,
}

/// What a mount shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mount {
    /// The vault.
    pub vault_id: VaultId,
    /// One node of it; none for all of it, as a folder.
    pub node: Option<NodeId>,
}

/// A folder, file, note or mount. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub name: Name,
    /// The folder it is in; none in the root.
    pub parent: Option<NodeId>,
    /// When it was made.
    pub created_ms: u64,
    /// When it was last changed by a person.
    pub modified_ms: u64,
    /// Media type, if known.
    pub mime: Option<String>,
    /// Whether it is run as a program.
    pub executable: bool,
    /// Whether it is in the trash.
    pub trashed: Option<Trashed>,
    /// Its content, oldest first; the last is the current one. At most 100.
    pub versions: Vec<Version>,
    /// Words its owner gave it.
    pub tags: Vec<String>,
    /// The vault that a mount shows.
    pub mount: Option<Mount>,
    /// Fields of a newer version.
    pub unknown: Unknown,
}

impl Record {
    /// A record with nothing but its name and place.
    pub fn new(kind: Kind, name: Name, parent: Option<NodeId>, now_ms: u64) -> Self {
        Self {
            kind,
            name,
            parent,
            created_ms: now_ms,
            modified_ms: now_ms,
            mime: None,
            executable: false,
            trashed: None,
            versions: Vec::new(),
            tags: Vec::new(),
            mount: None,
            unknown: Unknown::default(),
        }
    }

    /// The current version of a file or note; none before its first upload.
    pub fn current(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// Whether a newer version put something in that this one must not lose.
    pub fn is_read_only(&self) -> bool {
        self.unknown.is_critical() || self.versions.iter().any(|v| v.unknown.is_critical())
    }

    fn check(&self) -> Result<(), Malformed> {
        let trashed_ms = self.trashed.map(|trashed| trashed.at_ms);
        if [self.created_ms, self.modified_ms]
            .into_iter()
            .chain(trashed_ms)
            .any(is_no_time)
        {
            return Err("time");
        }
        if self.mount.is_some() != (self.kind == Kind::Mount) {
            return Err("mount");
        }
        if matches!(self.kind, Kind::Folder | Kind::Mount)
            && (self.executable || self.mime.is_some() || !self.versions.is_empty())
        {
            return Err("folder with content");
        }
        if self.mime.as_deref().is_some_and(|mime| !is_mime(mime)) {
            return Err("media type");
        }
        if self.versions.len() > VERSIONS || self.tags.len() > TAGS {
            return Err("too many items");
        }
        if !self.tags.iter().all(|tag| is_label(tag)) {
            return Err("tag");
        }
        self.versions.iter().try_for_each(Version::check)
    }

    fn write(&self, map: &mut MapWriter) {
        map.field(field::NAME, cbor::write_text(self.name.as_str()))
            .optional(
                field::PARENT,
                self.parent.map(|id| cbor::write_bytes(id.as_bytes())),
            )
            .field(field::CREATED, cbor::write_uint(self.created_ms))
            .field(field::MODIFIED, cbor::write_uint(self.modified_ms))
            .optional(field::MIME, self.mime.as_deref().map(cbor::write_text))
            .optional(field::EXECUTABLE, cbor::write_flag(self.executable))
            .optional(
                field::TRASHED,
                self.trashed.map(|t| cbor::write_uint(t.at_ms)),
            )
            .optional(
                field::VERSIONS,
                cbor::write_items(self.versions.iter().map(Version::write)),
            )
            .optional(
                field::TAGS,
                cbor::write_items(self.tags.iter().map(|tag| cbor::write_text(tag))),
            )
            .optional(
                field::MOUNT_VAULT,
                self.mount.map(|m| cbor::write_bytes(m.vault_id.as_bytes())),
            )
            .optional(
                field::MOUNT_NODE,
                self.mount
                    .and_then(|m| m.node)
                    .map(|node| cbor::write_bytes(node.as_bytes())),
            )
            .unknown(&self.unknown);
    }

    fn read(kind: Kind, mut map: Map<'_>) -> Result<Self, Malformed> {
        let list =
            |item: Option<_>, max| item.map_or(Ok(Vec::new()), |item| cbor::items(item, max));
        Ok(Self {
            kind,
            name: Name::parse(cbor::text(map.require(field::NAME)?)?).map_err(|_| "name")?,
            parent: map
                .take(field::PARENT)
                .map(cbor::array)
                .transpose()?
                .map(NodeId::new),
            created_ms: cbor::uint(map.require(field::CREATED)?)?,
            modified_ms: cbor::uint(map.require(field::MODIFIED)?)?,
            mime: map
                .take(field::MIME)
                .map(cbor::text)
                .transpose()?
                .map(str::to_owned),
            executable: cbor::flag(map.take(field::EXECUTABLE))?,
            trashed: map
                .take(field::TRASHED)
                .map(cbor::uint)
                .transpose()?
                .map(|at_ms| Trashed { at_ms }),
            versions: list(map.take(field::VERSIONS), VERSIONS)?
                .into_iter()
                .map(Version::read)
                .collect::<Result<_, _>>()?,
            tags: list(map.take(field::TAGS), TAGS)?
                .into_iter()
                .map(|item| cbor::text(item).map(str::to_owned))
                .collect::<Result<_, _>>()?,
            mount: read_mount(&mut map)?,
            unknown: map.into_unknown(),
        })
    }
}

fn read_mount(map: &mut Map<'_>) -> Result<Option<Mount>, Malformed> {
    let vault_id = map.take(field::MOUNT_VAULT).map(cbor::array).transpose()?;
    let node = map.take(field::MOUNT_NODE).map(cbor::array).transpose()?;
    match (vault_id, node) {
        (None, Some(_)) => Err("mount"),
        (None, None) => Ok(None),
        (Some(vault_id), node) => Ok(Some(Mount {
            vault_id: VaultId::new(vault_id),
            node: node.map(NodeId::new),
        })),
    }
}

/// One version of a file: where its content is and what opens it.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its content.
    pub content_id: ContentId,
    /// What opens it, and so in which form it is stored.
    pub key: ContentSecret,
    /// Bytes of plaintext.
    pub size: u64,
    /// What all its sealed blocks hash to.
    pub blocks_root: Hash,
    /// When the file was changed, by the clock of the computer it came from.
    pub modified_ms: u64,
    /// When this version was saved here.
    pub saved_ms: u64,
    /// The person who saved it.
    pub author: VaultId,
    /// What that person calls the device.
    pub device: Option<String>,
    /// Fields of a newer version of SecureVault.
    pub unknown: Unknown,
}

impl Version {
    /// Whether another says the same of its content: which it is, how long,
    /// what it hashes to and what opens it. Two that name one content need not,
    /// since anybody who writes may say anything.
    pub fn is_of_same_content(&self, other: &Self) -> bool {
        self.content_id == other.content_id
            && self.size == other.size
            && self.blocks_root == other.blocks_root
            && self.key.is_same(&other.key)
    }

    fn check(&self) -> Result<(), Malformed> {
        if [self.modified_ms, self.saved_ms]
            .into_iter()
            .any(is_no_time)
        {
            return Err("time");
        }
        if self.key.suite().content_len(self.size).is_none() {
            return Err("size");
        }
        if self.device.as_deref().is_some_and(|label| !is_label(label)) {
            return Err("device label");
        }
        Ok(())
    }

    fn write(&self) -> Zeroizing<Vec<u8>> {
        MapWriter::default()
            .field(
                version_field::SUITE,
                cbor::write_uint(self.key.suite().tag().into()),
            )
            .field(
                version_field::CONTENT,
                cbor::write_bytes(self.content_id.as_bytes()),
            )
            .field(version_field::KEY, cbor::write_bytes(self.key.expose()))
            .field(version_field::SIZE, cbor::write_uint(self.size))
            .field(
                version_field::ROOT,
                cbor::write_bytes(self.blocks_root.as_bytes()),
            )
            .field(version_field::MODIFIED, cbor::write_uint(self.modified_ms))
            .field(version_field::SAVED, cbor::write_uint(self.saved_ms))
            .field(
                version_field::AUTHOR,
                cbor::write_bytes(self.author.as_bytes()),
            )
            .optional(
                version_field::DEVICE,
                self.device.as_deref().map(cbor::write_text),
            )
            .unknown(&self.unknown)
            .finish()
    }

    fn read(item: &[u8]) -> Result<Self, Malformed> {
        let mut map = Map::of(item)?;
        let suite = u8::try_from(cbor::uint(map.require(version_field::SUITE)?)?)
            .ok()
            .and_then(|tag| ContentSuite::from_tag(tag).ok())
            .ok_or("content suite of a newer version")?;
        Ok(Self {
            content_id: ContentId::new(cbor::array(map.require(version_field::CONTENT)?)?),
            key: ContentSecret::from_bytes(suite, cbor::bytes(map.require(version_field::KEY)?)?)
                .map_err(|_| "content key")?,
            size: cbor::uint(map.require(version_field::SIZE)?)?,
            blocks_root: Hash::new(cbor::array(map.require(version_field::ROOT)?)?),
            modified_ms: cbor::uint(map.require(version_field::MODIFIED)?)?,
            saved_ms: cbor::uint(map.require(version_field::SAVED)?)?,
            author: VaultId::new(cbor::array(map.require(version_field::AUTHOR)?)?),
            device: map
                .take(version_field::DEVICE)
                .map(cbor::text)
                .transpose()?
                .map(str::to_owned),
            unknown: map.into_unknown(),
        })
    }
}

const fn is_no_time(ms: u64) -> bool {
    ms > LAST_MS
}

/// Printable ASCII; what it says is the viewer's business.
fn is_mime(mime: &str) -> bool {
    (1..=NAME_LEN).contains(&mime.len()) && mime.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A short text that is safe to show.
pub(super) fn is_label(text: &str) -> bool {
    (1..=NAME_LEN).contains(&text.len()) && !text.chars().any(is_deceptive)
}
