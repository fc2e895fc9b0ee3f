//! A13 inside shared vaults: what a vault says of who somebody is counts only
//! if the keys that stand for them there are those of their account.

use sv_api::endpoint::AppendEntry;
use sv_api::vault::AppendRequest;
use sv_api::wire::Wire;
use sv_client::account::Session;
use sv_client::people::Trust;
use sv_client::port::{Platform as _, Storage as _};
use sv_client::sharing::{self, ShareState};
use sv_client::vault::Vault;
use sv_client::{ClientError, Tamper};
use sv_core::Name;
use sv_ledger::genesis::VaultKind;
use sv_ledger::handle::Handle;
use sv_ledger::id::VaultId;
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;
use sv_testkit::{Actor, TestPlatform, TestServer, run};

use super::phantom;

type People = Session<TestPlatform>;

/// Two people who share something already, or the server would show neither
/// the other's account.
async fn anna_and_bob() -> (TestServer, People, People) {
    let server = TestServer::start().await;
    let (_, anna) = Actor::sign_up(&server, "anna").await;
    let (_, bob) = Actor::sign_up(&server, "bob").await;
    share(&anna, "bob", "together").await;
    (server, anna, bob)
}

/// Makes a vault and lets somebody in.
async fn share(session: &People, with: &str, name: &str) -> VaultId {
    let mut account = Vault::account(session).await.unwrap();
    let name = Name::parse(name).unwrap();
    let (kind, suite) = (VaultKind::Shared, ContentSuite::Blocks);
    sharing::make_vault(session, &mut account, &name, kind, suite)
        .await
        .unwrap();
    let made = account.shared_vaults()[0].1.vault_id;
    let mut vault = account.open_beside(made).await.unwrap();
    let people = sharing::invitees(&mut account, &[with.to_owned()]).await;
    sharing::give_access(&mut account, &mut vault, &people.unwrap(), Role::Editor, 0)
        .await
        .unwrap();
    made
}

fn is_forgery<T>(outcome: Result<T, ClientError>) -> bool {
    matches!(
        outcome,
        Err(ClientError::Tampered(Tamper::MemberKeys(name))) if name == "bob"
    )
}

/// Fails without the comparison in `owner_of`, and in `Activity::is_signed_by`.
#[test]
fn a13_a_share_is_from_whom_it_says() {
    run(async {
        let (_server, anna, bob) = anna_and_bob().await;
        let mut account = Vault::account(&anna).await.unwrap();
        // Bob is known, and was verified.
        let handle = Handle::parse("bob").unwrap();
        account.confirm_person(&handle, None).await.unwrap();
        let honest = share(&bob, "anna", "contracts").await;
        let name = Name::parse("contracts").unwrap();
        let mut theirs = Vault::account(&bob).await.unwrap();
        let (mut forged, forger) = phantom::in_the_name_of(&bob, &anna).await;
        let herself = theirs.find_person(&Handle::parse("anna").unwrap()).await;
        forged.grant(&forger, &herself.unwrap(), Role::Editor);
        forged.show_to(&anna);
        let shares = sharing::shares(&anna, &account).await.unwrap();
        let of = |id| shares.iter().find(|share| share.vault_id == id).unwrap();
        assert_eq!(of(honest).state, ShareState::Offered);
        assert_eq!(of(honest).trust, Some(Trust::Verified));
        assert_eq!(of(honest).owner_name, Some(handle.clone()));
        let shown = of(forged.vault_id());
        assert_eq!((shown.state, shown.trust), (ShareState::Forged, None));
        assert_eq!(shown.owner_name, None);
        assert!(is_forgery(
            account.accept_share(forged.vault_id(), &name).await
        ));
        assert!(!account.knows(&forged.vault_id()));
        account.accept_share(honest, &name).await.unwrap();

        let bobs = account.find_person(&handle).await.unwrap();
        for (id, is_by_bob) in [(honest, true), (forged.vault_id(), false)] {
            let vault = account.open_beside(id).await.unwrap();
            let members = sharing::members(&mut account, &vault).await.unwrap();
            let bob = members.iter().find(|one| one.principal == bob.uid());
            assert_eq!(bob.unwrap().is_ghost, !is_by_bob);
            for one in vault.activity(10).await.unwrap() {
                assert_eq!(one.is_signed_by(&bobs), is_by_bob);
            }
        }
    });
}

