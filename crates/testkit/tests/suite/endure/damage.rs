//! Damage to what is stored, seen from the command line: exit code 5, words
//! that say what is wrong, nothing under the final name; and all is well again
//! when honest state returns.

use std::path::{Path, PathBuf};

use sv_testkit::{Daemon, Dice, Row, Terminal, Value, expect_same_tree, files_below, run};
use tempfile::TempDir;

/// What every report of damage begins with.
const WORDS: &str = "INTEGRITY VIOLATION";

struct World {
    daemon: Daemon,
    /// Has followed everything.
    alice: Terminal,
    /// Logged in before anything was put, and has seen nothing of it.
    fresh: Terminal,
    local: TempDir,
    dice: Dice,
}

#[test]
fn damage_is_seen_and_named_and_passes() {
    run(async {
        let mut world = World::begin().await;
        let old = world.copy_of_data();
        world.put();
        world.expect_all_well();
        for block in files_below(&world.daemon.blocks().join("blocks")) {
            world.damage_block(&block, flip);
            world.damage_block(&block, |bytes, _| bytes.truncate(bytes.len() - 1));
            world.damage_block(&block, |bytes, _| bytes.push(0));
            world.damage_block(&block, |bytes, _| bytes.clear());
            world.lose_block(&block);
        }
        world.swap_blocks();
        for (table, column) in [
            ("bodies", "bytes"),
            ("entries", "bytes"),
            ("leaves", "record_hash"),
        ] {
            world.damage_rows(table, column).await;
        }
        world.go_back_to(&old);
        world.expect_all_well();
    });
}

impl World {
    async fn begin() -> Self {
        let daemon = Daemon::start().await;
        let (alice, actor) = Terminal::sign_up(&daemon, "alice");
        let fresh = Terminal::log_in(&daemon, &actor);
        alice.run(&["mkdir", "/before"]).done();
        Self {
            daemon,
            alice,
            fresh,
            local: TempDir::new().unwrap(),
            dice: Dice::thrown("damage"),
        }
    }

    fn put(&mut self) {
        let tree = self.tree();
        std::fs::create_dir(&tree).unwrap();
        for (name, len) in [
            ("short", 100),
            ("middle", 200_000),
            ("long", (8 << 20) + 70_000),
        ] {
            std::fs::write(tree.join(name), self.dice.bytes(len)).unwrap();
        }
        self.alice
            .run(&["put", "-r", tree.to_str().unwrap(), "/"])
            .done();
    }

    fn tree(&self) -> PathBuf {
        self.local.path().join("tree")
    }

    fn copy(&self) -> PathBuf {
        self.local.path().join("copy")
    }

    /// Gets everything, as the device that has seen it and as one that has not.
    fn expect_all_well(&self) {
        for terminal in [self.alice.twin(), self.fresh.twin()] {
            self.get(&terminal).done();
            expect_same_tree(&self.tree(), &self.copy());
            std::fs::remove_dir_all(self.copy()).unwrap();
        }
        self.daemon.expect_whole();
    }

    fn get(&self, terminal: &Terminal) -> sv_testkit::Ran {
        terminal.run(&["get", "-r", "/tree", self.copy().to_str().unwrap()])
    }

    /// Nothing but what is whole has its final name.
    fn expect_nothing_false(&self) {
        for file in files_below(&self.copy()) {
            let name = file.file_name().unwrap();
            if self.tree().join(name).exists() {
                let original = std::fs::read(self.tree().join(name)).unwrap();
                assert!(
                    std::fs::read(&file).unwrap() == original,
                    "{}",
                    file.display()
                );
            }
        }
        let _ = std::fs::remove_dir_all(self.copy());
    }

    fn damage_block(&mut self, block: &Path, damage: impl Fn(&mut Vec<u8>, &mut Dice)) {
        let honest = std::fs::read(block).unwrap();
        let mut bytes = honest.clone();
        damage(&mut bytes, &mut self.dice);
        std::fs::write(block, bytes).unwrap();
        self.get(&self.alice.twin()).failed(5, WORDS);
        self.expect_nothing_false();
        assert_eq!(self.daemon.check().code, 5);
        std::fs::write(block, honest).unwrap();
        self.get(&self.alice.twin()).done();
        std::fs::remove_dir_all(self.copy()).unwrap();
    }

