//! A46 and A7: other vaults in the place of a shared one, and the same one as
//! if it kept contents in another way.

use sv_api::endpoint::GetMembership;
use sv_api::vault::MembershipLog;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::sharing::{self, Invitee, Last};
use sv_client::vault::Vault;
use sv_client::{ClientError, Tamper};
use sv_core::Name;
use sv_ledger::apply::Reject;
use sv_ledger::genesis::{Genesis, VaultKind};
use sv_ledger::id::VaultId;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;
use sv_testkit::{Actor, Exchange, TestPlatform, TestServer, file, folder, put, run};

use super::a23_shared_contents::get_all;
use super::stand::share;

/// A mount names a vault by the hash of its birth, and no other is shown
/// there: not another one of the same people, whole or in part. Fails without
/// the comparison of the id in `MembershipChain::verify`.
#[test]
fn a46_a_mount_leads_to_its_own_vault() {
    run(async {
        let server = TestServer::start().await;
        let (annas, anna) = Actor::sign_up(&server, "anna").await;
        Actor::sign_up(&server, "bob").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![
            folder("work"),
            file("work/a.txt", "hello"),
            folder("bait"),
            file("bait/a.txt", "other"),
        ];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let work = share(&anna, "/work", "bob", Role::Editor).await;
        let bait = share(&anna, "/bait", "bob", Role::Editor).await;
        let fresh = server.device();
        annas.try_log_in(&server, fresh.clone()).await.unwrap();
        let url = server.url();
        let honest = get_all(&fresh.copy(&url), "/work").await.unwrap();
        assert_eq!(honest["a.txt"], b"hello");

        // What the server says of the other vault.
        let then = fresh.copy(&url);
        get_all(&then, "/bait").await.unwrap();
        let recording = then.network.take_recording();
        let recording: Vec<(Exchange, (u16, Vec<u8>))> = recording
            .requests
            .into_iter()
            .zip(recording.answers.into_iter().flatten())
            .collect();
        let swapped = move |path: &str| path.replace(&work.to_string(), &bait.to_string());
        for parts in [
            &[
                "membership",
                "checkpoint",
                "leaves",
                "log",
                "bodies",
                "contents",
            ][..],
            &["membership"],
            &["checkpoint", "leaves", "log", "bodies"],
            &["log"],
            &["contents"],
        ] {
            let device = fresh.copy(&url);
            let recording = recording.clone();
            let parts = parts.to_vec();
            let what = format!("{parts:?}");
            device.network.rewrite(move |asked, mut answer| {
                let other = swapped(&asked.path);
                let is_part = parts.iter().any(|part| {
                    let end = asked.path.split(&work.to_string()).nth(1);
                    end.is_some_and(|end| end.starts_with(&format!("/{part}")))
                });
                if !is_part || other == asked.path {
                    return Ok(answer);
                }
                let is_alike = |known: &&(Exchange, (u16, Vec<u8>))| {
                    let base = |path: &str| path.split('/').take(5).collect::<Vec<_>>().join("/");
                    known.0.method == asked.method && base(&known.0.path) == base(&other)
                };
                if let Some((_, (status, body))) = recording.iter().find(is_alike) {
                    answer.status = *status;
                    answer.body.clone_from(body);
                }
                Ok(answer)
            });
            let outcome = get_all(&device, "/work").await;
            let is_tamper = matches!(outcome, Err(ClientError::Tampered(_)));
            assert!(is_tamper, "{what}: {outcome:?}");
            device.network.be_honest();
            assert_eq!(get_all(&device, "/work").await.unwrap(), honest);
        }
    });
}

/// Nobody but its maker says how a shared vault keeps contents, and the maker
/// only once: the server changing the byte is seen by whoever has opened the
/// vault and by whoever has not, and so is another vault in its place. Fails
/// without the id that is the hash of the birth.
#[test]
fn a07_no_outsider_switches_a_shared_vaults_suite() {
    run(async {
        let server = TestServer::start().await;
        let (annas, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let mut vaults: Vec<VaultId> = Vec::new();
        let mut account = Vault::account(&anna).await.unwrap();
        for (name, suite) in [
            ("blocks", ContentSuite::Blocks),
            ("tokens", ContentSuite::Fernet),
        ] {
            let name = Name::parse(name).unwrap();
            let made = sharing::make_vault(&anna, &mut account, &name, VaultKind::Shared, suite);
            made.await.unwrap();
            let known = account.shared_vaults().into_iter();
            let mut known = known.filter(|(_, vault)| vault.name == name);
            vaults.push(known.next().unwrap().1.vault_id);
        }
        let with = sharing::invitees(&mut account, &["bob".to_owned()])
            .await
            .unwrap();
        assert!(matches!(with[0], Invitee::Person(_)));
        for vault_id in &vaults {
            let mut vault = account.open_beside(*vault_id).await.unwrap();
            sharing::give_access(&mut account, &mut vault, &with, Role::Viewer, 0)
                .await
                .unwrap();
        }
        for (name, vault_id) in ["blocks", "tokens"].into_iter().zip(&vaults) {
            let path = format!("shared:{name}").parse().unwrap();
            let opened = sharing::open_at(&anna, &path, Last::Through).await;
            let (mut drive, _) = opened.unwrap();
            let files = vec![file("a.txt", name)];
            put(&mut drive, "/", files).await.unwrap();
            let mut account = Vault::account(&bob).await.unwrap();
            let name = Name::parse(name).unwrap();
            account.accept_share(*vault_id, &name).await.unwrap();
        }
        let fresh = server.device();
        annas.try_log_in(&server, fresh.clone()).await.unwrap();
        let url = server.url();
        for (at, name) in ["blocks", "tokens"].into_iter().enumerate() {
            let path = format!("shared:{name}");
            let (own, other) = (vaults[at], vaults[1 - at]);
            for device in [&fresh, &anna.platform().without_caches(), bob.platform()] {
                let device = device.copy(&url);
                let honest = get_all(&device.copy(&url), &path).await.unwrap();
                assert_eq!(honest["a.txt"], name.as_bytes());
                let device = device.without_caches();
                device.network.rewrite_fields::<GetMembership>(move |log| {
                    if log.genesis.vault_id() == own {
                        let mut bytes = log.genesis.to_bytes();
                        bytes[2] = 3 - bytes[2];
                        log.genesis = Genesis::parse(&bytes).unwrap();
                    }
                });
                let refused = get_all(&device, &path).await;
                let is_it = matches!(
                    refused,
                    Err(ClientError::Tampered(Tamper::Log(Reject::WrongVault)))
                );
                assert!(is_it, "{refused:?}");
                // The other vault, which is of the other suite, in its place.
                let instead = membership_of(&device.copy(&url), other).await;
                device.network.rewrite_fields::<GetMembership>(move |log| {
                    if log.genesis.vault_id() == own {
                        log.clone_from(&instead);
                    }
                });
                let refused = get_all(&device, &path).await;
                assert!(matches!(refused, Err(ClientError::Tampered(_))));
                device.network.be_honest();
                assert_eq!(get_all(&device, &path).await.unwrap(), honest);
            }
        }
    });
}

async fn membership_of(device: &TestPlatform, vault: VaultId) -> MembershipLog {
    let session = Session::resume(device.clone()).await.unwrap();
    let (server, endpoint) = (
        session.server(),
        GetMembership {
            vault,
            of: vault,
            from: 0,
        },
    );
    let repeat = sv_client::call::Repeat::Safe;
    let log = server.call(&endpoint, sv_api::wire::Empty {}, repeat).await;
    log.unwrap()
}