/// Somebody else with bob's uid, a manager of what anna owns: not made the
/// owner, given another role, or taken for bob. Fails without
/// `require_themself` in `propose`, and in `grant`.
#[test]
fn a13_whoever_has_another_name_is_not_promoted() {
    run(async {
        let (_server, anna, bob) = anna_and_bob().await;
        let mut account = Vault::account(&anna).await.unwrap();
        let mut theirs = Vault::account(&bob).await.unwrap();
        let anna_herself = theirs.find_person(&Handle::parse("anna").unwrap()).await;
        let (mut forged, forger) = phantom::in_the_name_of(&bob, &anna).await;
        forged.grant(&forger, &anna_herself.unwrap(), Role::Manager);
        forged.append(&forger, MembershipOp::Transfer(anna.uid()));
        forged.show_to(&anna);
        let name = Name::parse("plans").unwrap();
        account
            .accept_share(forged.vault_id(), &name)
            .await
            .unwrap();
        let mut vault = account.open_beside(forged.vault_id()).await.unwrap();
        let network = &anna.platform().network;
        network.take_recording();
        assert!(is_forgery(vault.transfer(bob.uid()).await));
        for role in [Role::Viewer, Role::Editor, Role::Manager] {
            assert!(is_forgery(vault.set_role(bob.uid(), role, 0).await));
            let people = sharing::invitees(&mut account, &["bob".to_owned()]).await;
            let people = people.unwrap();
            let given = sharing::give_access(&mut account, &mut vault, &people, role, 0);
            assert!(is_forgery(given.await));
        }
        let sent = network.take_recording().requests;
        let of_vault = forged.vault_id().to_string();
        assert!(
            !sent
                .iter()
                .any(|request| { request.is::<AppendEntry>() && request.path.contains(&of_vault) })
        );
    });
}

/// Whoever may write can name any KEM key for the vault in a new key's entry:
/// what others seal to the vault then reaches nobody in it. Fails without
/// `has_foreign_kem` in `is_due`.
#[test]
fn a15_a_foreign_key_of_a_vault_is_replaced() {
    run(async {
        let (_server, anna, bob) = anna_and_bob().await;
        let mut account = Vault::account(&anna).await.unwrap();
        let mut theirs = Vault::account(&bob).await.unwrap();
        let found = theirs.find_person(&Handle::parse("anna").unwrap()).await;
        let herself = found.unwrap();
        let bobs = account.find_person(&Handle::parse("bob").unwrap()).await;
        let foreign = bobs.unwrap().kem_pk;
        let (mut vault, mut forger) = phantom::in_the_name_of(&bob, &anna).await;
        vault.grant(&forger, &herself, Role::Manager);
        vault.append(&forger, MembershipOp::Transfer(anna.uid()));
        vault.show_to(&anna);
        let name = Name::parse("plans").unwrap();
        account.accept_share(vault.vault_id(), &name).await.unwrap();
        // As if this device had let in whoever stands under bob's name.
        let hash = forger.kem_pk().hash();
        let hash = hash.as_bytes().iter().map(|byte| format!("{byte:02x}"));
        let place = format!("kem/{}", hash.collect::<String>());
        let storage = anna.platform().storage();
        storage
            .write(&place, forger.kem_pk().as_bytes())
            .await
            .unwrap();
        let network = &anna.platform().network;
        let keys_made = || {
            let sent = network.take_recording().requests;
            let appended = sent.iter().filter(|request| request.is::<AppendEntry>());
            let entries = appended.map(|request| AppendRequest::parse(&request.body).unwrap());
            let keys = entries.filter_map(|request| {
                let op = request.entry.epoch_op()?;
                Some(op.kem_pk.hash())
            });
            keys.collect::<Vec<_>>()
        };
        account.open_beside(vault.vault_id()).await.unwrap();
        assert!(keys_made().is_empty());
        vault.rekey(&mut forger, &herself, foreign.clone());
        vault.show_to(&anna);
        // The server has no such vault, and so takes no key for it.
        drop(account.open_beside(vault.vault_id()).await);
        let made = keys_made();
        assert_eq!(made.len(), 1);
        assert_ne!(made, [foreign.hash()]);
    });
}
