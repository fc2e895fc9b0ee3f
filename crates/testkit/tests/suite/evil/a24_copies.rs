//! A24: a device is copied while it is in the middle of an upload, as a virtual
//! machine is or a home folder that is put back, and every copy goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use sv_api::endpoint::PutBlock;
use sv_ledger::limits::BLOCK_LEN;
use sv_testkit::{Aim, Ambush, Daemon, Exchange, Terminal, run, scaled};
use tempfile::TempDir;

use super::a24_salts::Salts;
use super::world::pattern;

/// Sixteen blocks, so that the kill at the fifth comes before the end.
const LEN: usize = 15 * BLOCK_LEN + 5000;
/// Three are under way at once: when the fifth is stored, two are acknowledged,
/// and the upload is there to be taken up.
const KILLED_AT: usize = 5;

/// Every copy knows the key of the content and which blocks are there, and
/// seals the same blocks, of a file that was changed meanwhile without showing
/// it. Fails if a salt comes from anything but the operating system's
/// randomness: from what a copy carries with it, or from what is sealed.
#[test]
fn a24_copies_of_a_device_seal_apart() {
    run(async {
        let daemon = Daemon::start().await;
        let (first, _) = Terminal::sign_up(&daemon, "alice");
        let local = TempDir::new().unwrap();
        let file = local.path().join("file");
        let put = ["put", file.to_str().unwrap(), "/file"];
        daemon.tap().record();
        write(&file, 0);
        kill_underway(&daemon, &first, &put).await;
        let copies: Vec<Terminal> = (0..scaled(3, 20)).map(|_| first.twin()).collect();
        for (copy, seed) in copies.iter().zip(1..) {
            write(&file, seed);
            kill_underway(&daemon, copy, &put).await;
        }
        first.run(&put).done();
        let got = local.path().join("got");
        first.run(&["get", "/file", got.to_str().unwrap()]).done();
        assert!(std::fs::read(&got).unwrap() == std::fs::read(&file).unwrap());
        daemon.expect_whole();

        let requests = daemon.tap().requests();
        let mut sealings: BTreeMap<&str, BTreeSet<&[u8]>> = BTreeMap::new();
        for request in requests.iter().filter(|r| r.is::<PutBlock>()) {
            let of_block = sealings.entry(&request.path).or_default();
            of_block.insert(&request.body);
        }
        let most = sealings.values().map(BTreeSet::len).max();
        assert!(
            most > Some(copies.len()),
            "every copy sealed some block anew: {most:?}"
        );
        let is_one_content =
            |request: &Exchange| request.path.rsplit_once('/').map(|(id, _)| id.to_owned());
        let contents: BTreeSet<_> = requests
            .iter()
            .filter(|r| r.is::<PutBlock>())
            .filter_map(is_one_content)
            .collect();
        assert_eq!(contents.len(), 1, "all took up the same upload");
        let mut salts = Salts::default();
        salts.add(&requests);
        println!("{} sealings", salts.len());
    });
}

/// Other bytes of the same length and time.
fn write(file: &Path, seed: u64) {
    std::fs::write(file, pattern(LEN, seed)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let file = std::fs::File::options().write(true).open(file).unwrap();
    file.set_modified(time).unwrap();
}

async fn kill_underway(daemon: &Daemon, terminal: &Terminal, put: &[&str]) {
    let mut command = terminal.command(put);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = tokio::process::Command::from(command).spawn().unwrap();
    let ambush = Ambush::lay(
        child.id().unwrap(),
        Aim::AtBlock(KILLED_AT),
        &daemon.blocks(),
    );
    let ended = child.wait().await.unwrap();
    drop(ambush);
    assert!(!ended.success(), "it was done before it was killed");
}
