//! The birth of a vault. Its hash is the vault's id, so a log whose genesis
//! does not hash to the id under which it was asked for is refused
//! (spec: `log.md` §2).

use ed25519_dalek::{Signature, VerifyingKey};

use crate::codec::{ParseError, Reader, SUITE, Writer};
use crate::enc::{Statement, hash_fields};
use crate::id::{Hash, InstanceId, SignPublicKey, VaultId};
use crate::sealed::ContentSuite;

/// Bytes of an X-Wing public key (draft-connolly-cfrg-xwing-kem).
pub const KEM_PUBLIC_KEY_LEN: usize = 1216;

/// Label of the hash of a KEM public key.
pub const KEM_KEY: &str = "SecureVault/v1/kem-key";

/// An X-Wing public key, as bytes: the ledger only hashes and carries it.
#[derive(Clone, PartialEq, Eq)]
pub struct KemPublicKey(Box<[u8; KEM_PUBLIC_KEY_LEN]>);

impl KemPublicKey {
    /// Wraps raw bytes.
    pub fn new(bytes: [u8; KEM_PUBLIC_KEY_LEN]) -> Self {
        Self(Box::new(bytes))
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; KEM_PUBLIC_KEY_LEN] {
        &self.0
    }

    /// The hash by which membership names it.
    pub fn hash(&self) -> Hash {
        hash_fields(KEM_KEY, &[self.0.as_slice()])
    }
}

impl std::fmt::Debug for KemPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KemPublicKey({})", self.hash())
    }
}

/// What a vault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultKind {
    /// A person: keys, pointers and pins. Its id is their uid.
    Account,
    /// A person's own files.
    Drive,
    /// A folder or file that several people have access to.
    Shared,
    /// People who are given access together.
    Group,
}

impl VaultKind {
    /// Its byte in formats.
    pub const fn tag(self) -> u8 {
        match self {
            Self::Account => 1,
            Self::Drive => 2,
            Self::Shared => 3,
            Self::Group => 4,
        }
    }

    /// Whether vaults of this kind have other members than their owner, and
    /// can be members of others.
    pub const fn is_shareable(self) -> bool {
        matches!(self, Self::Shared | Self::Group)
    }

    /// Reads that byte.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] for any other.
    pub const fn from_tag(tag: u8) -> Result<Self, ParseError> {
        match tag {
            1 => Ok(Self::Account),
            2 => Ok(Self::Drive),
            3 => Ok(Self::Shared),
            4 => Ok(Self::Group),
            _ => Err(ParseError::Malformed("vault kind")),
        }
    }
}

/// The unsigned fields of a genesis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenesisBody {
    /// What the vault is for.
    pub kind: VaultKind,
    /// How it keeps the bytes of its files.
    pub content_suite: ContentSuite,
    /// The installation it was made on.
    pub instance_id: InstanceId,
    /// Its creator and owner; [`VaultId::ZERO`] in an account's own.
    pub creator: VaultId,
    /// The creator's key generation.
    pub creator_generation: u32,
    /// The creator's signing key.
    pub sign_pk: SignPublicKey,
    /// The creator's key-encapsulation key.
    pub kem_pk: KemPublicKey,
    /// Makes two vaults of one creator differ.
    pub nonce: [u8; 32],
    /// Milliseconds since the Unix epoch, by the creator's clock.
    pub timestamp_ms: u64,
}

impl GenesisBody {
    /// The bytes that are hashed and signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(SUITE)
            .u8(self.kind.tag())
            .u8(self.content_suite.tag())
            .raw(self.instance_id.as_bytes())
            .raw(self.creator.as_bytes())
            .u32(self.creator_generation)
            .raw(self.sign_pk.as_bytes())
            .raw(self.kem_pk.as_bytes())
            .raw(&self.nonce)
            .u64(self.timestamp_ms);
        w.into_bytes()
    }

    /// What the creator signs.
    pub fn hash(&self) -> Hash {
        Statement::Genesis.hash(&self.to_bytes())
    }

    /// The id of the vault that this genesis makes.
    pub fn vault_id(&self) -> VaultId {
        VaultId::new(*hash_fields("SecureVault/v1/vault-id", &[&self.to_bytes()]).as_bytes())
    }

    /// Joins the creator's signature over [`Self::hash`].
    pub fn with_signature(self, signature: [u8; 64]) -> Genesis {
        let (hash, vault_id) = (self.hash(), self.vault_id());
        Genesis {
            body: self,
            signature,
            hash,
            vault_id,
        }
    }
}

/// A parsed genesis. Parsing says nothing about its signature:
/// [`crate::state::Membership::begin`] checks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    body: GenesisBody,
    signature: [u8; 64],
    hash: Hash,
    vault_id: VaultId,
}

impl Genesis {
    /// Parses the one canonical form.
    ///
    /// # Errors
    /// [`ParseError`] for anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        r.suite()?;
        let kind = VaultKind::from_tag(r.u8()?)?;
        let content_suite = ContentSuite::from_tag(r.u8()?)?;
        if content_suite != ContentSuite::Blocks && kind != VaultKind::Shared {
            return Err(ParseError::UnsupportedSuite(content_suite.tag()));
        }
        let body = GenesisBody {
            kind,
            content_suite,
            instance_id: r.instance_id()?,
            creator: r.vault_id()?,
            creator_generation: r.u32()?,
            sign_pk: r.sign_public_key()?,
            kem_pk: KemPublicKey::new(r.array()?),
            nonce: r.array()?,
            timestamp_ms: r.u64()?,
        };
        let signature = r.array()?;
        r.finish()?;
        Ok(body.with_signature(signature))
    }

    /// The canonical form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.body.to_bytes();
        bytes.extend_from_slice(&self.signature);
        bytes
    }

    /// The fields.
    pub const fn body(&self) -> &GenesisBody {
        &self.body
    }

    /// The hash that entry 1 names as its predecessor.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The vault's id.
    pub const fn vault_id(&self) -> VaultId {
        self.vault_id
    }

    /// The principal that owns the vault: the creator, or the account itself.
    pub fn owner(&self) -> VaultId {
        match self.body.kind {
            VaultKind::Account => self.vault_id,
            VaultKind::Drive | VaultKind::Shared | VaultKind::Group => self.body.creator,
        }
    }

    /// Whether the creator's key signed it.
    pub fn is_signed(&self) -> bool {
        verify(
            Statement::Genesis,
            &self.hash,
            &self.body.sign_pk,
            &self.signature,
        )
    }
}

/// Strict Ed25519 verification (RFC 8032 §5.1.7, no small-order keys, no
/// malleable signatures) of a statement's hash.
pub fn verify(kind: Statement, hash: &Hash, key: &SignPublicKey, signature: &[u8; 64]) -> bool {
    let input = kind.signing_input(hash);
    VerifyingKey::from_bytes(key.as_bytes()).is_ok_and(|key| {
        key.verify_strict(&input, &Signature::from_bytes(signature))
            .is_ok()
    })
}
