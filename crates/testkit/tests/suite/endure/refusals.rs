//! What cannot be done is refused with words: a full disk, a full account, a
//! server that is away.

use std::path::Path;
use std::process::Command;

use sv_testkit::{Daemon, Dice, Terminal, run, skip};
use tempfile::TempDir;

const MIB: usize = 1 << 20;

#[test]
fn a_full_disk_is_said_and_survived() {
    if !can_mount() {
        skip(
            "a full disk: a user namespace with a mount of its own (unshare --user --map-root-user \
             --mount) is not allowed on this machine",
        );
        return;
    }
    run(async {
        let daemon = Daemon::start_with(on_small_disk).await;
        let (terminal, _) = Terminal::sign_up(&daemon, "alice");
        let local = Local::new();
        let small = local.file("small", 100_000);
        terminal.run(&["put", &small, "/"]).done();
        let large = local.file("large", 60 * MIB);
        terminal
            .run(&["put", &large, "/"])
            .failed(1, "disk is full");
        // Nor is there room for rows.
        let filling = (0..200).map(|n| terminal.run(&["put", &small, &format!("/small {n}")]));
        let refused = filling.into_iter().find(|ran| ran.code != 0).unwrap();
        refused.failed(1, "disk is full");
        // What was stored is there, and there is room again once room is made.
        let copy = local.path("copy");
        terminal.run(&["get", "/small", &copy]).done();
        assert_eq!(
            std::fs::read(&small).unwrap(),
            std::fs::read(&copy).unwrap()
        );
        let checked = inside(&daemon, &daemon.command(&["check"]))
            .output()
            .unwrap();
        assert!(checked.status.success(), "{checked:?}");
        let mut make_room = Command::new("rm");
        make_room.arg(daemon.data().join("ballast"));
        assert!(inside(&daemon, &make_room).status().unwrap().success());
        terminal.run(&["put", &small, "/after"]).done();
        let log = std::fs::read_to_string(daemon.log()).unwrap();
        assert!(
            log.contains("status=507") && !log.contains("status=500"),
            "{log}"
        );
        assert!(!log.contains("panicked"), "{log}");
    });
}

/// A disk of 48 MiB, 8 of them taken, which ends with the server.
fn on_small_disk(server: Command, data: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg(
        "mount -t tmpfs -o size=48m tmpfs \"$0\" && head -c 8388608 /dev/zero > \"$0/ballast\" \
         && exec \"$@\"",
    );
    command.arg(data);
    append(command, &server)
}

/// A command among the server's mounts.
fn inside(daemon: &Daemon, inner: &Command) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--user", "--mount", "--preserve-credentials", "--target"]);
    command.arg(daemon.pid().to_string());
    append(command, inner)
}

fn append(mut outer: Command, inner: &Command) -> Command {
    outer.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

fn can_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount"])
        .args(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/tmp"])
        .output();
    tried.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_account_is_said_and_survived() {
    run(async {
        let daemon = Daemon::start().await;
        let (terminal, _) = Terminal::sign_up(&daemon, "alice");
        let quota = daemon
            .command(&["admin", "user", "set-quota", "alice", "6MiB"])
            .output();
        assert!(quota.unwrap().status.success());
        let local = Local::new();
        let (small, large) = (local.file("small", MIB), local.file("large", 9 * MIB));
        terminal.run(&["put", &small, "/"]).done();
        terminal
            .run(&["put", &large, "/"])
            .failed(1, "storage is full");
        terminal.run(&["ls", "/large"]).failed(4, "");
        let short = local.file("short", 50_000);
        let filling = (0..200).map(|n| terminal.run(&["put", &short, &format!("/short {n}")]));
        let refused = filling.into_iter().find(|ran| ran.code != 0).unwrap();
        refused.failed(1, "storage is full");
        // Whoever has no room left can make some, and look at everything.
        terminal.run(&["mv", "/short 0", "/moved"]).done();
        terminal.run(&["rm", "/short 1"]).done();
        terminal.run(&["ls", "/"]).done();
        let copy = local.path("copy");
        terminal.run(&["get", "/small", &copy]).done();
        daemon.expect_whole();
        let quota = daemon
            .command(&["admin", "user", "set-quota", "alice", "none"])
            .output();
        assert!(quota.unwrap().status.success());
        terminal.run(&["put", &large, "/"]).done();
        daemon.expect_whole();
    });
}

#[test]
fn a_server_that_is_away_is_said() {
    run(async {
        let mut daemon = Daemon::start().await;
        let (terminal, _) = Terminal::sign_up(&daemon, "alice");
        let local = Local::new();
        let file = local.file("file", 100);
        terminal.run(&["put", &file, "/"]).done();
        daemon.kill();
        terminal
            .run(&["get", "/file", &local.path("copy")])
            .failed(6, "cannot reach the server");
        assert!(!Path::new(&local.path("copy")).exists());
        daemon.resume();
        terminal.run(&["get", "/file", &local.path("copy")]).done();
    });
}

/// Files to put, and room for those that are fetched.
struct Local(TempDir);

impl Local {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, len: usize) -> String {
        let path = self.path(name);
        std::fs::write(&path, Dice::seeded(len as u64).bytes(len)).unwrap();
        path
    }
}
