//! Memory of both programs stays the same however large a file is.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sv_testkit::{Daemon, Dice, Terminal, peak_memory, run, scaled};
use tempfile::TempDir;

const MIB: u64 = 1 << 20;
/// What each may take.
const LIMIT: u64 = 128 * MIB;
/// By how much a larger file may make a difference.
const MARGIN: u64 = 32 * MIB;

/// Bytes at their peak.
#[derive(Debug, Clone, Copy)]
struct Peaks {
    put: u64,
    get: u64,
    server: u64,
}

#[test]
fn memory_does_not_grow_with_files() {
    run(async {
        let mut daemon = Daemon::start().await;
        let (terminal, _) = Terminal::sign_up(&daemon, "alice");
        let (small, large) = scaled((64 * MIB, 256 * MIB), (256 * MIB, 2048 * MIB));
        let few = transfer(&mut daemon, &terminal, small).await;
        let many = transfer(&mut daemon, &terminal, large).await;
        for (len, peaks) in [(small, few), (large, many)] {
            println!(
                "{} MiB: put {} MiB, get {} MiB, server {} MiB",
                len / MIB,
                peaks.put / MIB,
                peaks.get / MIB,
                peaks.server / MIB
            );
        }
        for (before, after) in [
            (few.put, many.put),
            (few.get, many.get),
            (few.server, many.server),
        ] {
            assert!(
                after <= LIMIT && after <= before + MARGIN,
                "{few:?} {many:?}"
            );
        }
    });
}

/// Sends a file up and fetches it again, with a server fresh for it.
async fn transfer(daemon: &mut Daemon, terminal: &Terminal, len: u64) -> Peaks {
    daemon.kill();
    daemon.resume();
    let local = TempDir::new().unwrap();
    let (file, copy) = (local.path().join("file"), local.path().join("copy"));
    write(&file, len);
    let remote = format!("/{len}");
    let put = watched(terminal, &["put", file.to_str().unwrap(), &remote]).await;
    let get = watched(terminal, &["get", &remote, copy.to_str().unwrap()]).await;
    expect_same(&file, &copy);
    let server = peak_memory(daemon.pid()).unwrap();
    Peaks { put, get, server }
}

/// Runs a command, looking at its memory until it ends.
async fn watched(terminal: &Terminal, arguments: &[&str]) -> u64 {
    let mut command = terminal.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::inherit());
    let mut child = tokio::process::Command::from(command).spawn().unwrap();
    let pid = child.id().unwrap();
    let mut peak = 0;
    let mut looks = tokio::time::interval(Duration::from_millis(2));
    loop {
        tokio::select! {
            status = child.wait() => {
                assert!(status.unwrap().success());
                assert!(peak > 0);
                return peak;
            }
            // The kernel keeps the peak, so that no look must meet it.
            _ = looks.tick() => peak = peak_memory(pid).unwrap_or(0).max(peak),
        }
    }
}

fn write(path: &Path, len: u64) {
    let mut file = File::create(path).unwrap();
    for piece in 0..len / MIB {
        file.write_all(&Dice::seeded(piece).bytes(MIB as usize))
            .unwrap();
    }
}

fn expect_same(left: &Path, right: &Path) {
    let (mut left, mut right) = (File::open(left).unwrap(), File::open(right).unwrap());
    let (mut a, mut b) = (vec![0; MIB as usize], vec![0; MIB as usize]);
    assert_eq!(
        left.metadata().unwrap().len(),
        right.metadata().unwrap().len()
    );
    for _ in 0..left.metadata().unwrap().len() / MIB {
        left.read_exact(&mut a).unwrap();
        right.read_exact(&mut b).unwrap();
        assert!(a == b);
    }
}
