//! What the rows of the table are: as our client does them, and as somebody
//! does who has the same keys and another client.

use sv_api::ErrorCode;
use sv_api::endpoint::AppendEntry;
use sv_api::vault::AppendRequest;
use sv_client::ClientError;
use sv_client::call::Repeat;
use sv_client::port::Platform as _;
use sv_client::vault::{Change, Vault};
use sv_core::Name;
use sv_core::record::{Kind, Payload, Record};
use sv_ledger::apply::{Reject, Touched};
use sv_ledger::enc::Statement;
use sv_ledger::entry::{Ops, PutOp, StateOp, Via};
use sv_ledger::genesis::KemPublicKey;
use sv_ledger::id::{Hash, NodeId, VaultId};
use sv_ledger::membership_op::{EpochOp, GrantOp, MembershipOp, RekeyOp, RoleOp};
use sv_ledger::sealed::ENVELOPE_LEN;
use sv_ledger::state::Role;
use sv_testkit::TestPlatform;

use super::{Scene, Setting, Stage};

impl Stage {
    /// A row as our client does it.
    pub(super) async fn do_row(
        &self,
        scene: &Scene,
        vault: &mut Vault<'_, TestPlatform>,
        row: &str,
    ) -> Result<(), ClientError> {
        let uid = |name: &str| self.people[name].insider.uid();
        let new = NodeId::new(self.people["sam"].session.platform().random_bytes());
        let edit = |node| vec![Change::put(node, folder_record())];
        match row {
            "put a new node" => vault.commit(&[], |_| Ok(edit(new))).await,
            "put an own node" => vault.commit(&[], |_| Ok(edit(scene.own[0]))).await,
            "put another's node" => vault.commit(&[], |_| Ok(edit(scene.others[0]))).await,
            "delete an own node" => {
                let change = || vec![Change::Delete(scene.own[1])];
                vault.commit(&[], |_| Ok(change())).await
            }
            "delete another's node" => {
                let change = || vec![Change::Delete(scene.others[1])];
                vault.commit(&[], |_| Ok(change())).await
            }
            "epoch" => vault.renew_key().await,
            "grant" => {
                let nina = self.people["nina"].with(Role::Viewer, 0);
                vault.grant(&[nina]).await
            }
            "role" => vault.set_role(uid("vic"), Role::Contributor, 0).await,
            "revoke, epoch" => vault.revoke(uid("vic")).await,
            "expire, epoch" | "rekey of a vault" => vault.settle().await,
            "leave" => vault.leave().await,
            "transfer" => vault.transfer(uid("edda")).await,
            other => unreachable!("a row that the test does not know: {other}"),
        }
    }

    /// Has sam sign the row, whatever his client says of it, and send it.
    /// The server refuses, for the reason that the table says.
    pub(super) async fn insist(
        &self,
        scene: &Scene,
        seen: &Vault<'_, TestPlatform>,
        row: &str,
        said: &str,
    ) {
        let sam = &self.people["sam"];
        let state = seen.replica().state();
        let (ops, bodies, nodes) = self.signed_row(scene, seen, row).await;
        let leaves = nodes.into_iter().filter_map(|id| {
            let node = seen.replica().nodes().get(&id)?;
            Some((id, *node.leaf()))
        });
        let touched: Touched = leaves.collect();
        let path: &[VaultId] = match scene.setting {
            Setting::Group => &[self.team],
            Setting::Nested => &[self.outer, self.inner],
            _ => &[],
        };
        let mut via = Vec::new();
        for vault_id in path {
            let vault = self.people["olga"].open(*vault_id).await;
            let head = vault.replica().state().membership.head;
            via.push(Via {
                vault_id: *vault_id,
                head,
            });
        }
        let now_ms = self.now_ms();
        let entry = sam.insider.entry(state, via, ops, &touched, now_ms);
        let request = AppendRequest {
            entry,
            bodies,
            inline: Vec::new(),
        };
        let endpoint = AppendEntry {
            vault: scene.vault_id,
        };
        let server = sam.session.server();
        let answer = server.call(&endpoint, request, Repeat::Never).await;
        let what = format!("{row} by a {:?}, {:?}", scene.role, scene.setting);
        let Err(ClientError::Refused(error)) = answer else {
            panic!("{what}: {answer:?}");
        };
        let is_it = match said {
            "NotAMember" | "Expired" => error.code == ErrorCode::NotFound,
            // Whoever may only read is turned away at the door.
            "Role" if scene.role == Role::Viewer && error.code == ErrorCode::Forbidden => true,
            "Role" => error.message == Reject::Role.to_string(),
            "Operation" => error.message == Reject::Operation.to_string(),
            _ => error.code == ErrorCode::Rejected,
        };
        assert!(is_it, "{what}: {error:?}");
    }

