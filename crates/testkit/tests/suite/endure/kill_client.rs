//! `kill -9` of the command line while it sends, and while it fetches.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use sv_testkit::{Aim, Ambush, Daemon, Dice, Terminal, expect_same_tree, files_below, run, scaled};
use tempfile::TempDir;

/// Kills on one server; then comes a new one, or reading all it has after each
/// of them would take hours.
const KILLS: usize = 10;
/// Files of which each is a block file of its own.
const MIDDLE: usize = 3;
/// The long file: nine blocks, for its progress is noted after eight at most.
const LONG: usize = 33 << 20;
/// Block files of the whole tree.
const BLOCKS: usize = MIDDLE + 9;

#[derive(Default)]
struct Sums {
    kills: usize,
    kills_of_get: usize,
    sent_again: usize,
}

#[test]
fn a_killed_client_goes_on_where_it_was() {
    run(async {
        let mut dice = Dice::thrown("kill -9 of the client");
        let mut sums = Sums::default();
        for _ in 0..scaled(1, 10) {
            survive(&mut dice, &mut sums).await;
        }
        let Sums {
            kills,
            kills_of_get,
            sent_again,
        } = sums;
        let blocks = kills * BLOCKS;
        println!(
            "{kills} kills of put, {kills_of_get} of get; {sent_again} of {blocks} blocks were \
             sent after the kill"
        );
        assert!(sent_again < blocks);
    });
}

async fn survive(dice: &mut Dice, sums: &mut Sums) {
    let daemon = Daemon::start().await;
    let (terminal, _) = Terminal::sign_up(&daemon, "alice");
    let local = TempDir::new().unwrap();
    let (mut usual_put, mut usual_get) = (Duration::ZERO, Duration::ZERO);
    for round in 0..=KILLS {
        let name = format!("round {round}");
        let (tree, copy) = (local.path().join(&name), local.path().join("copy"));
        make_tree(&tree, dice);
        let put = ["put", "-r", tree.to_str().unwrap(), "/"];
        let remote = format!("/{name}");
        let get = ["get", "-r", &remote, copy.to_str().unwrap()];
        if round == 0 {
            usual_put = timed(&terminal, &put);
            usual_get = timed(&terminal, &get);
        } else {
            let aim = match dice.chance(50) {
                true => Aim::AtBlock(1 + dice.below(BLOCKS)),
                false => Aim::After(usual_put.mul_f64(dice.below(110) as f64 / 100.0)),
            };
            kill(&daemon, &terminal, &put, aim).await;
            let before = files_below(&daemon.blocks()).len();
            terminal.run(&put).done();
            sums.kills += 1;
            sums.sent_again += files_below(&daemon.blocks()).len() - before;
            let mut is_there = false;
            if dice.chance(50) {
                let aim = Aim::After(usual_get.mul_f64(dice.below(110) as f64 / 100.0));
                // Done before it could be killed, it would be a second copy.
                is_there = kill(&daemon, &terminal, &get, aim).await;
                expect_no_half_file(&copy, &tree);
                sums.kills_of_get += usize::from(!is_there);
            }
            if !is_there {
                terminal.run(&get).done();
            }
        }
        expect_same_tree(&tree, &copy);
        daemon.expect_whole();
        std::fs::remove_dir_all(&tree).unwrap();
        std::fs::remove_dir_all(&copy).unwrap();
    }
}

fn timed(terminal: &Terminal, arguments: &[&str]) -> Duration {
    let started = Instant::now();
    terminal.run(arguments).done();
    started.elapsed()
}

/// Kills a command; true if it was done before.
async fn kill(daemon: &Daemon, terminal: &Terminal, arguments: &[&str], aim: Aim) -> bool {
    let mut command = terminal.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = tokio::process::Command::from(command).spawn().unwrap();
    let ambush = Ambush::lay(child.id().unwrap(), aim, &daemon.blocks());
    let ended = child.wait().await.unwrap();
    drop(ambush);
    ended.success()
}

/// Whatever has its final name is whole.
fn expect_no_half_file(copy: &Path, tree: &Path) {
    for file in files_below(copy) {
        let name = file.strip_prefix(copy).unwrap();
        if let Ok(original) = std::fs::read(tree.join(name)) {
            assert!(
                std::fs::read(&file).unwrap() == original,
                "{}",
                name.display()
            );
        }
    }
}

fn make_tree(tree: &Path, dice: &mut Dice) {
    let many = tree.join("many");
    std::fs::create_dir_all(&many).unwrap();
    std::fs::create_dir(tree.join("empty")).unwrap();
    for file in 0..200 {
        let len = dice.below(3_000);
        std::fs::write(many.join(file.to_string()), dice.bytes(len)).unwrap();
    }
    for file in 0..MIDDLE {
        std::fs::write(tree.join(format!("middle {file}")), dice.bytes(300_000)).unwrap();
    }
    std::fs::write(tree.join("long"), dice.bytes(LONG)).unwrap();
}
