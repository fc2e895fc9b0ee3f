//! Altered bytes, and traps on the local disk.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::World;

#[test]
fn a_raw_download_opens_offline_and_only_unaltered() {
    let mut world = World::start();
    let alice = world.sign_up("alice");
    let secret = vec![42; 5_000_000];
    alice.home.feed(&["put", "-", "/secret.bin"], &secret).ok();
    let raw = alice
        .home
        .run(&["get", "--raw", "/secret.bin", "--json"])
        .json();
    let key = raw["key"].as_str().unwrap();
    let file = world.path("secret.bin.svraw");
    world.stop();
    let stranger = world.home("stranger");
    let decrypt = |key: &str, out: &str| {
        stranger.run(&["decrypt", "secret.bin.svraw", "--key", key, "-o", out])
    };
    decrypt(key, "out").ok();
    assert_eq!(fs::read(world.path("out")).unwrap(), secret);
    decrypt(key, "out").exits(1).says("--force");
    decrypt("sv1-nonsense", "other").exits(2);
    let sealed = fs::read(&file).unwrap();
    assert!(!sealed.windows(16).any(|bytes| bytes == [42; 16]));
    let mut flipped = sealed.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let longer = [&sealed[..], b"!"].concat();
    let cut = &sealed[..sealed.len() - 1];
    for altered in [&flipped[..], &longer, cut] {
        fs::write(&file, altered).unwrap();
        decrypt(key, "altered").exits(5);
        assert!(!world.path("altered").exists() && world.unfinished(".").is_empty());
    }
}

#[test]
fn blocks_altered_on_the_server_are_not_given_a_name() {
    let world = World::start();
    let alice = world.sign_up("alice");
    alice
        .home
        .feed(&["put", "-", "/big"], &vec![9; 5_000_000])
        .ok();
    for block in blocks(&world.path("data/blocks")) {
        let mut bytes = fs::read(&block).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&block, bytes).unwrap();
    }
    alice
        .home
        .run(&["get", "/big", "got"])
        .exits(5)
        .says("INTEGRITY VIOLATION");
    assert!(!world.path("got").exists() && world.unfinished(".").is_empty());
    alice.home.run(&["verify", "--all"]).exits(5);
    alice.home.run(&["export", "--all", "out"]).exits(5);
}

fn blocks(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for row in fs::read_dir(root).unwrap() {
        let path = row.unwrap().path();
        if path.is_dir() {
            found.extend(blocks(&path));
        } else if fs::metadata(&path).unwrap().len() > 100_000 {
            found.push(path);
        }
    }
    assert!(!found.is_empty() || !root.ends_with("blocks"));
    found
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_planted_symlink() {
    let world = World::start();
    let alice = world.sign_up("alice");
    world.write("src/folder/file", "new");
    world.write("src/file", "new");
    alice.home.run(&["put", "-r", "src", "/"]).ok();
    let victim = world.write("outside/file", "precious");
    let outside = victim.parent().unwrap();
    for trap in ["target/src/folder", "links/src"] {
        fs::create_dir_all(world.path(trap).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(outside, world.path(trap)).unwrap();
    }
    std::os::unix::fs::symlink(&victim, world.path("target/src/file")).unwrap();
    alice
        .home
        .run(&["get", "-r", "/src", "target", "--force"])
        .exits(1);
    alice
        .home
        .run(&["get", "-r", "/src", "links", "--force"])
        .exits(1);
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert_eq!(fs::read_dir(outside).unwrap().count(), 1);
    assert_eq!(fs::read(world.path("target/src/file")).unwrap(), b"new");
}