    /// The operations of a row, the bodies they name and the nodes they touch.
    async fn signed_row(
        &self,
        scene: &Scene,
        seen: &Vault<'_, TestPlatform>,
        row: &str,
    ) -> (Ops, Vec<Vec<u8>>, Vec<NodeId>) {
        let uid = |name: &str| self.people[name].insider.uid();
        let membership = &seen.replica().state().membership;
        let count = membership.members.len();
        let envelope = |n: usize| vec![n as u8; ENVELOPE_LEN];
        let envelopes = |count: usize| (0..count).map(envelope).collect::<Vec<_>>();
        let epoch = |count: usize| {
            MembershipOp::Epoch(EpochOp {
                commitment: Hash::new([7; 32]),
                kem_pk: KemPublicKey::new([7; 1216]),
                previous_key: Some([7; 104]),
                envelopes: envelopes(count)
                    .iter()
                    .map(|body| Statement::Body.hash(body))
                    .collect(),
            })
        };
        let put = |node: NodeId| {
            let leaf = seen.replica().nodes().get(&node).map(|node| *node.leaf());
            let mut record = vec![1];
            record.extend(membership.epoch.to_be_bytes());
            record.extend([7; 56 + 256 + 16]);
            let op = StateOp::Put(PutOp {
                node_id: node,
                rev: leaf.map_or(0, |leaf| leaf.rev) + 1,
                record_hash: Statement::Body.hash(&record),
                added: Vec::new(),
                dropped: Vec::new(),
            });
            (Ops::state(vec![op]), vec![record], vec![node])
        };
        let delete = |node| {
            let op = StateOp::Delete(node);
            (Ops::state(vec![op]), Vec::new(), vec![node])
        };
        let members = |ops: Vec<MembershipOp>, bodies| (Ops::Membership(ops), bodies, Vec::new());
        let rekey = |principal, mut keys: sv_ledger::membership_op::PrincipalKeys| {
            keys.generation += 1;
            MembershipOp::Rekey(RekeyOp {
                principal,
                keys,
                proof: [0; 64],
            })
        };
        match row {
            "put a new node" => put(NodeId::new([9; 16])),
            "put an own node" => put(scene.own[0]),
            "put another's node" => put(scene.others[0]),
            "delete an own node" => delete(scene.own[1]),
            "delete another's node" => delete(scene.others[1]),
            "epoch" => members(vec![epoch(count)], envelopes(count)),
            "grant" => {
                let op = MembershipOp::Grant(GrantOp {
                    principal: uid("nina"),
                    role: Role::Viewer,
                    expires_ms: 0,
                    keys: self.people["nina"].keys(),
                    envelope: Statement::Body.hash(&envelope(1)),
                });
                members(vec![op], vec![envelope(1)])
            }
            "role" => {
                let op = MembershipOp::Role(RoleOp {
                    principal: uid("vic"),
                    role: Role::Contributor,
                    expires_ms: 0,
                });
                members(vec![op], Vec::new())
            }
            "revoke, epoch" => members(
                vec![MembershipOp::Revoke(uid("vic")), epoch(count - 1)],
                envelopes(count - 1),
            ),
            "expire, epoch" => members(
                vec![MembershipOp::Expire(uid("expi")), epoch(count - 1)],
                envelopes(count - 1),
            ),
            "rekey of a vault" => {
                let stale = self.people["olga"].open(self.stale).await;
                let keys = stale.replica().state().membership.principal();
                let op = MembershipOp::Rekey(RekeyOp {
                    principal: self.stale,
                    keys,
                    proof: [0; 64],
                });
                members(vec![op], Vec::new())
            }
            "rekey, own" | "rekey, own, epoch" => {
                let keys = self.people["sam"].keys();
                let mut ops = vec![rekey(uid("sam"), keys)];
                let mut bodies = Vec::new();
                if row.ends_with("epoch") {
                    ops.push(epoch(count));
                    bodies = envelopes(count);
                }
                members(ops, bodies)
            }
            "leave" => members(vec![MembershipOp::Leave], Vec::new()),
            "transfer" => members(vec![MembershipOp::Transfer(uid("edda"))], Vec::new()),
            other => unreachable!("a row that the test does not know: {other}"),
        }
    }
}

pub(super) fn folder_record() -> Payload {
    let name = Name::parse("a folder").unwrap();
    Payload::Node(Record::new(Kind::Folder, name, None, 1))
}
