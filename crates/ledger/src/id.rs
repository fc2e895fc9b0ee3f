//! Identifiers and hashes. An id is opaque: 16 random bytes, or, for a vault,
//! the 32-byte hash of its genesis (spec: `log.md` §2).

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

/// A text that is not the canonical base64url form of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid identifier")]
pub struct InvalidId;

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Wraps raw bytes.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Takes exactly [`Self::LEN`] bytes.
            ///
            /// # Errors
            /// [`InvalidId`] for any other length.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, InvalidId> {
                bytes.try_into().map(Self).map_err(|_| InvalidId)
            }
        }

        /// Lower-case hexadecimal, for logs and messages.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), HEXLOWER.encode(&self.0))
            }
        }

        /// Base64url without padding: the form in URLs and JSON.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&BASE64URL_NOPAD.encode(&self.0))
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| InvalidId)?;
                Self::from_slice(&bytes)
            }
        }
    };
}

byte_id!(
    /// A vault; for an account vault this is also the person's `uid`.
    VaultId, 32
);
byte_id!(
    /// One server installation, as it was when it was first started.
    InstanceId, 32
);
byte_id!(
    /// A SHA-256 or BLAKE3 value.
    Hash, 32
);
byte_id!(
    /// An Ed25519 public key.
    SignPublicKey, 32
);
byte_id!(
    /// A file, folder, note or other record of a vault.
    NodeId, 16
);
byte_id!(
    /// The bytes of one version of a file.
    ContentId, 16
);
byte_id!(
    /// An installation of a client, as it names itself to its owner's other devices.
    DeviceId, 16
);
byte_id!(
    /// A logged-in session on the server.
    SessionId, 16
);
byte_id!(
    /// A download from a shared vault, as a server noted it. Ids of one vault
    /// ascend with time.
    AccessId, 16
);
byte_id!(
    /// An invitation to a server, not its code.
    InvitationId, 16
);
byte_id!(
    /// One way of opening an account's root key.
    UnlockerId, 16
);

impl VaultId {
    /// Stands for "nobody" where an account names its own creator.
    pub const ZERO: Self = Self([0; 32]);
}

impl Hash {
    /// Stands for "no hash" where a format has room for one.
    pub const ZERO: Self = Self([0; 32]);
}

impl SignPublicKey {
    /// Stands for "signs nothing": what a vault has as a member of another. No
    /// signature verifies under it, since the point is of small order.
    pub const ZERO: Self = Self([0; 32]);
}
