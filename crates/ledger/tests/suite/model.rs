//! Random operations by members of every role, right and wrong, against a
//! map and a few lines of rules.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sv_ledger::apply::Reject;
use sv_ledger::entry::{Ops, StateOp};
use sv_ledger::id::VaultId;
use sv_ledger::state::{Leaf, Role};

use crate::fixture::*;

/// What one member tries to do to one node.
#[derive(Debug, Clone)]
struct Try {
    node: u8,
    /// Remove, or put with the right revision changed by this.
    put: Option<i8>,
}

fn tries() -> impl Strategy<Value = (usize, Vec<Try>)> {
    let revision = prop_oneof![8 => Just(0_i8), 1 => Just(-1), 1 => Just(1)];
    let one = (1..6_u8, proptest::option::weighted(0.7, revision));
    let one = one.prop_map(|(node, put)| Try { node, put });
    (0..4_usize, proptest::collection::vec(one, 1..4))
}

type Model = BTreeMap<u8, (u64, VaultId, Role)>;

fn expected(model: &Model, author: VaultId, role: Role, ops: &[StateOp]) -> Result<Model, Reject> {
    if role == Role::Viewer {
        return Err(Reject::Role);
    }
    let is_sorted = ops.windows(2).all(|w| w[0].node_id() < w[1].node_id());
    if !is_sorted {
        return Err(Reject::Operation);
    }
    let mut next = model.clone();
    for op in ops {
        let node = op.node_id().as_bytes()[0];
        let old = model.get(&node).copied();
        if old.is_some_and(|(_, creator, _)| role == Role::Contributor && creator != author) {
            return Err(Reject::Role);
        }
        match (op, old) {
            (StateOp::Delete(_), None) => return Err(Reject::Operation),
            (StateOp::Delete(_), Some(_)) => drop(next.remove(&node)),
            (StateOp::Put(put), Some((rev, creator, role))) if put.rev == rev + 1 => {
                next.insert(node, (put.rev, creator, role));
            }
            (StateOp::Put(put), None) if put.rev == 1 => {
                next.insert(node, (1, author, role));
            }
            (StateOp::Put(_), _) => return Err(Reject::Revision),
        }
    }
    Ok(next)
}

fn as_model(leaves: &BTreeMap<sv_ledger::id::NodeId, Leaf>) -> Model {
    leaves
        .iter()
        .map(|(n, l)| (n.as_bytes()[0], (l.rev, l.creator, l.creator_role)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn apply_does_what_the_model_does(all in proptest::collection::vec(tries(), 1..24)) {
        let log = Log::drive(1);
        let people = [
            (Author::new(21), Role::Viewer),
            (Author::new(22), Role::Contributor),
            (Author::new(23), Role::Editor),
            (log.owner.clone(), Role::Owner),
        ];
        let mut now = log.now().clone();
        for (author, role) in &people {
            now.state.membership.members.insert(author.id, author.member(*role));
        }
        let mut model = Model::new();
        for (who, tries) in all {
            let (author, role) = &people[who];
            let ops: Vec<StateOp> = tries
                .iter()
                .map(|t| match t.put {
                    None => delete(t.node),
                    Some(off) => {
                        let right = model.get(&t.node).map_or(0, |(rev, ..)| *rev) + 1;
                        put(t.node, right.wrapping_add_signed(off.into()))
                    }
                })
                .collect();
            let entry = author.sign(now.compose(author, Ops::State(ops.clone())));
            match (now.step(&entry), expected(&model, author.id, *role, &ops)) {
                (Ok(next), Ok(next_model)) => {
                    prop_assert_eq!(as_model(&next.leaves), next_model.clone());
                    let mut sum = sv_ledger::digest::Accumulator::default();
                    for (node, leaf) in &next.leaves {
                        sum.insert(&next.state.vault_id(), node, leaf);
                    }
                    prop_assert_eq!(&sum, &next.state.accumulator);
                    (now, model) = (next, next_model);
                }
                (got, want) => prop_assert_eq!(got.map(drop), want.map(drop)),
            }
        }
    }
}
