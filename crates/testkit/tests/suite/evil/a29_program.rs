//! A29 with the program that people run: what a lie costs a process of its own.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use sv_api::Endpoint;
use sv_api::endpoint::{
    GetBlock, GetBodies, GetCheckpoint, GetContents, GetEntries, GetInstance, GetLeaves,
    GetMembership, LoginStart,
};
use sv_testkit::{Answer, Daemon, Liar, Terminal, Toll, run, scaled, toll};
use tempfile::TempDir;

use super::world::pattern;

/// The most memory.
const MEMORY: u64 = 256 << 20;
/// The longest time on a processor.
const BUSY: Duration = Duration::from_secs(1);

/// Lengths of 2^60 bytes, counts of 2^38 and as large as they get, depths of
/// 100,000 in JSON and CBOR, where a client reads them. Fails if anything is
/// reserved or walked down by a claim: in the reader of bodies, in `Reader`'s
/// lists, or in JSON.
#[test]
fn a29_lies_cost_the_program_nothing() {
    run(async {
        let daemon = Daemon::start().await;
        let (first, _) = Terminal::sign_up(&daemon, "alice");
        let local = TempDir::new().unwrap();
        let tree = local.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(tree.join("short"), pattern(100, 1)).unwrap();
        std::fs::write(tree.join("long"), pattern(300_000, 2)).unwrap();
        let tree = tree.to_str().unwrap();
        first.run(&["put", "-r", tree, "/"]).done();

        let scene = Scene {
            liar: Liar::before(daemon.port()).await,
            first,
            url: daemon.tap().url(),
            copy: local.path().join("copy").to_str().unwrap().to_owned(),
        };
        daemon.divert_to(scene.liar.port());
        let (ended, honest) = toll(&mut scene.get(&scene.first.without_caches()));
        assert!(ended.success(), "the honest run");
        std::fs::remove_dir_all(&scene.copy).unwrap();

        // A client takes this for a broken connection and tries again for a while.
        let endless = Arc::new(Answer {
            claims: 1 << 60,
            body: vec![b'['; 100_000],
        });
        let mut costs = vec![
            scene.got::<GetEntries>(&endless),
            scene.got::<GetBlock>(&endless),
            scene.logged_in::<GetInstance>(&endless),
        ];
        for answer in answers().into_iter().map(Arc::new) {
            costs.extend([
                scene.got::<GetMembership>(&answer),
                scene.got::<GetCheckpoint>(&answer),
                scene.got::<GetLeaves>(&answer),
                scene.got::<GetBodies>(&answer),
                scene.got::<GetEntries>(&answer),
                scene.got::<GetContents>(&answer),
                scene.got::<GetBlock>(&answer),
                scene.logged_in::<GetInstance>(&answer),
                scene.logged_in::<LoginStart>(&answer),
            ]);
        }
        let memory = costs.iter().map(|cost| cost.memory).max().unwrap();
        let busy = costs.iter().map(|cost| cost.busy).max().unwrap();
        println!(
            "{} lies: at most {} MiB and {busy:?}; the truth: {} MiB and {:?}",
            costs.len(),
            memory >> 20,
            honest.memory >> 20,
            honest.busy
        );
        assert!(memory < MEMORY, "{} MiB", memory >> 20);
        assert!(busy < BUSY, "{busy:?}");
    });
}

struct Scene {
    liar: Liar,
    first: Terminal,
    url: String,
    copy: String,
}

impl Scene {
    /// A device that has yet to fetch everything meets a lie.
    fn got<E: Endpoint>(&self, answer: &Arc<Answer>) -> Toll {
        let device = self.first.without_caches();
        let cost = self.meets::<E>(answer, &mut self.get(&device));
        let _ = std::fs::remove_dir_all(&self.copy);
        cost
    }

    /// A new device does.
    fn logged_in<E: Endpoint>(&self, answer: &Arc<Answer>) -> Toll {
        let device = Terminal::new();
        let login = [
            "login", "--server", &self.url, "--user", "alice", "--code", "123456",
        ];
        self.meets::<E>(answer, &mut device.command(&login))
    }

    fn meets<E: Endpoint>(&self, answer: &Arc<Answer>, command: &mut Command) -> Toll {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.liar.lie::<E>(answer.clone());
        let (ended, cost) = toll(command);
        assert!(self.liar.be_honest() > 0, "{} was not called", E::PATH);
        // Refused or tampered or broken off; nothing that ended in a panic.
        assert!(
            matches!(ended.code(), Some(1 | 5 | 6)),
            "{}: {ended}",
            E::PATH
        );
        cost
    }

    fn get(&self, device: &Terminal) -> Command {
        device.command(&["get", "-r", "/tree", &self.copy])
    }
}

fn answers() -> Vec<Answer> {
    const DEPTH: usize = 100_000;
    let max = [0xFF; 4];
    let mut bodies: Vec<Vec<u8>> = vec![
        [&[0][..], &max].concat(),
        (1_u64 << 38).to_be_bytes().to_vec(),
        [&[0; 24][..], &max].concat(),
        br#"{"code":"#.repeat(DEPTH),
        b"\x9f".repeat(DEPTH),
        vec![0; 16 << 20],
    ];
    let more: Vec<Vec<u8>> = vec![
        max.to_vec(),
        [&[1][..], &max].concat(),
        [&[0, 0, 0, 7, 208][..], &max].concat(),
        vec![0xFF; DEPTH],
        b"[".repeat(DEPTH),
        b"\x81".repeat(DEPTH),
    ];
    bodies.extend(scaled(Vec::new(), more));
    bodies
        .into_iter()
        .map(|body| Answer {
            claims: body.len() as u64,
            body,
        })
        .collect()
}
