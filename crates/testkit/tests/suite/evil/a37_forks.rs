//! A37: a server that tells different devices different stories.

use std::collections::BTreeSet;

use sv_api::Wire;
use sv_api::endpoint::{GetBodies, GetCheckpoint, GetEntries, GetLeaves, GetMembership};
use sv_api::vault::EntryPage;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::error::Result;
use sv_client::{ClientError, Tamper};
use sv_testkit::{Dice, Exchange, MemoryTarget, TestPlatform, TestServer, file, put, run, scaled};

use super::world::{Verdict, World, look};

/// One server, and a second that was the same once; both have moved on.
struct Fork {
    world: World,
    servers: [TestServer; 2],
    /// A device that saw both as one.
    before: TestPlatform,
    sides: [BTreeSet<String>; 2],
}

impl Fork {
    async fn new() -> Self {
        let mut world = World::new().await;
        let before = world.copy(&world.behind);
        look(&before, &MemoryTarget::default()).await.unwrap();
        let snapshot = world.server.snapshot().await;
        let servers = [
            snapshot.fork(&world.server).await,
            snapshot.fork(&world.server).await,
        ];
        let mut fork = Self {
            world,
            servers,
            before,
            sides: Default::default(),
        };
        for side in 0..2 {
            for _ in 0..2 {
                let device = fork.before.copy(&fork.servers[side].url());
                fork.write(&device, side).await.unwrap();
            }
        }
        fork
    }

    /// Puts a file of a new name by way of one server.
    async fn write(&mut self, device: &TestPlatform, side: usize) -> Result<()> {
        let name = format!("{side} {}", self.sides[side].len());
        device.network.redirect(&self.servers[side].url());
        let session = Session::resume(device.clone()).await?;
        let mut drive = Drive::open(&session).await?;
        put(&mut drive, "/", vec![file(&name, name.as_str())]).await?;
        self.sides[side].insert(name);
        Ok(())
    }

    /// The names of a side that a device sees by way of one server.
    async fn read(&self, device: &TestPlatform, side: usize) -> Result<BTreeSet<String>> {
        device.network.redirect(&self.servers[side].url());
        let seen = look(device, &MemoryTarget::default()).await?;
        let names = seen.files.into_keys();
        let marks = names.filter(|name| name.starts_with("0 ") || name.starts_with("1 "));
        Ok(marks.collect())
    }
}

/// Devices read and write by way of either server, in any order: none that has
/// seen one side ever sees or joins the other, and each goes on with its own.
/// Fails without the known entry in `replay_to_head`.
#[test]
fn a37_no_device_crosses_over() {
    run(async {
        let mut fork = Fork::new().await;
        let mut dice = Dice::seeded(37);
        let mut refused = 0;
        for _ in 0..scaled(8, 1000) {
            let copies = [0, 1, 2].map(|_| fork.before.copy(&fork.servers[0].url()));
            let mut joined: [Option<usize>; 3] = [None; 3];
            for _ in 0..7 {
                let (who, side) = (dice.below(3), dice.below(2));
                let outcome = if dice.below(3) == 0 {
                    fork.write(&copies[who], side).await.map(|()| None)
                } else {
                    fork.read(&copies[who], side).await.map(Some)
                };
                match outcome {
                    Ok(seen) => {
                        assert!(joined[who].is_none_or(|own| own == side), "it crossed over");
                        joined[who] = Some(side);
                        assert!(seen.is_none_or(|seen| seen == fork.sides[side]));
                    }
                    Err(error) => {
                        refused += 1;
                        assert!(joined[who].is_some_and(|own| own != side), "{error:?}");
                        assert!(is_fork(&error), "{error:?}");
                    }
                }
            }
        }
        assert!(refused >= 5, "{refused}");
    });
}

/// A log of which the first part is from one side and the rest from the other.
/// Held by `prev_hash`, by the digest and by the records that a side lacks.
#[test]
fn a37_two_logs_do_not_make_one() {
    run(async {
        let fork = Fork::new().await;
        let mut logs = Vec::new();
        for server in &fork.servers {
            let device = fork.before.copy(&server.url());
            look(&device, &MemoryTarget::default()).await.unwrap();
            let drive = fork.world.drive_id.to_string();
            let recording = device.network.take_recording();
            let (_, log) = super::a26_exchange::answers::<GetEntries>(&recording)
                .into_iter()
                .find(|(path, _)| path.contains(&drive))
                .unwrap();
            logs.push(EntryPage::parse(&log).unwrap());
        }
        let (one, other) = (&logs[0].entries, &logs[1].entries);
        for at in 1..one.len().min(other.len()) {
            let mut mixed = one[..=at].to_vec();
            mixed.extend_from_slice(&other[at + 1..]);
            if at + 1 == other.len() {
                mixed.push(other[at].clone());
            }
            let device = fork.before.copy(&fork.servers[0].url());
            let drive = fork.world.drive_id.to_string();
            device.network.rewrite(move |request, mut answer| {
                if request.is::<GetEntries>() && request.path.contains(&drive) {
                    let page = EntryPage {
                        entries: mixed.clone(),
                        more: false,
                    };
                    answer.body = page.into_bytes();
                }
                Ok(answer)
            });
            let verdict = fork.world.attack(&device).await;
            assert!(
                matches!(verdict, Verdict::Caught(ClientError::Tampered(_))),
                "{at}: {verdict:?}"
            );
        }
    });
}

/// Every way to answer a new device partly from one side and partly from the
/// other: it sees the one whose head it has, whole, or none. Fails without the
/// digest in `checkpoint`.
#[test]
fn a37_a_new_device_gets_no_mixture() {
    run(async {
        let fork = Fork::new().await;
        let kinds: [fn(&Exchange) -> bool; 5] = [
            Exchange::is::<GetMembership>,
            Exchange::is::<GetCheckpoint>,
            Exchange::is::<GetLeaves>,
            Exchange::is::<GetEntries>,
            Exchange::is::<GetBodies>,
        ];
        let mut heads = Vec::new();
        for server in &fork.servers {
            let device = fork.before.copy(&server.url());
            let session = Session::resume(device).await.unwrap();
            heads.push(
                Drive::open(&session)
                    .await
                    .unwrap()
                    .vault()
                    .replica()
                    .state()
                    .head,
            );
        }
        for mixture in 0..1_u32 << kinds.len() {
            let device = fork.world.fresh.copy(&fork.servers[0].url());
            let other = fork.servers[1].url();
            device.network.divert(move |request| {
                let kind = kinds.iter().position(|is| is(request))?;
                (mixture >> kind & 1 == 1).then(|| other.clone())
            });
            let session = Session::resume(device.clone()).await.unwrap();
            match Drive::open(&session).await {
                Ok(drive) => {
                    let names = drive.walk(&"/".parse().unwrap()).unwrap().into_iter();
                    let marks: BTreeSet<String> = names
                        .map(|item| item.name)
                        .filter(|name| name.starts_with("0 ") || name.starts_with("1 "))
                        .collect();
                    let head = drive.vault().replica().state().head;
                    let side = heads.iter().position(|other| *other == head).unwrap();
                    assert_eq!(marks, fork.sides[side], "{mixture:b}");
                }
                Err(ClientError::Tampered(_) | ClientError::Refused(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    });
}

fn is_fork(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Tampered(Tamper::Fork(_) | Tamper::Rollback { .. })
    )
}
