//! A29: answers that claim more than there is, or never end.

use std::rc::Rc;
use std::time::{Duration, Instant};

use sv_api::endpoint::{
    AppendEntry, GetBlock, GetBodies, GetCheckpoint, GetContents, GetEntries, GetInstance,
    GetLeaves, GetMembership, LoginStart,
};
use sv_api::vault::{EntryPage, LeafPage};
use sv_api::{Endpoint, Wire};
use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::port::HttpResponse;
use sv_ledger::id::{Hash, NodeId, VaultId};
use sv_ledger::limits::PAGE;
use sv_ledger::state::{Leaf, Role};
use sv_testkit::{Exchange, TestPlatform, file, put, run};

use super::a26_exchange::answers;
use super::world::{Verdict, World};

/// How long a lie may keep a client busy on a loaded machine.
const SOON: Duration = Duration::from_secs(10);
/// What the whole process may take, server and stretched passwords included.
const MOST_MEMORY: u64 = 256 << 20;
/// Set for the process that is measured.
const MEASURED: &str = "SV_EVIL_MEASURED";

/// Counts, lengths and depths that are not true. Fails if anything is
/// reserved by a claimed count, or JSON is read without a limit of depth.
#[test]
fn a29_claims_cost_nothing() {
    alone("a29_claims_cost_nothing", async {
        let world = World::new().await;
        let huge = [0xFF; 4];
        let mut claims: Vec<Vec<u8>> = vec![
            huge.to_vec(),
            [&[0][..], &huge].concat(),
            [&[1][..], &huge].concat(),
            [&[0, 0, 0, 7, 208][..], &huge].concat(),
            [&[0, 0, 0, 1][..], &huge].concat(),
            [&[0; 24][..], &huge].concat(),
            vec![0xFF; 100_000],
            vec![0; 16 << 20],
        ];
        for depth in [200, 100_000] {
            claims.push(b"[".repeat(depth));
            claims.push(br#"{"code":"#.repeat(depth));
            claims.push(b"\x81".repeat(depth));
            claims.push(b"\x9f".repeat(depth));
        }
        for body in claims.into_iter().map(Rc::new) {
            lie::<GetMembership>(&world, &body).await;
            lie::<GetCheckpoint>(&world, &body).await;
            lie::<GetLeaves>(&world, &body).await;
            lie::<GetBodies>(&world, &body).await;
            lie::<GetEntries>(&world, &body).await;
            lie::<GetContents>(&world, &body).await;
            lie::<GetBlock>(&world, &body).await;
            for is_instance in [true, false] {
                let device = world.server.device();
                always(&device, &body, move |request| {
                    let wanted = if is_instance {
                        request.is::<GetInstance>()
                    } else {
                        request.is::<LoginStart>()
                    };
                    wanted.then_some(200)
                });
                let start = Instant::now();
                let login = world.alice.password_step(device, "any").await;
                assert!(matches!(
                    login.map(drop),
                    Err(ClientError::Misbehaved(_) | ClientError::Tampered(_))
                ));
                assert!(start.elapsed() < SOON);
            }
        }
    });
}

/// Lists without an end. Fails without the order of leaves and their bound in
/// `bootstrap::checkpoint`, and without the place of each entry in
/// `pins::entry_hash`.
#[test]
fn a29_nothing_goes_on_for_ever() {
    alone("a29_nothing_goes_on_for_ever", async {
        let world = World::new().await;

        let mut next = 0_u64;
        endless_leaves(&world, move |after| {
            next = next.max(u64::from_be_bytes(
                after.as_bytes()[..8].try_into().unwrap(),
            ));
            (0..PAGE)
                .map(|_| {
                    node({
                        next += 1;
                        next
                    })
                })
                .collect()
        })
        .await;
        endless_leaves(&world, |_| vec![node(5), node(1)]).await;
        endless_leaves(&world, |_| vec![node(5), node(5)]).await;

        // A page of entries that lie beyond the one asked for.
        let honest = world.record(&world.first).await;
        let drive_id = world.drive_id.to_string();
        let mut drives = answers::<GetEntries>(&honest).into_iter();
        let (_, later) = drives.rfind(|(path, _)| path.contains(&drive_id)).unwrap();
        let later = EntryPage::parse(&later).unwrap();
        let account_id = world.account_id.to_string();
        let device = world.copy(&world.fresh);
        let asked = Rc::new(std::cell::Cell::new(0));
        let counter = asked.clone();
        device.network.rewrite(move |request, mut answer| {
            if request.is::<GetEntries>() && request.path.contains(&account_id) {
                counter.set(counter.get() + 1);
                if counter.get() > 1 {
                    answer.body = later.to_bytes();
                }
            }
            Ok(answer)
        });
        let caught = world.attack(&device).await;
        assert!(matches!(caught, Verdict::Caught(_)), "{caught:?}");
        assert!((2..10).contains(&asked.get()), "{}", asked.get());

        // A server at which somebody else is always faster.
        let device = world.copy(&world.first);
        let nowhere = format!("{}/nowhere", world.server.url());
        device
            .network
            .divert(move |request| request.is::<AppendEntry>().then(|| nowhere.clone()));
        let body = Rc::new(br#"{"code":"conflict","message":"again"}"#.to_vec());
        always(&device, &body, |request| {
            request.is::<AppendEntry>().then_some(409)
        });
        let session = Session::resume(device.clone()).await.unwrap();
        let mut drive = Drive::open(&session).await.unwrap();
        let start = Instant::now();
        put(&mut drive, "/", vec![file("more", "x")])
            .await
            .unwrap_err();
        assert!(start.elapsed() < SOON);
        world.recovers(&device).await;

        // One that says to come back in a million years.
        let device = world.copy(&world.first);
        let body = br#"{"code":"rate_limited","message":"","retry_after_ms":99999999999999}"#;
        always(&device, &Rc::new(body.to_vec()), |request| {
            request.is::<GetEntries>().then_some(429)
        });
        let start = Instant::now();
        let refused = world.attack(&device).await;
        assert!(matches!(refused, Verdict::Caught(ClientError::Refused(_))));
        assert!(start.elapsed() < SOON);
    });
}

/// Serves leaf pages that always promise more.
async fn endless_leaves(world: &World, mut page: impl FnMut(NodeId) -> Vec<NodeId> + 'static) {
    let device = world.copy(&world.fresh);
    let asked = Rc::new(std::cell::Cell::new(0));
    let counter = asked.clone();
    device.network.rewrite(move |request, mut answer| {
        if request.is::<GetLeaves>() {
            counter.set(counter.get() + 1);
            assert!(counter.get() < 50, "the client would never stop");
            let after = request.path.rsplit('/').next().unwrap().parse().unwrap();
            let leaves = page(after).into_iter().map(|node| (node, some_leaf()));
            let page = LeafPage {
                leaves: leaves.collect(),
                more: true,
            };
            answer.body = page.into_bytes();
        }
        Ok(answer)
    });
    let verdict = world.attack(&device).await;
    assert!(
        matches!(verdict, Verdict::Caught(ClientError::Tampered(_))),
        "{verdict:?}"
    );
    world.recovers(&device).await;
}

fn node(number: u64) -> NodeId {
    let mut id = [0; NodeId::LEN];
    id[..8].copy_from_slice(&number.to_be_bytes());
    NodeId::new(id)
}

const fn some_leaf() -> Leaf {
    Leaf {
        rev: 1,
        record_hash: Hash::new([1; 32]),
        creator: VaultId::ZERO,
        creator_role: Role::Owner,
    }
}

/// Every answer of an endpoint is this body.
async fn lie<E: Endpoint>(world: &World, body: &Rc<Vec<u8>>) {
    let device = world.copy(&world.fresh);
    always(&device, body, |request| request.is::<E>().then_some(200));
    let start = Instant::now();
    let verdict = world.attack(&device).await;
    assert!(matches!(verdict, Verdict::Caught(_)), "{}", E::PATH);
    assert!(start.elapsed() < SOON, "{}", E::PATH);
}

fn always(
    device: &TestPlatform,
    body: &Rc<Vec<u8>>,
    status: impl Fn(&Exchange) -> Option<u16> + 'static,
) {
    let body = body.clone();
    device.network.rewrite(move |request, answer| {
        Ok(match status(request) {
            Some(status) => HttpResponse {
                status,
                body: body.to_vec(),
            },
            None => answer,
        })
    });
}

/// Runs a test in a process of its own, and looks at what that took at most.
fn alone(name: &str, test: impl Future<Output = ()>) {
    if std::env::var_os(MEASURED).is_some() {
        return run(test);
    }
    let module = module_path!().split_once("::").unwrap().1;
    let itself = std::env::current_exe().unwrap();
    let mut child = std::process::Command::new(itself);
    child
        .args(["--exact", "--nocapture", &format!("{module}::{name}")])
        .env(MEASURED, "1");
    drop(test);
    let mut child = child.spawn().unwrap();
    let status = std::path::PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = 0;
    let ended = loop {
        let seen = std::fs::read_to_string(&status).unwrap_or_default();
        let line = seen.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(kib.unwrap_or(0_u64) * 1024);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(ended.success(), "{name}");
    assert!(most < MOST_MEMORY, "{} MiB", most >> 20);
}
