//! The set hash: order does not matter, what was added can be taken away,
//! and 2^16 copies of one leaf are none.

use proptest::prelude::*;
use sv_ledger::digest::{ACCUMULATOR_LEN, Accumulator};
use sv_ledger::id::{Hash, NodeId, VaultId};
use sv_ledger::state::{Leaf, Role};

const VAULT: VaultId = VaultId::new([1; 32]);

fn leaf() -> impl Strategy<Value = (NodeId, Leaf)> {
    (any::<[u8; 16]>(), any::<u64>(), any::<[u8; 32]>(), 1..6_u8).prop_map(
        |(node, rev, hash, role)| {
            let leaf = Leaf {
                rev,
                record_hash: Hash::new(hash),
                creator: VaultId::new(hash),
                creator_role: Role::from_tag(role).unwrap(),
            };
            (NodeId::new(node), leaf)
        },
    )
}

fn sum<'a>(leaves: impl IntoIterator<Item = &'a (NodeId, Leaf)>) -> Accumulator {
    let mut sum = Accumulator::default();
    for (node, leaf) in leaves {
        sum.insert(&VAULT, node, leaf);
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn the_order_of_leaves_does_not_matter(
        leaves in proptest::collection::vec(leaf(), 0..12).prop_shuffle(),
    ) {
        let mut sorted = leaves.clone();
        sorted.sort_by_key(|(node, _)| *node);
        prop_assert_eq!(sum(&leaves), sum(&sorted));
        prop_assert_eq!(sum(&leaves).digest(&VAULT), sum(sorted.iter().rev()).digest(&VAULT));
    }

    #[test]
    fn adding_and_taking_away_commute(
        kept in proptest::collection::vec(leaf(), 0..6),
        gone in proptest::collection::vec(leaf(), 0..6),
    ) {
        let mut early = sum(kept.iter().chain(&gone));
        gone.iter().for_each(|(n, l)| early.remove(&VAULT, n, l));
        let mut below_zero = Accumulator::default();
        gone.iter().for_each(|(n, l)| below_zero.remove(&VAULT, n, l));
        kept.iter().chain(&gone).for_each(|(n, l)| below_zero.insert(&VAULT, n, l));
        prop_assert_eq!(&early, &sum(&kept));
        prop_assert_eq!(below_zero, sum(&kept));
    }

    #[test]
    fn a_stored_sum_is_the_same_sum(leaves in proptest::collection::vec(leaf(), 0..6)) {
        let sum = sum(&leaves);
        let bytes: [u8; ACCUMULATOR_LEN] = sum.to_bytes().try_into().unwrap();
        prop_assert_eq!(Accumulator::from_bytes(&bytes), sum);
    }

    #[test]
    fn every_field_of_a_leaf_and_the_vault_count(
        (node, leaf) in leaf(),
        flip in 0..8_u32,
        byte in 0..32_usize,
    ) {
        let flipped = |bytes: &[u8; 32]| {
            let mut bytes = *bytes;
            bytes[byte] ^= 1 << flip;
            bytes
        };
        let honest = sum([&(node, leaf)]);
        let mut other_node = *node.as_bytes();
        other_node[byte % 16] ^= 1 << flip;
        let mut others = vec![
            (NodeId::new(other_node), leaf),
            (node, Leaf { rev: leaf.rev ^ (1 << (8 * (byte % 8) as u32 + flip)), ..leaf }),
            (node, Leaf { record_hash: Hash::new(flipped(leaf.record_hash.as_bytes())), ..leaf }),
            (node, Leaf { creator: VaultId::new(flipped(leaf.creator.as_bytes())), ..leaf }),
        ];
        let role = if leaf.creator_role == Role::Owner { Role::Viewer } else { Role::Owner };
        others.push((node, Leaf { creator_role: role, ..leaf }));
        for other in &others {
            prop_assert_ne!(sum([other]), honest.clone());
        }
        let other_vault = VaultId::new(flipped(VAULT.as_bytes()));
        prop_assert_ne!(honest.digest(&other_vault), honest.digest(&VAULT));
        let mut elsewhere = Accumulator::default();
        elsewhere.insert(&other_vault, &node, &leaf);
        prop_assert_ne!(elsewhere, honest);
    }
}

/// Why a list of leaves has to be strictly ascending.
#[test]
fn two_to_the_sixteen_copies_are_none() {
    let leaf = Leaf {
        rev: 1,
        record_hash: Hash::new([7; 32]),
        creator: VAULT,
        creator_role: Role::Owner,
    };
    let mut sum = Accumulator::default();
    for _ in 0..1_u32 << 16 {
        sum.insert(&VAULT, &NodeId::new([3; 16]), &leaf);
    }
    assert_eq!(sum, Accumulator::default());
}
