//! The signed list of an account's unlockers: which passwords and recovery
//! keys open its root key. A server that swapped, revived or added one would
//! have to forge it (spec: `account.md` §1).

use crate::codec::{ParseError, Reader, SUITE, Writer};
use crate::enc::Statement;
use crate::genesis::verify;
use crate::handle::Handle;
use crate::id::{Hash, InstanceId, SignPublicKey, UnlockerId, VaultId};
use crate::limits::UNLOCKERS;

/// How an unlocker proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnlockerKind {
    /// A password, through OPAQUE.
    Password,
    /// The 24-word recovery key.
    Recovery,
}

impl UnlockerKind {
    /// Its byte in formats.
    pub const fn tag(self) -> u8 {
        match self {
            Self::Password => 1,
            Self::Recovery => 2,
        }
    }

    /// Reads that byte.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] for any other.
    pub const fn from_tag(tag: u8) -> Result<Self, ParseError> {
        Ok(match tag {
            1 => Self::Password,
            2 => Self::Recovery,
            _ => return Err(ParseError::Malformed("unlocker kind")),
        })
    }
}

/// One way of opening the root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unlocker {
    /// Its id, which its wrap is bound to.
    pub id: UnlockerId,
    /// How it proves itself.
    pub kind: UnlockerKind,
    /// SHA-256 statement hash of the wrapped root key.
    pub wrap_hash: Hash,
}

/// The unsigned fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlockersBody {
    /// The account.
    pub uid: VaultId,
    /// Rises by one with every change.
    pub version: u64,
    /// Generation of the root key that all wraps hold.
    pub generation: u32,
    /// Hash of the OPAQUE record that the server is to keep.
    pub password_record: Hash,
    /// The key that answers a recovery challenge.
    pub recovery_auth: SignPublicKey,
    /// Every unlocker, in strictly ascending order of id.
    pub unlockers: Vec<Unlocker>,
}

impl UnlockersBody {
    /// The bytes that are hashed and signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(SUITE)
            .raw(self.uid.as_bytes())
            .u64(self.version)
            .u32(self.generation)
            .raw(self.password_record.as_bytes())
            .raw(self.recovery_auth.as_bytes())
            .u16(self.unlockers.len() as u16);
        for unlocker in &self.unlockers {
            w.raw(unlocker.id.as_bytes())
                .u8(unlocker.kind.tag())
                .raw(unlocker.wrap_hash.as_bytes());
        }
        w.into_bytes()
    }

    /// What the account's identity key signs.
    pub fn hash(&self) -> Hash {
        Statement::Unlockers.hash(&self.to_bytes())
    }

    /// Joins that signature.
    pub const fn with_signature(self, signature: [u8; 64]) -> Unlockers {
        Unlockers {
            body: self,
            signature,
        }
    }
}

/// A parsed, not yet verified, list of unlockers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlockers {
    body: UnlockersBody,
    signature: [u8; 64],
}

impl Unlockers {
    /// Parses the one canonical form.
    ///
    /// # Errors
    /// [`ParseError`] for anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        r.suite()?;
        let (uid, version, generation) = (r.vault_id()?, r.u64()?, r.u32()?);
        let (password_record, recovery_auth) = (r.hash()?, r.sign_public_key()?);
        let count = usize::from(r.u16()?);
        if count > UNLOCKERS {
            return Err(ParseError::TooLarge("number of unlockers"));
        }
        let unlockers = (0..count)
            .map(|_| {
                let (id, kind) = (r.unlocker_id()?, UnlockerKind::from_tag(r.u8()?)?);
                Ok(Unlocker {
                    id,
                    kind,
                    wrap_hash: r.hash()?,
                })
            })
            .collect::<Result<Vec<_>, ParseError>>()?;
        if unlockers.is_empty() || !unlockers.is_sorted_by(|a, b| a.id < b.id) {
            return Err(ParseError::Malformed("list of unlockers"));
        }
        let signature = r.array()?;
        r.finish()?;
        let body = UnlockersBody {
            uid,
            version,
            generation,
            password_record,
            recovery_auth,
            unlockers,
        };
        Ok(body.with_signature(signature))
    }

    /// The canonical form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.body.to_bytes();
        bytes.extend_from_slice(&self.signature);
        bytes
    }

    /// The fields, if `key` signed them.
    pub fn verify(&self, key: &SignPublicKey) -> Option<&UnlockersBody> {
        verify(
            Statement::Unlockers,
            &self.body.hash(),
            key,
            &self.signature,
        )
        .then_some(&self.body)
    }

    /// The fields as claimed, for finding the wrap that leads to the key
    /// against which [`Self::verify`] then checks them.
    pub const fn claimed(&self) -> &UnlockersBody {
        &self.body
    }
}

/// The hash under which a statement names an opaque blob it covers: a wrap
/// or an OPAQUE record.
pub fn blob_hash(bytes: &[u8]) -> Hash {
    Statement::Body.hash(bytes)
}

/// What a recovery key signs to answer a server's challenge.
pub fn recovery_challenge(instance: &InstanceId, handle: &Handle, nonce: &[u8; 32]) -> Hash {
    let mut w = Writer::new();
    w.u8(SUITE)
        .raw(instance.as_bytes())
        .bytes(handle.as_str().as_bytes())
        .raw(nonce);
    Statement::RecoveryProof.hash(&w.into_bytes())
}
