//! The surveys against walks that visit every path, on small graphs; and how
//! many vaults they look at, on one with a hundred million paths.

use proptest::prelude::*;

use super::*;
use crate::genesis::VaultKind;
use crate::id::{Hash, SignPublicKey};
use crate::membership_op::PrincipalKeys;
use crate::sealed::ContentSuite;

const UID: VaultId = VaultId::new([0xff; 32]);

fn vault_id(n: usize) -> VaultId {
    let mut id = [0; 32];
    id[0] = 1;
    id[24..].copy_from_slice(&(n as u64).to_be_bytes());
    VaultId::new(id)
}

fn vault(n: usize) -> Membership {
    Membership {
        vault_id: vault_id(n),
        kind: VaultKind::Group,
        content_suite: ContentSuite::Blocks,
        head: Head {
            seq: 1,
            hash: Hash::new([n as u8; 32]),
        },
        epoch: 1,
        commitment: Hash::ZERO,
        kem_hash: Hash::ZERO,
        is_due: false,
        members: BTreeMap::new(),
    }
}

fn member(is_vault: bool, role: Role, expires_ms: u64) -> Member {
    Member {
        role,
        expires_ms,
        keys: PrincipalKeys {
            generation: 1,
            sign_pk: SignPublicKey::new([u8::from(!is_vault); 32]),
            kem_hash: Hash::ZERO,
            head: Head::NONE,
        },
        is_sealed: true,
    }
}

/// Every way, one after the other.
fn walk(vault: &Membership, uid: &VaultId, all: &Principals, so_far: &Path, found: &mut Vec<Path>) {
    let through = |member: &Member| Path {
        role: so_far.role.min(member.role),
        expires_ms: earlier(so_far.expires_ms, member.expires_ms),
        via: so_far.via.clone(),
    };
    if let Some(member) = vault.members.get(uid).filter(|m| !m.keys.is_vault()) {
        found.push(through(member));
    }
    if so_far.via.len() == NESTING {
        return;
    }
    for (id, member) in vault.vault_members() {
        let Some(inner) = all.newest(id) else {
            continue;
        };
        let mut path = through(member);
        path.via.push(Via {
            vault_id: *id,
            head: inner.head,
        });
        walk(inner, uid, all, &path, found);
    }
}

fn all_paths(vault: &Membership, all: &Principals) -> Vec<Path> {
    let start = Path {
        role: Role::Owner,
        expires_ms: 0,
        via: Vec::new(),
    };
    let mut found = Vec::new();
    walk(vault, &UID, all, &start, &mut found);
    let is_simple = |path: &Path| {
        let ids: Vec<_> = path.via.iter().map(|via| via.vault_id).collect();
        let is_first = |(place, id)| !ids.iter().take(place).any(|earlier| earlier == id);
        ids.iter().enumerate().all(is_first) && !ids.contains(&vault.vault_id)
    };
    found.retain(is_simple);
    found
}

fn naive_needs_key(vault: &Membership, all: &Principals, left: usize) -> bool {
    let is_changed = |(id, member): (&VaultId, &Member)| {
        let Some(inner) = all.newest(id).filter(|_| left > 0) else {
            return true;
        };
        let is_newer = inner.epoch != member.keys.generation;
        let is_open = naive_needs_key(inner, all, left - 1);
        match member.is_sealed {
            true => is_newer || is_open,
            false => !is_open,
        }
    };
    vault.is_due || vault.vault_members().any(is_changed)
}

fn naive_depth(vault: &Membership, all: &Principals, left: usize) -> Option<usize> {
    let mut deepest = 0;
    for (id, _) in vault.vault_members() {
        let rest = left.checked_sub(1)?;
        let below = match all.newest(id) {
            Some(inner) => naive_depth(inner, all, rest)?,
            None => 0,
        };
        deepest = deepest.max(below + 1);
    }
    Some(deepest)
}

const VAULTS: usize = 6;

/// A way from one vault, to another or to the person.
#[derive(Debug, Clone)]
struct Edge {
    from: usize,
    to: Option<usize>,
    role: u8,
    expires_ms: u64,
    is_sealed: bool,
    is_old: bool,
}

fn edge() -> impl Strategy<Value = Edge> {
    (
        0..VAULTS,
        proptest::option::weighted(0.75, 0..=VAULTS),
        1..=5_u8,
        0..4_u64,
        proptest::bool::weighted(0.8),
        proptest::bool::weighted(0.1),
    )
        .prop_map(|(from, to, role, expires_ms, is_sealed, is_old)| Edge {
            from,
            to,
            role,
            expires_ms,
            is_sealed,
            is_old,
        })
}

