//! The digest of a vault's whole state: an additive set hash (LtHash16, Lewi
//! et al. 2019) over its leaves, so that adding, replacing or removing one
//! leaf costs the same however many there are (spec: `log.md` §5).

use crate::enc::enc;
use crate::id::{Hash, NodeId, VaultId};
use crate::state::Leaf;
use sha2::{Digest, Sha256};

/// Lanes of 16 bits.
const LANES: usize = 1024;
/// Bytes of a stored accumulator.
pub const ACCUMULATOR_LEN: usize = 2 * LANES;

/// The running sum over a vault's leaves.
#[derive(Clone, PartialEq, Eq)]
pub struct Accumulator(Box<[u16; LANES]>);

impl Default for Accumulator {
    fn default() -> Self {
        Self(Box::new([0; LANES]))
    }
}

impl std::fmt::Debug for Accumulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accumulator(..)")
    }
}

impl Accumulator {
    /// Restores a stored sum.
    pub fn from_bytes(bytes: &[u8; ACCUMULATOR_LEN]) -> Self {
        let mut sum = Self::default();
        for (lane, pair) in sum.0.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *lane = u16::from_le_bytes(*pair);
        }
        sum
    }

    /// The form in which it is stored and hashed: little-endian lanes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|lane| lane.to_le_bytes()).collect()
    }

    /// Adds a leaf.
    pub fn insert(&mut self, vault: &VaultId, node: &NodeId, leaf: &Leaf) {
        self.combine(vault, node, leaf, u16::wrapping_add);
    }

    /// Takes away a leaf that was added.
    pub fn remove(&mut self, vault: &VaultId, node: &NodeId, leaf: &Leaf) {
        self.combine(vault, node, leaf, u16::wrapping_sub);
    }

    /// The value that entries sign: SHA-256(enc("state", vault) ‖ sum).
    pub fn digest(&self, vault: &VaultId) -> Hash {
        let digest = Sha256::new()
            .chain_update(enc("SecureVault/v1/state", &[vault.as_bytes()]))
            .chain_update(self.to_bytes())
            .finalize();
        Hash::new(digest.into())
    }

    fn combine(&mut self, vault: &VaultId, node: &NodeId, leaf: &Leaf, op: fn(u16, u16) -> u16) {
        let element = enc(
            "SecureVault/v1/leaf",
            &[
                vault.as_bytes(),
                node.as_bytes(),
                &leaf.rev.to_be_bytes(),
                leaf.record_hash.as_bytes(),
                leaf.creator.as_bytes(),
                &[leaf.creator_role.tag()],
            ],
        );
        let mut expanded = [0; ACCUMULATOR_LEN];
        blake3::Hasher::new()
            .update(&element)
            .finalize_xof()
            .fill(&mut expanded);
        for (lane, pair) in self.0.iter_mut().zip(expanded.as_chunks::<2>().0) {
            *lane = op(*lane, u16::from_le_bytes(*pair));
        }
    }
}
