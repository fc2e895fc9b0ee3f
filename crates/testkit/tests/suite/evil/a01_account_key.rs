//! A1: the wrapped account key is altered, cut, extended or exchanged.

use sv_api::account::Wrap;
use sv_api::endpoint::LoginSecondFactor;
use sv_client::{ClientError, Tamper};
use sv_testkit::{Actor, Dice, PASSWORD, TestPlatform, run, scaled};

use super::sampling::{bits, flip};
use super::world::World;

/// Bytes of a wrapped root key.
const WRAP_LEN: usize = 104;

/// Whatever is done to the wrap, the log-in ends there: nothing more is sent,
/// nothing is kept, and every mutant looks alike to the server. What holds is
/// the Box (the a1 tests of `core` name its checks); this is about what the
/// client does then, and fails if it keeps or asks anything before it opened.
#[test]
fn a1_a_changed_account_key_opens_nothing() {
    run(async {
        let world = World::new().await;
        let (_, session) = Actor::sign_up(&world.server, "mallory").await;
        let strangers = wrap_of(&world, session.uid()).await;
        let own = wrap_of(&world, world.account_id).await;
        assert_eq!(own.sealed.0.len(), WRAP_LEN);

        let mut mutants: Vec<(String, Wrap)> = Vec::new();
        let mut mutant = |what: String, sealed: Vec<u8>| {
            let wrap = Wrap {
                unlocker_id: own.unlocker_id,
                sealed: sealed.into(),
            };
            mutants.push((what, wrap));
        };
        for bit in bits(WRAP_LEN, scaled(10, WRAP_LEN * 8), &mut Dice::seeded(7)) {
            let mut sealed = own.sealed.0.clone();
            flip(&mut sealed, bit);
            mutant(format!("bit {bit}"), sealed);
        }
        for len in [0, WRAP_LEN - 1] {
            mutant(format!("cut to {len}"), own.sealed.0[..len].to_vec());
        }
        mutant("longer".into(), [&own.sealed.0[..], &[0]].concat());
        mutant("somebody else's".into(), strangers.sealed.0.clone());
        mutants.push(("somebody else's, id and all".into(), strangers));

        let mut traces = Vec::new();
        for (what, wrap) in mutants {
            let device = world.server.device();
            serve_wrap(&device, wrap);
            let error = log_in(&world, &device).await.unwrap_err();
            let expected = matches!(
                error,
                ClientError::Tampered(Tamper::AccountKey | Tamper::Unlockers)
            );
            assert!(expected, "{what}: {error:?}");
            assert!(device.storage.snapshot().is_empty(), "{what}");
            let sent = device.network.take_recording().requests;
            let trace: Vec<_> = sent
                .iter()
                .map(|e| (e.method, e.path.clone(), e.body.len()))
                .collect();
            traces.push(trace);
            device.network.be_honest();
            if traces.len() == 1 {
                log_in(&world, &device).await.unwrap();
            }
        }
        assert!(
            traces.windows(2).all(|pair| pair[0] == pair[1]),
            "{traces:?}"
        );
        assert!(traces[0].last().unwrap().1.ends_with("/second-factor"));
    });
}

/// A device that knows a newer list of unlockers takes no older one with its
/// own wrap. Fails without `refuse_regress`.
#[test]
fn a1_an_older_account_key_is_refused() {
    run(async {
        let mut world = World::new().await;
        let before = world.server.snapshot().await;
        let mut session = sv_client::account::Session::resume(world.first.clone())
            .await
            .unwrap();
        let proof = sv_client::account::Reproof::start(&mut session, PASSWORD)
            .await
            .unwrap();
        let code = world.alice.code(&world.server);
        let session = proof.finish(&code).await.unwrap();
        sv_client::account::change_password(session, PASSWORD)
            .await
            .unwrap();
        let changed = log_in(&world, &world.first).await;
        changed.expect("the new list is good");

        // The server goes back to before the change, password and all.
        let evil = before.fork(&world.server).await;
        world.first.network.redirect(&evil.url());
        let error = world
            .alice
            .try_log_in(&evil, world.first.clone())
            .await
            .map(drop)
            .unwrap_err();
        assert!(
            matches!(error, ClientError::Tampered(Tamper::Unlockers)),
            "{error:?}"
        );
        // Nor by the recovery key, or it would sign a second list of one version.
        let (handle, words) = (&world.alice.handle, &world.alice.recovery_words);
        let recovery = sv_client::account::start_recovery(&world.first, handle, words);
        let code = world.alice.code(&evil);
        let recovered = recovery.await.unwrap().finish(&code).await;
        let error = recovered.map(drop).unwrap_err();
        assert!(
            matches!(error, ClientError::Tampered(Tamper::Unlockers)),
            "{error:?}"
        );
        world.first.network.redirect(&world.server.url());
        world.recovers(&world.first).await;
    });
}

async fn log_in(world: &World, device: &TestPlatform) -> sv_client::error::Result<()> {
    world.server.clock().advance(60_000);
    let login = world.alice.try_log_in(&world.server, device.clone());
    login.await.map(drop)
}

fn serve_wrap(device: &TestPlatform, wrap: Wrap) {
    device
        .network
        .rewrite_fields::<LoginSecondFactor>(move |answer| answer.unlock.wrap = wrap.clone());
}

/// The wrap under an account's password, as the server keeps it.
async fn wrap_of(world: &World, uid: sv_ledger::id::VaultId) -> Wrap {
    let recorded = |bytes: &[u8]| sv_ledger::unlock::Unlockers::parse(bytes).unwrap();
    let mut database = world.server.database().await;
    let accounts = database.rows("accounts").await;
    let account = accounts
        .iter()
        .find(|row| row.blob("uid") == uid.as_bytes())
        .unwrap();
    let list = recorded(account.blob("unlockers"));
    let by_password = list
        .claimed()
        .unlockers
        .iter()
        .find(|unlocker| unlocker.kind == sv_ledger::unlock::UnlockerKind::Password)
        .unwrap();
    let wraps = database.rows("wraps").await;
    let wrap = wraps
        .iter()
        .find(|row| row.blob("unlocker_id") == by_password.id.as_bytes())
        .unwrap();
    Wrap {
        unlocker_id: by_password.id,
        sealed: wrap.blob("sealed").to_vec().into(),
    }
}