/// Vaults with those ways, circles among them; the last that edges name is
/// not known.
fn graph(edges: &[Edge], due: Option<usize>) -> Vec<Membership> {
    let mut vaults: Vec<_> = (0..VAULTS).map(vault).collect();
    for edge in edges {
        let role = Role::from_tag(edge.role).unwrap();
        let mut one = member(edge.to.is_some(), role, edge.expires_ms);
        one.is_sealed = edge.is_sealed;
        one.keys.generation += u32::from(edge.is_old);
        let id = edge.to.map_or(UID, vault_id);
        if edge.to != Some(edge.from) {
            vaults[edge.from].members.insert(id, one);
        }
    }
    if let Some(due) = due {
        vaults[due].is_due = true;
    }
    vaults
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_survey_finds_what_walking_every_path_finds(
        edges in prop::collection::vec(edge(), 0..24),
        due in proptest::option::weighted(0.1, 0..VAULTS),
    ) {
        let vaults = graph(&edges, due);
        let all: Principals = vaults.iter().cloned().collect();
        for vault in &vaults {
            let every = all_paths(vault, &all);
            let kept = vault.paths(&UID, &all);
            // What is kept is a way there is, and covers every other.
            for path in &kept {
                prop_assert!(every.contains(path), "{path:?}");
                prop_assert_eq!(kept.iter().filter(|one| one.covers(path)).count(), 1);
            }
            for path in &every {
                prop_assert!(kept.iter().any(|one| one.covers(path)), "{path:?}");
            }
            for moment_ms in 0..5 {
                let best = vault.best_path(&UID, &all, moment_ms);
                let mut alive: Vec<_> = every.iter().filter(|p| !p.is_expired(moment_ms)).collect();
                alive.sort_by_key(|path| (std::cmp::Reverse(path.role), path.via.len()));
                let expected = alive.first().map(|path| (path.role, path.via.len()));
                let best = best.map(|path| (path.role, path.via.len()));
                prop_assert_eq!(best, expected, "at {}", moment_ms);
            }
            let mut first: BTreeMap<VaultId, usize> = BTreeMap::new();
            for path in every.iter().filter(|path| !path.via.is_empty()) {
                let len = first.entry(path.via[0].vault_id).or_insert(usize::MAX);
                *len = (*len).min(path.via.len());
            }
            let mut first: Vec<_> = first.into_iter().map(|(id, len)| (len, id)).collect();
            first.sort_unstable();
            let first: Vec<_> = first.into_iter().map(|(_, id)| id).collect();
            prop_assert_eq!(vault.entrances(&UID, &all), first);
            prop_assert_eq!(vault.needs_key(&all), naive_needs_key(vault, &all, NESTING));
            prop_assert_eq!(vault.depth(&all), naive_depth(vault, &all, NESTING));
        }
    }
}

/// Four layers of a hundred groups, each a member of all above it.
#[test]
fn a_hundred_million_paths_cost_as_much_as_there_are_vaults() {
    const WIDTH: usize = 100;
    let mut vaults: Vec<_> = (0..=NESTING * WIDTH).map(vault).collect();
    let layer = |n: usize| 1 + n * WIDTH..1 + (n + 1) * WIDTH;
    for n in 0..NESTING {
        let above = if n == 0 { 0..1 } else { layer(n - 1) };
        for upper in above {
            for lower in layer(n) {
                let one = member(true, Role::Editor, lower as u64);
                vaults[upper].members.insert(vault_id(lower), one);
            }
        }
    }
    for innermost in layer(NESTING - 1) {
        let role = Role::from_tag(1 + (innermost % 4) as u8).unwrap();
        let one = member(false, role, (innermost * 7 % 101) as u64);
        vaults[innermost].members.insert(UID, one);
    }
    let top = vaults[0].clone();
    let all: Principals = vaults.into_iter().collect();
    let seen = NESTING * WIDTH;

    let mut paths = Survey::of(&top, &all);
    let found = paths.paths(&top, &UID, NESTING);
    assert!(!found.is_empty() && found.len() <= 5 * (NESTING + 1));
    assert_eq!(paths.known.len(), seen);
    assert!(paths.known.values().all(|p| p.len() <= 5 * (NESTING + 1)));
    let mut due = Survey::of(&top, &all);
    assert!(!due.needs_key(&top, NESTING));
    assert_eq!(due.known.len(), seen);
    let mut deep = Survey::of(&top, &all);
    assert_eq!(deep.depth(&top, NESTING), Some(NESTING));
    assert_eq!(deep.known.len(), seen);
    assert_eq!(top.entrances(&UID, &all).len(), WIDTH);
}