    fn lose_block(&self, block: &Path) {
        let aside = self.local.path().join("aside");
        std::fs::rename(block, &aside).unwrap();
        self.get(&self.alice.twin()).failed(5, WORDS);
        self.expect_nothing_false();
        assert_eq!(self.daemon.check().code, 5);
        std::fs::rename(&aside, block).unwrap();
    }

    fn swap_blocks(&self) {
        let full = |path: &PathBuf| std::fs::metadata(path).unwrap().len() > 4 << 20;
        let blocks = files_below(&self.daemon.blocks().join("blocks"));
        let blocks: Vec<PathBuf> = blocks.into_iter().filter(full).collect();
        let [one, other] = <[PathBuf; 2]>::try_from(blocks).unwrap();
        let swap = || {
            let aside = self.local.path().join("aside");
            std::fs::rename(&one, &aside).unwrap();
            std::fs::rename(&other, &one).unwrap();
            std::fs::rename(&aside, &other).unwrap();
        };
        swap();
        self.get(&self.alice.twin()).failed(5, WORDS);
        self.expect_nothing_false();
        assert_eq!(self.daemon.check().code, 5);
        swap();
    }

    /// Flips a bit in each row of the drive, one after the other, as a device
    /// meets it that has yet to read them.
    async fn damage_rows(&mut self, table: &str, column: &str) {
        let mut database = self.daemon.database().await;
        let mut noticed = 0;
        let rows: Vec<Row> = database.rows(table).await;
        for row in &rows {
            let mut bytes = row.blob(column).to_vec();
            flip(&mut bytes, &mut self.dice);
            let damaged = row.with(column, Value::Blob(bytes));
            assert!(database.replace(row, &damaged).await);
            let ran = self.get(&self.fresh.twin());
            // Rows that this device has read before, or need not read, matter
            // to the check alone.
            match ran.code {
                5 => {
                    noticed += 1;
                    ran.failed(5, WORDS);
                    self.expect_nothing_false();
                }
                _ => {
                    ran.done();
                    expect_same_tree(&self.tree(), &self.copy());
                    std::fs::remove_dir_all(self.copy()).unwrap();
                }
            }
            assert_eq!(self.daemon.check().code, 5, "{table}");
            assert!(database.replace(&damaged, row).await);
        }
        println!("{table}: {noticed} of {} flips met the client", rows.len());
        assert!(noticed > 0 || table == "leaves");
        self.expect_all_well();
    }

    fn copy_of_data(&mut self) -> TempDir {
        self.daemon.kill();
        let copy = TempDir::new().unwrap();
        copy_folder(&self.daemon.data(), copy.path());
        self.daemon.resume();
        copy
    }

    fn go_back_to(&mut self, old: &TempDir) {
        let now = self.copy_of_data();
        for (data, is_honest) in [(old, false), (&now, true)] {
            self.daemon.kill();
            std::fs::remove_dir_all(self.daemon.data()).unwrap();
            copy_folder(data.path(), &self.daemon.data());
            self.daemon.resume();
            let ran = self.get(&self.alice.twin());
            if is_honest {
                ran.done();
                std::fs::remove_dir_all(self.copy()).unwrap();
            } else {
                ran.failed(5, "older state");
                self.expect_nothing_false();
                assert!(!self.copy().exists());
                let put = self.alice.twin();
                let file = self.tree().join("short");
                put.run(&["put", file.to_str().unwrap(), "/new"])
                    .failed(5, WORDS);
            }
        }
    }
}

fn flip(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len());
    bytes[at] ^= 1 << dice.below(8);
}

fn copy_folder(from: &Path, to: &Path) {
    for file in files_below(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(file, target).unwrap();
    }
}
