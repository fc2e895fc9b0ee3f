//! A device asks for one thing after the other, and others go on meanwhile:
//! what it is shown need not fit at once. Then it looks again, and cries out
//! only over what is kept from it both times.

use std::cell::Cell;

use sv_api::endpoint::GetMembership;
use sv_api::vault::MembershipLog;
use sv_client::account::Session;
use sv_client::error::Result;
use sv_client::vault::Vault;
use sv_client::{ClientError, Tamper};
use sv_ledger::apply::Reject;
use sv_ledger::id::VaultId;
use sv_ledger::state::Role;
use sv_testkit::run;

use super::a20_groups::{People, Scene, open, share, write};

/// Shows a vault's membership without its newest entry: once, as it was when
/// it was asked for, or always.
fn show_older(session: &People, vault: VaultId, is_lie: bool) {
    let is_first = Cell::new(true);
    let network = &session.platform().network;
    network.rewrite_fields::<GetMembership>(move |log: &mut MembershipLog| {
        if log.genesis.vault_id() == vault && (is_first.replace(false) || is_lie) {
            log.entries.pop();
        }
    });
}

fn rejected<T>(outcome: Result<T>) -> Option<Reject> {
    match outcome {
        Err(ClientError::Tampered(Tamper::Log(reject))) => Some(reject),
        _ => None,
    }
}

/// The group was asked for before somebody was removed from it, and the folder
/// after its next key. Fails without the second look in `others::verify`, and
/// if that believes what it is shown.
#[test]
fn a20_a_group_that_changes_while_it_is_looked_at_is_no_alarm() {
    run(async {
        let scene = Scene::new().await;
        let (anna, bob) = (&scene.anna, &scene.bob);
        let url = scene.server.url();
        // One device of bob's knows the folder and the group, one does not.
        let fresh = bob.platform().copy(&url);
        open(bob, scene.work).await.unwrap();
        let known = bob.platform().copy(&url);
        scene.remove().await;
        write(anna, scene.work, "after").await.unwrap();
        for device in [fresh, known] {
            let session = Session::resume(device.copy(&url)).await.unwrap();
            show_older(&session, scene.team, true);
            let opened = open(&session, scene.work).await;
            assert_eq!(rejected(opened), Some(Reject::Principal));
            session.platform().network.be_honest();
            open(&session, scene.work).await.unwrap();

            let session = Session::resume(device).await.unwrap();
            show_older(&session, scene.team, false);
            open(&session, scene.work).await.unwrap();
        }
    });
}

/// Somebody was given access between the two questions of who has it and of
/// the newest state. Fails without `is_behind` in `bootstrap`, and if what is
/// shown then is believed.
#[test]
fn a14_a_member_who_comes_while_a_device_looks_is_no_alarm() {
    run(async {
        let scene = Scene::new().await;
        let (anna, mallory) = (&scene.anna, &scene.mallory);
        let plans = share(anna, "/plans", "mallory", Role::Viewer)
            .await
            .unwrap();
        let device = mallory.platform().copy(&scene.server.url());
        let session = Session::resume(device).await.unwrap();
        show_older(&session, plans, true);
        let opened = Vault::open(&session, plans).await;
        assert_eq!(rejected(opened), Some(Reject::Membership));
        show_older(&session, plans, false);
        let opened = Vault::open(&session, plans).await.unwrap();
        assert_eq!(opened.replica().state().membership.members.len(), 2);
    });
}
