//! Unambiguous encoding of labelled fields (spec: `encoding.md` §1) and the
//! labels of everything that is hashed or signed in the open.

use sha2::{Digest, Sha256};

use crate::id::Hash;

/// `u8 len(label) ‖ label ‖ Π (u16 len(field) ‖ field)`, big-endian.
///
/// Injective: two different (label, fields) never give the same bytes. Labels
/// are compiled in and fields are bounded structs; longer things enter as
/// their hash, so a field of 64 KiB or more is a bug in the caller. It is
/// truncated to keep this function total and caught by a debug assertion.
pub fn enc(label: &str, fields: &[&[u8]]) -> Vec<u8> {
    let fields_len: usize = fields.iter().map(|f| f.len() + 2).sum();
    let mut out = Vec::with_capacity(1 + label.len() + fields_len);
    debug_assert!(label.len() <= usize::from(u8::MAX));
    out.push(label.len() as u8);
    out.extend_from_slice(label.as_bytes());
    for field in fields {
        debug_assert!(field.len() <= usize::from(u16::MAX));
        out.extend_from_slice(&(field.len() as u16).to_be_bytes());
        out.extend_from_slice(field);
    }
    out
}

/// A kind of statement that is hashed, and perhaps signed. Its two labels
/// are distinct from every other's, so no statement passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement {
    /// The birth of a vault.
    Genesis,
    /// One step of a vault's log.
    Entry,
    /// The list of an account's unlockers.
    Unlockers,
    /// A member's new keys, proved by the new signing key.
    Rekey,
    /// A server's challenge answered by the recovery key.
    RecoveryProof,
    /// A record or key envelope, stored beside the log (hashed, never signed).
    Body,
}

impl Statement {
    /// Every statement, for the registry test.
    pub const ALL: [Self; 6] = [
        Self::Genesis,
        Self::Entry,
        Self::Unlockers,
        Self::Rekey,
        Self::RecoveryProof,
        Self::Body,
    ];

    /// The label under which its bytes are hashed.
    pub const fn hash_label(self) -> &'static str {
        match self {
            Self::Genesis => "SecureVault/v1/genesis",
            Self::Entry => "SecureVault/v1/entry",
            Self::Unlockers => "SecureVault/v1/unlockers",
            Self::Rekey => "SecureVault/v1/rekey",
            Self::RecoveryProof => "SecureVault/v1/recovery-proof",
            Self::Body => "SecureVault/v1/body",
        }
    }

    /// The label under which that hash is signed.
    pub const fn signature_label(self) -> &'static str {
        match self {
            Self::Genesis => "SecureVault/v1/sig/genesis",
            Self::Entry => "SecureVault/v1/sig/entry",
            Self::Unlockers => "SecureVault/v1/sig/unlockers",
            Self::Rekey => "SecureVault/v1/sig/rekey",
            Self::RecoveryProof => "SecureVault/v1/sig/recovery-proof",
            Self::Body => "SecureVault/v1/sig/body",
        }
    }

    /// `SHA-256(enc(label) ‖ bytes)`, the bytes being those before the signature.
    pub fn hash(self, bytes: &[u8]) -> Hash {
        let digest = Sha256::new()
            .chain_update(enc(self.hash_label(), &[]))
            .chain_update(bytes)
            .finalize();
        Hash::new(digest.into())
    }

    /// What Ed25519 signs for a statement of that hash.
    pub fn signing_input(self, hash: &Hash) -> Vec<u8> {
        enc(self.signature_label(), &[hash.as_bytes()])
    }
}

/// SHA-256 over labelled fields.
pub fn hash_fields(label: &str, fields: &[&[u8]]) -> Hash {
    Hash::new(Sha256::digest(enc(label, fields)).into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn encoding_is_the_documented_one() {
        assert_eq!(enc("ab", &[b"x", b""]), b"\x02ab\x00\x01x\x00\x00");
    }

    #[test]
    fn field_boundaries_matter() {
        assert_ne!(enc("l", &[b"ab", b"c"]), enc("l", &[b"a", b"bc"]));
        assert_ne!(enc("l", &[b""]), enc("l", &[]));
    }

    #[test]
    fn statement_labels_are_unique() {
        let labels: BTreeSet<_> = Statement::ALL
            .iter()
            .flat_map(|s| [s.hash_label(), s.signature_label()])
            .collect();
        assert_eq!(labels.len(), 2 * Statement::ALL.len());
    }
}
