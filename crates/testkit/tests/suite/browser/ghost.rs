//! A13 in the page: the server shows other keys than an account's as those of
//! a member.

use std::sync::Arc;

use sv_api::endpoint::GetMembership;
use sv_api::wire::{Empty, Wire};
use sv_client::account::Session;
use sv_client::call::Repeat;
use sv_client::drive::Drive;
use sv_client::port::Platform as _;
use sv_client::vault::Vault;
use sv_core::vault_key::{EnvelopeHeader, seal_envelope};
use sv_ledger::entry::Ops;
use sv_ledger::handle::Handle;
use sv_ledger::id::VaultId;
use sv_ledger::membership_op::{GrantOp, MembershipOp, PrincipalKeys};
use sv_ledger::state::Role;
use sv_testkit::{
    Actor, Answer, Dump, Element, Exchange, Insider, Liar, Name, Page, Screen, TestPlatform,
    folder, put, run,
};

use super::person::{Person, stage};
use super::shared::look;
use crate::at_once::{accept, share};
use crate::evil::stand::Stand;

type Client = Session<TestPlatform>;

/// Carol lets mallory in, and calls her bob: an honest server would not take
/// the entry, this one shows it.
async fn with_a_ghost(
    sent: &[Exchange],
    vault_id: VaultId,
    [carol, mallory, ann]: [&Client; 3],
) -> Stand {
    let dump = Dump::of(sent);
    let mut stand = Stand::honest(&dump, vault_id);
    let insider = Insider::of(carol).await;
    let opened = insider.open(&dump);
    let mut keys = opened.keys.iter();
    let (_, key) = keys.find(|((id, ..), _)| *id == vault_id).unwrap();
    let mut account = Vault::account(ann).await.unwrap();
    let handle = Handle::parse("bob").unwrap();
    let bob = account.find_person(&handle).await.unwrap();
    let mallory = Insider::of(mallory).await;
    let foreign = mallory.keys().public();
    let keys = PrincipalKeys {
        generation: bob.identity.generation,
        sign_pk: foreign.sign_pk,
        kem_hash: foreign.kem_pk.hash(),
        head: bob.head,
    };
    let membership = &stand.state().membership;
    let header = EnvelopeHeader {
        vault_id,
        epoch: membership.epoch,
        granter: insider.uid(),
        granter_generation: insider.keys().generation(),
        principal: bob.identity.uid,
        principal_generation: keys.generation,
        principal_head: keys.head,
        kem_hash: keys.kem_hash,
        role: Role::Editor,
        vk_commit: membership.commitment,
        member_hash: membership.head.hash,
    };
    let mut random = rand_core::UnwrapErr(getrandom::SysRng);
    let envelope = seal_envelope(&header, &foreign.kem_pk, key, &mut random).unwrap();
    let grant = MembershipOp::Grant(GrantOp {
        principal: bob.identity.uid,
        role: Role::Editor,
        expires_ms: 0,
        keys,
        envelope: stand.keep(envelope),
    });
    let now_ms = ann.platform().now_ms();
    stand.write(&insider, Ops::Membership(vec![grant]), now_ms);
    stand
}

/// The log of somebody's account, which the server gives for a member.
async fn account_of(session: &Client) -> Vec<u8> {
    let (vault, of) = (session.uid(), session.uid());
    let asked = GetMembership { vault, of, from: 0 };
    let log = session.server().call(&asked, Empty {}, Repeat::Safe).await;
    log.unwrap().into_bytes()
}

/// Opens the list of who has access to something that is shared with ann.
async fn who_has_access(page: &Page, share: &str) -> Element {
    page.link(Name::has("Shared")).click().await;
    page.role("list", Name::Any)
        .role("link", share)
        .click()
        .await;
    page.button("Who has access").click().await;
    let dialog = page.role("dialog", Name::Any);
    dialog.button(Name::has("Check who carol is")).wait().await;
    dialog
}

/// Fails without the comparison in `has_had`, and if the page does not say
/// what came of it.
#[test]
fn a13_whoever_has_another_name_is_shown_as_a_ghost() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let (actor, ann) = Actor::sign_up(&server, "ann").await;
        let (_, himself) = Actor::sign_up(&server, "bob").await;
        let (_, carol) = Actor::sign_up(&server, "carol").await;
        let (_, mallory) = Actor::sign_up(&server, "mallory").await;
        let mut drive = Drive::open(&carol).await.unwrap();
        let folders = vec![folder("plans"), folder("contracts")];
        put(&mut drive, "/", folders).await.unwrap();
        drop(drive);
        let with = ["ann", "bob"];
        let plans = share(&carol, "/plans", &with, Role::Manager).await;
        let contracts = share(&carol, "/contracts", &with[..1], Role::Manager).await;
        let contracts = contracts.unwrap();
        accept(&ann, plans.unwrap(), "plans").await;
        accept(&ann, contracts, "contracts").await;
        let sent = carol.platform().network.take_recording().requests;

        // The honest run: bob is where carol let him in, and nowhere else.
        let port = server.url().rsplit(':').next().unwrap().parse().unwrap();
        let liar = Liar::before(port).await;
        let profile = browser.profile().await;
        let page = profile
            .open(&format!("http://localhost:{}", liar.port()))
            .await;
        page.show_on(Screen::Desktop).await;
        Person::of(actor).log_in(&server, &page).await;
        let dialog = who_has_access(&page, "plans").await;
        let bob = dialog.button(Name::has("Access of bob"));
        let honest = bob.wait().await.names().await.remove(0);
        assert!(honest.ends_with("Not verified"), "{honest}");
        dialog.button("Close").click().await;
        let dialog = who_has_access(&page, "contracts").await;
        assert!(!bob.is_there().await);
        dialog.button("Close").click().await;

        let stand = with_a_ghost(&sent, contracts, [&carol, &mallory, &ann]).await;
        let account = account_of(&himself).await;
        let (of, of_bob) = (contracts.to_string(), himself.uid().to_string());
        liar.lie_about(move |asked| {
            let is_about = |id: &String| asked.path.contains(id);
            let body = match asked.is::<GetMembership>() && is_about(&of) && is_about(&of_bob) {
                true => account.clone(),
                false => stand.answer(asked)?.body,
            };
            let claims = body.len() as u64;
            Some(Arc::new(Answer { claims, body }))
        });
        let dialog = who_has_access(&page, "contracts").await;
        let shown = bob.wait().await.names().await.remove(0);
        assert!(shown.ends_with("Not this account's keys"), "{shown}");
        look(&page, "ghost-in-the-list").await;
        bob.click().await;
        dialog
            .wait_text("The keys that have access are not those of the account bob")
            .await;
        assert!(!dialog.button("Make owner").is_there().await);
        dialog.button("Remove access").wait().await;
        page.assert_accessible("a ghost").await;
        look(&page, "ghost").await;
        dialog.button("Close").click().await;

        // Bob himself is who he was, where he is.
        who_has_access(&page, "plans").await;
        let shown = bob.wait().await.names().await.remove(0);
        assert_eq!(shown, honest);
        assert!(liar.be_honest() > 0);
        browser.assert_quiet();
    });
}
