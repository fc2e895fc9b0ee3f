//! Where things are: in the drive, or in a vault that is shared.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sv_api::text::as_text;
use sv_ledger::id::{InvalidId, NodeId, VaultId};

/// A vault beside the drive. As text it may stand in the page's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShareId(#[serde(with = "as_text")] pub VaultId);

impl fmt::Display for ShareId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ShareId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(Self)
    }
}

/// A file, note or folder, and the vault it is in. As text, `node` or
/// `vault.node`, it may stand in the page's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId {
    /// The vault; none for the drive.
    pub share: Option<ShareId>,
    /// The node there.
    pub node: NodeId,
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.share {
            Some(share) => write!(f, "{share}.{}", self.node),
            None => self.node.fmt(f),
        }
    }
}

impl FromStr for ItemId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (share, node) = match text.split_once('.') {
            Some((share, node)) => (Some(share.parse()?), node),
            None => (None, text),
        };
        let node = node.parse()?;
        Ok(Self { share, node })
    }
}

impl Serialize for ItemId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        as_text::serialize(self, s)
    }
}

impl<'de> Deserialize<'de> for ItemId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        as_text::deserialize(d)
    }
}

/// Something that has rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Place {
    /// The drive itself.
    Root,
    /// All that is in a shared vault.
    Share(ShareId),
    /// Items whose folder is gone, of the drive or of a shared vault. Nothing
    /// can be put here.
    LostAndFound(Option<ShareId>),
    /// A folder, or a mount of a shared vault, which stands for
    /// [`Place::Share`].
    Folder(ItemId),
}

/// What a person may do in a shared vault; the order is that of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Adds items, and changes their own.
    Contributor,
    /// Changes every item.
    Editor,
    /// Decides who has access.
    Manager,
    /// A manager who cannot be removed.
    Owner,
}

/// A shared vault, as far as one who looks at files has to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareMark {
    /// Which.
    pub share: ShareId,
    /// What this person may do there; none unless it is open.
    pub role: Option<Role>,
    /// Whether it can be looked into.
    pub standing: Standing,
}

/// How it stands with a shared vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// It is opened when it is first looked into.
    Closed,
    /// It is open, and followed.
    Open,
    /// This person has not accepted it: nothing is done with it.
    NotAccepted,
    /// This person has no access to it any more.
    NoAccess,
    /// What the server shows of it is not what was put there.
    Tampered,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_says_which_vault_it_is_in() {
        let node = NodeId::new([7; 16]);
        let shares = [None, Some(ShareId(VaultId::new([9; 32])))];
        for share in shares {
            let id = ItemId { share, node };
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(crate::decode(&crate::encode(&id)), Some(id));
        }
        assert!("".parse::<ItemId>().is_err());
        assert!(format!("{node}.{node}").parse::<ItemId>().is_err());
        assert!(format!("{node}.").parse::<ItemId>().is_err());
    }
}
