//! A15: keys that somebody planted.

use sv_client::ClientError;
use sv_client::vault::Vault;
use sv_core::VaultKey;
use sv_core::vault_key::{EnvelopeHeader, seal_envelope};
use sv_ledger::apply::Reject;
use sv_ledger::entry::Ops;
use sv_ledger::membership_op::{EpochOp, MembershipOp};
use sv_ledger::state::Role;
use sv_testkit::{Insider, run};

use super::a14_insiders::{assert_believed, assert_refused};
use super::stand::{Shared, Stand};

/// A new key counts only by a writer's signature, sealed to every member: a
/// viewer's, a stranger's, an unsigned one and one that leaves somebody out
/// are refused, and so is a vault that shows no key at all; and nobody writes
/// under any of them. An editor's is believed by the same means. Fails without
/// the roles, the signature or the count of envelopes in `apply`.
#[test]
fn a15_nobody_writes_under_a_planted_key() {
    run(async {
        let scene = Shared::with(Role::Editor).await;
        let bob = Insider::of(&scene.bob).await;
        let believed = new_key(&scene, &bob, true).await;
        assert_believed(&scene.show(&believed).await, "an editor's key");
        let short = new_key(&scene, &bob, false).await;
        assert_refused(&scene.show(&short).await, Reject::Operation, "too few");

        let scene = Shared::with(Role::Viewer).await;
        let anna = scene.anna.uid();
        for (insider, reject) in [
            (Insider::of(&scene.bob).await, Reject::Role),
            (Insider::of(&scene.mallory).await, Reject::NotAMember),
            (
                Insider::of(&scene.mallory).await.posing_as(anna),
                Reject::Signature,
            ),
        ] {
            let stand = new_key(&scene, &insider, true).await;
            assert_refused(&scene.show(&stand).await, reject, "a planted key");
        }
        let [_, fresh] = scene.annas();
        let network = &fresh.network;
        network.rewrite_fields::<sv_api::endpoint::GetMembership>(|log| log.entries.clear());
        let session = sv_client::account::Session::resume(fresh.clone()).await;
        let session = session.unwrap();
        let opened = Vault::open(&session, scene.vault_id).await;
        assert!(matches!(opened, Err(ClientError::Tampered(_))));
    });
}

/// The log with a new key, sealed to all members or to all but one.
async fn new_key(scene: &Shared, by: &Insider, to_all: bool) -> Stand {
    let mut stand = scene.stand();
    let mut random = rand_core::UnwrapErr(getrandom::SysRng);
    let key = VaultKey::generate(&mut random).unwrap();
    let membership = stand.state().membership.clone();
    let epoch = membership.epoch + 1;
    let commitment = key.commitment(&scene.vault_id, epoch);
    let mut envelopes = Vec::new();
    for (uid, member) in &membership.members {
        let session = [&scene.anna, &scene.bob].into_iter();
        let mut session = session.filter(|session| session.uid() == *uid);
        let to = Insider::of(session.next().unwrap()).await;
        let header = EnvelopeHeader {
            vault_id: scene.vault_id,
            epoch,
            granter: by.uid(),
            granter_generation: by.keys().generation(),
            principal: *uid,
            principal_generation: member.keys.generation,
            principal_head: member.keys.head,
            kem_hash: member.keys.kem_hash,
            role: member.role,
            vk_commit: commitment,
            member_hash: membership.head.hash,
        };
        let public = &to.keys().public().kem_pk;
        let envelope = seal_envelope(&header, public, &key, &mut random).unwrap();
        envelopes.push(envelope);
    }
    if !to_all {
        envelopes.pop();
    }
    let envelopes = envelopes.into_iter().map(|body| stand.keep(body)).collect();
    let previous = scene.key().await;
    let sealed = key.seal_previous(&previous, &scene.vault_id, epoch, &mut random);
    let op = MembershipOp::Epoch(EpochOp {
        commitment,
        kem_pk: key.kem_public(),
        previous_key: Some(sealed.unwrap()),
        envelopes,
    });
    stand.write(by, Ops::Membership(vec![op]), scene.now_ms());
    stand
}
