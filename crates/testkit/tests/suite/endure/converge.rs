//! Two devices of one account write at once, into each other's way.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::error::Result;
use sv_client::path::RemotePath;
use sv_client::tree::{Place, Tree};
use sv_ledger::id::NodeId;
use sv_testkit::{Actor, Daemon, Dice, TestPlatform, dated_file, put, run, scaled};

use super::seen::{PutId, bytes_of, read_all, seen, time_of};

/// Files that both devices edit, for so many puts; then come others. A file
/// keeps 100 versions.
const HOT_FOR: u64 = 150;
const HOT_FILES: u64 = 3;
const FOLDERS: usize = 5;

/// What both devices have done.
#[derive(Default)]
struct Tally {
    last: PutId,
    /// Acknowledged, with their length.
    acknowledged: BTreeMap<PutId, usize>,
    /// Removed for good by somebody who had seen them.
    removed: BTreeSet<PutId>,
    done: BTreeMap<&'static str, usize>,
    lost_races: usize,
}

struct Writer<'s> {
    drive: Drive<'s, TestPlatform>,
    dice: Dice,
    tally: &'s RefCell<Tally>,
}

#[test]
fn two_devices_that_write_at_once_converge() {
    run(async {
        let mut dice = Dice::thrown("two devices");
        let daemon = Daemon::start().await;
        let (actor, first) = Actor::sign_up(&daemon, "alice").await;
        let second = actor.log_in(&daemon).await;
        let tally = RefCell::default();
        let mut writers = Vec::new();
        for session in [&first, &second] {
            writers.push(Writer {
                drive: Drive::open(session).await.unwrap(),
                dice: dice.split(),
                tally: &tally,
            });
        }
        let [mut a, mut b] = <[Writer; 2]>::try_from(writers).ok().unwrap();
        for folder in 0..FOLDERS {
            let path = format!("/f{folder}").parse().unwrap();
            a.drive.make_folder(&path, false).await.unwrap();
        }
        let until = Instant::now() + Duration::from_secs(scaled(15, 60));
        tokio::join!(a.write_until(until), b.write_until(until));

        a.drive.refresh().await.unwrap();
        b.drive.refresh().await.unwrap();
        assert_eq!(seen(&a.drive), seen(&b.drive));
        expect_a_new_device_sees_the_same(&a.drive, &first).await;
        let tally = tally.borrow();
        tally.expect_nothing_lost(&read_all(&b.drive).await);
        expect_both_edits_kept(&a.drive);
        daemon.expect_whole();
        println!(
            "{:?}; {} puts acknowledged, {} removed, {} races lost",
            tally.done,
            tally.acknowledged.len(),
            tally.removed.len(),
            tally.lost_races
        );
    });
}

async fn expect_a_new_device_sees_the_same(
    drive: &Drive<'_, TestPlatform>,
    session: &Session<TestPlatform>,
) {
    let session = Session::resume(session.platform().without_caches()).await;
    let session = session.unwrap();
    let new = Drive::open(&session).await.unwrap();
    assert_eq!(seen(drive), seen(&new));
}

/// Some file has versions by both devices, or nobody was in anybody's way.
fn expect_both_edits_kept(drive: &Drive<'_, TestPlatform>) {
    let nodes = drive.vault().replica().nodes().values();
    let is_shared = |versions: &[sv_core::record::Version]| {
        let devices: BTreeSet<_> = versions.iter().map(|v| v.device.clone()).collect();
        devices.len() == 2
    };
    let shared = nodes.filter(|node| is_shared(&node.record().unwrap().versions));
    assert!(shared.count() > 0, "no file was edited by both");
}

impl Tally {
    fn next_puts(&mut self, count: usize) -> Vec<PutId> {
        let first = self.last + 1;
        self.last += count as u64;
        (first..=self.last).collect()
    }

    fn expect_nothing_lost(&self, found: &BTreeMap<PutId, usize>) {
        for (put, len) in &self.acknowledged {
            if !self.removed.contains(put) {
                assert_eq!(found.get(put), Some(len), "put {put} was acknowledged");
            }
        }
        assert!(self.acknowledged.len() > 100 && !self.removed.is_empty());
    }
}

