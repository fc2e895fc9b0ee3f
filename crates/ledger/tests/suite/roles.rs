//! The table of roles and operations of `log.md` §4.2, read from there and
//! played, cell by cell, for members, through a group and through a group in
//! a group; with the expiry behind, before a grant and after a revocation.

use sv_ledger::apply::Reject;
use sv_ledger::entry::{Ops, Via};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::principals::Principals;
use sv_ledger::state::{Leaf, Role};

use crate::fixture::*;

const ROLES: [Role; 5] = [
    Role::Viewer,
    Role::Contributor,
    Role::Editor,
    Role::Manager,
    Role::Owner,
];
/// When every entry here is made, and when the subject's access ends in the
/// settings in which it does.
const NOW_MS: u64 = START_MS + 5000;

/// How the subject of a cell has access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setting {
    Member,
    /// The vault gives the group the role, the group makes the subject owner.
    Group,
    /// The vault makes the group manager, the group gives the subject the role.
    MemberOfGroup,
    /// The role is that of a group in a group.
    Nested,
    Expired,
    GroupExpired,
    Never,
    Revoked,
}

/// Rows as (operation, verdict of each role, verdict through a vault).
fn table() -> Vec<(String, Vec<String>, String)> {
    let spec = include_str!("../../../../docs/spec/log.md");
    let (_, rows) = spec
        .split_once(
            "| operation | viewer | contributor | editor | manager | owner | through a vault |\n",
        )
        .unwrap();
    rows.lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let verdicts = cells[1..6].iter().map(|&c| c.to_owned()).collect();
            (cells[0].to_owned(), verdicts, cells[6].to_owned())
        })
        .collect()
}

struct Scene {
    vault: Log,
    /// A group that is a member and has a newer key than the vault knows.
    stale: Log,
    subject: Author,
    role: Role,
    path: Vec<Via>,
    principals: Principals,
}

impl Scene {
    fn new(setting: Setting, role: Role) -> Self {
        let mut vault = Log::of_kind(VaultKind::Shared, 1);
        vault.admit(&Author::new(40), Role::Editor);
        vault.admit(&Author::new(41), Role::Viewer);
        let ending = grant_until(&Author::new(42), Role::Viewer, NOW_MS - 1000);
        vault.append(Ops::Membership(vec![ending]));
        let mut stale = Log::of_kind(VaultKind::Group, 43);
        vault.admit_vault(&stale, Role::Viewer);
        stale.bump();

        let person = Author::new(50);
        let mut scene = Self {
            subject: person.clone(),
            role,
            path: Vec::new(),
            principals: vault.principals.clone(),
            vault,
            stale,
        };
        match setting {
            Setting::Never => {}
            Setting::Member if role == Role::Owner => scene.subject = scene.vault.owner.clone(),
            Setting::Member => scene.vault.admit(&person, role),
            Setting::Expired => {
                let ops = vec![grant_until(&person, role, NOW_MS)];
                scene.vault.append(Ops::Membership(ops));
            }
            Setting::Revoked => {
                scene.vault.admit(&person, role);
                scene.vault.revoke(person.id);
            }
            Setting::Group => {
                let group = Log::of_kind(VaultKind::Group, 50);
                scene.enter(&[&group], role);
            }
            Setting::MemberOfGroup => {
                let mut group = Log::of_kind(VaultKind::Group, 60);
                group.admit(&person, role);
                scene.enter(&[&group], Role::Manager);
            }
            Setting::GroupExpired => {
                let mut group = Log::of_kind(VaultKind::Group, 60);
                let ops = vec![grant_until(&person, role, NOW_MS)];
                group.append(Ops::Membership(ops));
                scene.enter(&[&group], Role::Manager);
            }
            Setting::Nested => {
                let mut inner = Log::of_kind(VaultKind::Group, 60);
                inner.admit(&person, Role::Manager);
                let mut outer = Log::of_kind(VaultKind::Group, 61);
                outer.admit_vault(&inner, role);
                scene.enter(&[&outer, &inner], Role::Manager);
            }
        }
        scene.principals.insert(scene.stale.membership().clone());
        scene.plant(70, scene.subject.id);
        scene.plant(71, Author::new(40).id);
        scene
    }

    /// Makes the first of `path` a member, and goes through all of it.
    fn enter(&mut self, path: &[&Log], role: Role) {
        self.vault.admit_vault(path[0], role);
        self.path = path.iter().map(|log| via(log.membership())).collect();
        for log in path {
            self.principals.insert(log.membership().clone());
        }
    }

    /// A node of somebody who may have had another role then.
    fn plant(&mut self, n: u8, creator: VaultId) {
        let id = self.vault.genesis.vault_id();
        let now = self.vault.moments.last_mut().unwrap();
        let leaf = Leaf {
            rev: 1,
            record_hash: Hash::new([n; 32]),
            creator,
            creator_role: Role::Contributor,
        };
        now.state.accumulator.insert(&id, &node(n), &leaf);
        now.leaves.insert(node(n), leaf);
    }

