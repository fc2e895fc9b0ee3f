//! People who go on working while servers are killed, the database restarts,
//! its connections are cut and the object store fails: what was acknowledged
//! is there, once, and every tree is what its owner made of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::future::join_all;
use sv_api::ErrorCode;
use sv_client::ClientError;
use sv_client::drive::Drive;
use sv_client::error::Result;
use sv_client::path::RemotePath;
use sv_testkit::{Actor, Daemon, Dice, Stage, TestPlatform, dated_file, put, run, scaled};

use super::seen::{PutId, bytes_of, read_all, seen, time_of};

const SERVERS: usize = 3;
/// Milliseconds that somebody pauses between two acts, at most.
const PAUSE_MS: usize = 400;
/// How long somebody may have to insist on one act.
const PATIENCE: Duration = Duration::from_secs(120);

/// What all that came to.
#[derive(Debug, Default)]
struct Tally {
    done: BTreeMap<&'static str, usize>,
    requests: usize,
    /// Requests whose answer never came.
    cut_off: usize,
    /// Requests that a server answered with "not now".
    put_off: usize,
    /// Acts that were tried again after an error.
    repeated: usize,
    /// Acts that an error left open, and that turned out to be done.
    were_done: usize,
    errors: BTreeMap<String, usize>,
    blows: BTreeMap<&'static str, usize>,
}

/// Somebody with one device or two, and what the drive should be.
struct Person<'t> {
    devices: Vec<Drive<'static, TestPlatform>>,
    dice: Dice,
    /// Versions of each file, by path.
    files: BTreeMap<String, Vec<PutId>>,
    trashed: BTreeSet<String>,
    lengths: BTreeMap<PutId, usize>,
    last: PutId,
    tally: &'t RefCell<Tally>,
}

#[test]
fn people_lose_nothing_whatever_breaks() {
    run(async {
        let (people, time) = scaled((50, 30), (50, 600));
        let mut dice = Dice::thrown("soak");
        let mut daemon = Daemon::start_on_own(Stage::together(), SERVERS).await;
        let tally = RefCell::default();
        let mut crowd = gather(&daemon, people, &mut dice, &tally).await;
        let until = Instant::now() + Duration::from_secs(time);
        let work = crowd.iter_mut().map(|person| person.work_until(until));
        tokio::join!(join_all(work), batter(&mut daemon, dice, until, &tally));
        for person in &mut crowd {
            person.expect_all().await;
        }
        daemon.expect_whole();
        let devices: usize = crowd.iter().map(|person| person.devices.len()).sum();
        let puts: usize = crowd.iter().map(|person| person.lengths.len()).sum();
        let stage = daemon.backing().stage();
        println!("{stage}: {people} people on {devices} devices, {puts} puts acknowledged");
        println!("{:#?}", tally.borrow());
        let tally = tally.borrow();
        assert!(!tally.blows.is_empty() && tally.cut_off + tally.put_off > 0);
    });
}

async fn gather<'t>(
    daemon: &Daemon,
    people: usize,
    dice: &mut Dice,
    tally: &'t RefCell<Tally>,
) -> Vec<Person<'t>> {
    let arrivals = (0..people).map(|n| {
        let dice = dice.split();
        async move {
            let door = daemon.newcomer();
            let (actor, session) = Actor::sign_up(&door, &format!("person{n}")).await;
            let mut sessions = vec![session];
            if n % 3 == 0 {
                sessions.push(actor.log_in(&door).await);
            }
            let mut devices = Vec::new();
            for session in sessions {
                devices.push(Drive::open(Box::leak(Box::new(session))).await.unwrap());
            }
            Person {
                devices,
                dice,
                files: BTreeMap::new(),
                trashed: BTreeSet::new(),
                lengths: BTreeMap::new(),
                last: 0,
                tally,
            }
        }
    });
    join_all(arrivals).await
}