impl Writer<'_> {
    async fn write_until(&mut self, until: Instant) {
        while Instant::now() < until {
            let (what, outcome) = self.act().await;
            let mut tally = self.tally.borrow_mut();
            match outcome {
                Ok(()) => *tally.done.entry(what).or_default() += 1,
                // What it was about is gone, or something is in its place.
                Err(ClientError::NotFound(_)) => tally.lost_races += 1,
                Err(ClientError::Misuse(why)) if !why.contains("too fast") => {
                    tally.lost_races += 1;
                }
                Err(error) => panic!("{what}: {error}"),
            }
        }
    }

    async fn act(&mut self) -> (&'static str, Result<()>) {
        match self.dice.below(100) {
            0..30 => ("put", self.put_new().await),
            30..55 => ("edit", self.edit().await),
            55..60 => ("put many", self.put_many().await),
            60..64 => ("make folder", self.make_folder().await),
            64..72 => ("rename", self.rename().await),
            72..80 => ("move", self.move_into_folder().await),
            80..84 => ("copy", self.copy().await),
            84..89 => ("trash", self.trash().await),
            89..93 => ("untrash", self.untrash().await),
            93..97 => ("remove", self.remove().await),
            _ => ("refresh", self.drive.refresh().await),
        }
    }

    async fn put_new(&mut self) -> Result<()> {
        let put = self.tally.borrow_mut().next_puts(1);
        let len = match self.dice.below(40) {
            0..4 => 0,
            4..30 => self.dice.below(2_000),
            30..36 => self.dice.below(60_000),
            36..39 => 70_000 + self.dice.below(400_000),
            _ => (4 << 20) + self.dice.below(1 << 20),
        };
        self.send(put, len, |put| format!("file {put}")).await
    }

    async fn edit(&mut self) -> Result<()> {
        let put = self.tally.borrow_mut().next_puts(1);
        let len = self.dice.below(3_000);
        let file = self.dice.next() % HOT_FILES;
        self.send(put, len, |put| format!("hot {} {file}", put / HOT_FOR))
            .await
    }

    async fn put_many(&mut self) -> Result<()> {
        let puts = self.tally.borrow_mut().next_puts(20);
        self.send(puts, 500, |put| format!("one of many {put}"))
            .await
    }

    /// Puts files into the same folder of any, and notes them when they are
    /// acknowledged.
    async fn send(
        &mut self,
        puts: Vec<PutId>,
        len: usize,
        name: impl Fn(PutId) -> String,
    ) -> Result<()> {
        let files = puts.iter().map(|put| {
            let bytes = bytes_of(*put, len);
            dated_file(&name(*put), bytes, time_of(*put))
        });
        let files = files.collect();
        let folder = match self.dice.below(3) {
            0 => "/".to_owned(),
            _ => format!("/f{}", self.dice.below(FOLDERS)),
        };
        put(&mut self.drive, &folder, files).await?;
        let acknowledged = puts.into_iter().map(|put| (put, len));
        self.tally.borrow_mut().acknowledged.extend(acknowledged);
        Ok(())
    }

    async fn make_folder(&mut self) -> Result<()> {
        let name = format!(
            "/f{}/folder {}",
            self.dice.below(FOLDERS),
            self.dice.below(20)
        );
        self.drive.make_folder(&name.parse()?, false).await
    }

    async fn rename(&mut self) -> Result<()> {
        let Some(from) = self.any_path() else {
            return Ok(());
        };
        let to = format!(
            "/f{}/renamed {}",
            self.dice.below(FOLDERS),
            self.dice.below(500)
        );
        self.drive.rename(&from, &to.parse()?).await.map(drop)
    }

    async fn move_into_folder(&mut self) -> Result<()> {
        let Some(from) = self.any_path() else {
            return Ok(());
        };
        let to = format!("/f{}", self.dice.below(FOLDERS)).parse()?;
        self.drive.rename(&from, &to).await.map(drop)
    }

    async fn copy(&mut self) -> Result<()> {
        let Some(from) = self.any_path() else {
            return Ok(());
        };
        let to = format!("/copy {}", self.dice.below(500)).parse()?;
        self.drive.copy(&from, &to).await.map(drop)
    }

    async fn trash(&mut self) -> Result<()> {
        match self.any_path() {
            Some(path) => self.drive.trash(&path).await,
            None => Ok(()),
        }
    }

    async fn untrash(&mut self) -> Result<()> {
        let trashed = self.drive.trashed();
        match self.dice.pick(&trashed) {
            Some(trashed) => self.drive.untrash(&trashed.item.name).await.map(drop),
            None => Ok(()),
        }
    }

    /// Removes something for good. What it held when this device last looked,
    /// and no longer holds, is gone rightly.
    async fn remove(&mut self) -> Result<()> {
        let Some(path) = self.any_path() else {
            return Ok(());
        };
        let (node, _) = self.drive.find_node(&path)?;
        let mut nodes = Tree::inside(node, self.drive.vault().replica());
        nodes.push(node);
        let before = self.puts_in(&nodes);
        let outcome = self.drive.remove(&path).await;
        let after = self.puts_in(&nodes);
        self.tally.borrow_mut().removed.extend(&before - &after);
        outcome
    }

    fn puts_in(&self, nodes: &[NodeId]) -> BTreeSet<PutId> {
        let seen = seen(&self.drive).nodes;
        let nodes = nodes.iter().filter_map(|id| seen.get(id));
        nodes.flat_map(|node| node.versions.clone()).collect()
    }

    /// Anything but the folders that everything goes to; mostly files.
    fn any_path(&mut self) -> Option<RemotePath> {
        let all = self.drive.tree().walk(Place::Root);
        let tree = self.drive.tree();
        let paths: Vec<String> = all.iter().filter_map(|(_, id)| tree.path(id)).collect();
        let is_fixed = |path: &str| (0..FOLDERS).any(|f| path == format!("/f{f}"));
        let path = self.dice.pick(&paths).filter(|path| !is_fixed(path))?;
        path.parse().ok()
    }
}