    /// What a row does, and as whom the author signs.
    fn ops(&self, row: &str) -> Ops {
        let vault_id = self.vault.genesis.vault_id();
        let members = self.vault.membership().members.len();
        let rotated = rekey_person(vault_id, &self.subject.rotated());
        let ops = match row {
            "put a new node" => return Ops::state(vec![put(72, 1)]),
            "put an own node" => return Ops::state(vec![put(70, 2)]),
            "delete an own node" => return Ops::state(vec![delete(70)]),
            "put another's node" => return Ops::state(vec![put(71, 2)]),
            "delete another's node" => return Ops::state(vec![delete(71)]),
            "epoch" => vec![epoch_op(members, false)],
            "grant" => vec![grant(&Author::new(80), Role::Manager)],
            "role" => vec![role_op(Author::new(41).id, Role::Manager)],
            "revoke, epoch" => vec![
                MembershipOp::Revoke(Author::new(41).id),
                epoch_op(members - 1, false),
            ],
            "expire, epoch" => vec![
                MembershipOp::Expire(Author::new(42).id),
                epoch_op(members - 1, false),
            ],
            "rekey of a vault" => vec![rekey_vault(self.stale.membership())],
            "rekey, own" => vec![rotated],
            "rekey, own, epoch" => vec![rotated, epoch_op(members, false)],
            "leave" => vec![MembershipOp::Leave],
            "transfer" => vec![MembershipOp::Transfer(Author::new(40).id)],
            other => unreachable!("a row that the test does not know: {other}"),
        };
        Ops::Membership(ops)
    }

    fn play(&self, row: &str) -> Result<(), Reject> {
        let now = self.vault.now();
        let (role, path) = (Some(self.role), self.path.clone());
        let mut body = now.compose_as(&self.subject, role, path, self.ops(row));
        body.timestamp_ms = NOW_MS;
        let entry = self.subject.sign(body);
        now.step_among(&entry, &self.principals).map(drop)
    }
}

fn name(verdict: Result<(), Reject>) -> String {
    verdict.map_or_else(|reason| format!("{reason:?}"), |()| "Ok".to_owned())
}

#[test]
fn every_role_does_what_the_table_says() {
    let rows = table();
    assert_eq!(rows.len(), 15);
    let mut cells = 0;
    for setting in [
        Setting::Member,
        Setting::Group,
        Setting::MemberOfGroup,
        Setting::Nested,
        Setting::Expired,
        Setting::GroupExpired,
        Setting::Never,
        Setting::Revoked,
    ] {
        for (column, role) in ROLES.into_iter().enumerate() {
            if role == Role::Owner && setting != Setting::Member {
                continue;
            }
            let scene = Scene::new(setting, role);
            for (row, verdicts, through) in &rows {
                let said = match setting {
                    Setting::Member => &verdicts[column],
                    Setting::Expired | Setting::GroupExpired => "Expired",
                    Setting::Never | Setting::Revoked => "NotAMember",
                    _ if through == "the same" => &verdicts[column],
                    _ => through,
                };
                let got = name(scene.play(row));
                assert_eq!(got, said, "{row} by a {role:?}, {setting:?}");
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 15 * (5 + 7 * 4));
}

/// The least role on the way decides, whichever step has it.
#[test]
fn through_vaults_the_lowest_role_decides() {
    for at_vault in &ROLES[..4] {
        for in_outer in &ROLES[..4] {
            for in_inner in &ROLES[..4] {
                let person = Author::new(50);
                let mut inner = Log::of_kind(VaultKind::Group, 60);
                inner.admit(&person, *in_inner);
                let mut outer = Log::of_kind(VaultKind::Group, 61);
                outer.admit_vault(&inner, *in_outer);
                let mut scene = Scene::new(Setting::Never, Role::Viewer);
                scene.enter(&[&outer, &inner], *at_vault);
                scene.role = *at_vault.min(in_outer).min(in_inner);
                let all = &scene.principals;
                let paths = scene.vault.membership().paths(&person.id, all);
                assert_eq!(paths.len(), 1);
                assert_eq!((paths[0].role, &paths[0].via), (scene.role, &scene.path));
                let expected = if scene.role >= Role::Manager {
                    Ok(())
                } else {
                    Err(Reject::Role)
                };
                assert_eq!(scene.play("grant"), expected);
            }
        }
    }
}

/// Nobody takes away their own access but with `leave`, nor the group's they
/// act through.
#[test]
fn nobody_revokes_themselves() {
    for setting in [Setting::Member, Setting::Group] {
        let scene = Scene::new(setting, Role::Manager);
        let now = scene.vault.now();
        let own = match scene.path.first() {
            Some(via) => via.vault_id,
            None => scene.subject.id,
        };
        let rest = now.state.membership.members.len() - 1;
        for op in [MembershipOp::Revoke(own), MembershipOp::Expire(own)] {
            let ops = Ops::Membership(vec![op, epoch_op(rest, false)]);
            let (role, path) = (Some(scene.role), scene.path.clone());
            let entry = scene
                .subject
                .sign(now.compose_as(&scene.subject, role, path, ops));
            let verdict = now.step_among(&entry, &scene.principals);
            assert_eq!(verdict.map(drop), Err(Reject::Role), "{setting:?}");
        }
    }
}