impl Person<'_> {
    async fn work_until(&mut self, until: Instant) {
        while Instant::now() < until {
            let what = self.act().await;
            *self.tally.borrow_mut().done.entry(what).or_default() += 1;
            self.count_requests();
            let pause = self.dice.below(PAUSE_MS) as u64;
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    fn count_requests(&self) {
        let mut tally = self.tally.borrow_mut();
        for drive in &self.devices {
            let network = &drive.vault().session().platform().network;
            for answer in network.take_recording().answers {
                tally.requests += 1;
                match answer {
                    None => tally.cut_off += 1,
                    Some((503, _)) => tally.put_off += 1,
                    Some((status, _)) => assert!(status < 500, "{status}"),
                }
            }
        }
    }

    /// Does something, and notes what comes of it.
    async fn act(&mut self) -> &'static str {
        let live = self.files.keys().filter(|path| path.starts_with('/'));
        let live: Vec<String> = live.cloned().collect();
        let any = self.dice.pick(&live).cloned();
        match (self.dice.below(100), any) {
            (0..20, Some(path)) => {
                self.send(path).await;
                "edit"
            }
            (20..30, Some(path)) => {
                self.rename(&path).await;
                "rename"
            }
            (30..37, Some(path)) => {
                self.trash(&path).await;
                "trash"
            }
            (37..42, Some(path)) => {
                self.remove(&path).await;
                "remove"
            }
            (42..47, _) if !self.trashed.is_empty() => {
                self.untrash().await;
                "untrash"
            }
            _ => {
                let path = format!("/file {}", self.last + 1);
                self.send(path).await;
                "put"
            }
        }
    }

    async fn send(&mut self, path: String) {
        self.last += 1;
        let put_id = self.last;
        let len = match self.dice.below(50) {
            0 => (4 << 20) + self.dice.below(1 << 20),
            1..6 => 66_000 + self.dice.below(200_000),
            6..15 => 2_000 + self.dice.below(60_000),
            _ => self.dice.below(2_000),
        };
        let name = path.trim_start_matches('/').to_owned();
        let act = async |drive: &mut Drive<'static, TestPlatform>| {
            let file = dated_file(&name, bytes_of(put_id, len), time_of(put_id));
            put(drive, "/", vec![file]).await.map(drop)
        };
        let is_done = |drive: &Drive<'static, TestPlatform>| {
            versions(drive, &path).is_some_and(|puts| puts.contains(&put_id))
        };
        self.insist(act, is_done).await;
        self.lengths.insert(put_id, len);
        self.files.entry(path).or_default().push(put_id);
    }

    async fn rename(&mut self, from: &str) {
        self.last += 1;
        let to = format!("/file {}", self.last);
        let (source, target) = (path_of(from), path_of(&to));
        let act = async |drive: &mut Drive<'static, TestPlatform>| {
            drive.rename(&source, &target).await.map(drop)
        };
        self.insist(act, |drive| versions(drive, &to).is_some())
            .await;
        let versions = self.files.remove(from).unwrap();
        self.files.insert(to, versions);
    }

    async fn trash(&mut self, path: &str) {
        let target = path_of(path);
        let act = async |drive: &mut Drive<'static, TestPlatform>| drive.trash(&target).await;
        self.insist(act, |drive| versions(drive, path).is_none())
            .await;
        self.trashed.insert(path.to_owned());
        // Its versions stay known, for when it comes back.
        let versions = self.files.remove(path).unwrap();
        self.files.insert(format!("trash{path}"), versions);
    }

    async fn untrash(&mut self) {
        let trashed: Vec<String> = self.trashed.iter().cloned().collect();
        let path = self.dice.pick(&trashed).unwrap().clone();
        let name = path.trim_start_matches('/');
        let act =
            async |drive: &mut Drive<'static, TestPlatform>| drive.untrash(name).await.map(drop);
        self.insist(act, |drive| versions(drive, &path).is_some())
            .await;
        self.trashed.remove(&path);
        let versions = self.files.remove(&format!("trash{path}")).unwrap();
        self.files.insert(path, versions);
    }

    async fn remove(&mut self, path: &str) {
        let target = path_of(path);
        let act = async |drive: &mut Drive<'static, TestPlatform>| drive.remove(&target).await;
        self.insist(act, |drive| versions(drive, path).is_none())
            .await;
        for put_id in self.files.remove(path).unwrap() {
            self.lengths.remove(&put_id);
        }
    }

    /// Does something on one of the devices until it is done: after an error
    /// it looks first whether it was done all the same.
    async fn insist(
        &mut self,
        act: impl AsyncFn(&mut Drive<'static, TestPlatform>) -> Result<()>,
        is_done: impl Fn(&Drive<'static, TestPlatform>) -> bool,
    ) {
        let device = self.dice.below(self.devices.len());
        let drive = &mut self.devices[device];
        let started = Instant::now();
        // What the other device did has to be seen before it is acted on.
        look(drive, started, self.tally).await;
        while let Err(error) = act(drive).await {
            note(&error, started, self.tally).await;
            look(drive, started, self.tally).await;
            if is_done(drive) {
                self.tally.borrow_mut().were_done += 1;
                return;
            }
            self.tally.borrow_mut().repeated += 1;
        }
    }

    /// Every device shows what the person made, byte for byte.
    async fn expect_all(&mut self) {
        for drive in &mut self.devices {
            drive.refresh().await.unwrap();
            let seen = seen(drive);
            let nodes = seen.nodes.values();
            let found = nodes.map(|node| {
                let place = if node.trashed { "trash/" } else { "/" };
                (format!("{place}{}", node.name), node.versions.clone())
            });
            assert_eq!(found.collect::<BTreeMap<_, _>>(), self.files);
            assert_eq!(seen.nodes.len(), self.files.len(), "names come once");
            assert_eq!(read_all(drive).await, self.lengths);
        }
    }
}

/// Sees what is there, however long that takes.
async fn look(drive: &mut Drive<'static, TestPlatform>, started: Instant, tally: &RefCell<Tally>) {
    while let Err(error) = drive.refresh().await {
        note(&error, started, tally).await;
    }
}

/// Only errors that say "not now" may come. Then somebody waits a little.
async fn note(error: &ClientError, started: Instant, tally: &RefCell<Tally>) {
    let is_passing = matches!(error, ClientError::Offline(_) | ClientError::Interrupted)
        || error.is_refusal(ErrorCode::Unavailable);
    assert!(is_passing, "{error:?}");
    assert!(started.elapsed() < PATIENCE, "still {error}");
    let kind = match error {
        ClientError::Refused(error) => error.message.clone(),
        other => format!("{other:?}").chars().take(12).collect(),
    };
    *tally.borrow_mut().errors.entry(kind).or_default() += 1;
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// The puts of a file, newest last; `None` if it is not there.
fn versions(drive: &Drive<'static, TestPlatform>, path: &str) -> Option<Vec<PutId>> {
    let seen = seen(drive);
    let id = seen.paths.get(path)?;
    Some(seen.nodes[id].versions.clone())
}

fn path_of(path: &str) -> RemotePath {
    path.parse().expect("a path")
}

/// Breaks one thing after the other.
async fn batter(daemon: &mut Daemon, mut dice: Dice, until: Instant, tally: &RefCell<Tally>) {
    while Instant::now() < until {
        let calm = 500 + dice.below(1500) as u64;
        tokio::time::sleep(Duration::from_millis(calm)).await;
        let blow = match dice.below(10) {
            0 => daemon.restart_database().await,
            1..4 => daemon.cut_connections().await,
            4..6 => daemon.trouble_blocks(&mut dice).await,
            _ => None,
        };
        let blow = match blow {
            Some(blow) => blow,
            None => {
                let server = dice.below(SERVERS);
                daemon.kill_one(server);
                tokio::time::sleep(Duration::from_millis(dice.below(800) as u64)).await;
                daemon.resume_one(server).await;
                "kill -9 of a server"
            }
        };
        *tally.borrow_mut().blows.entry(blow).or_default() += 1;
    }
}
