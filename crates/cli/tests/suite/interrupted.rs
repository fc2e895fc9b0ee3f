//! Downloads over a line that breaks.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use crate::world::{World, listing};

const BLOCK_LEN: usize = 4 << 20;
/// Six blocks and a short one. With three under way at a time, a line that
/// breaks after five and a half has brought the first two.
const LEN: usize = 6 * BLOCK_LEN + 5_000;
const BREAK: i64 = 5 * BLOCK_LEN as i64 + (BLOCK_LEN / 2) as i64;

/// A line to the server that breaks when it has carried enough.
struct Line {
    url: String,
    left: Arc<AtomicI64>,
}

impl Line {
    fn to(server: &str) -> Self {
        let server = server.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let left = Arc::new(AtomicI64::new(i64::MAX));
        let budget = Arc::clone(&left);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if budget.load(Ordering::SeqCst) > 0
                    && let Ok(server) = TcpStream::connect(&server)
                {
                    connect(client, server, &budget);
                }
            }
        });
        Self { url, left }
    }

    fn break_after(&self, answered: i64) {
        self.left.store(answered, Ordering::SeqCst);
    }
}

fn connect(client: TcpStream, server: TcpStream, left: &Arc<AtomicI64>) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let left = Arc::clone(left);
    let (mut from, mut to) = (server, client);
    thread::spawn(move || {
        let mut piece = vec![0; 64 << 10];
        while let Ok(len @ 1..) = from.read(&mut piece) {
            let is_broken = left.fetch_sub(len as i64, Ordering::SeqCst) < len as i64;
            if is_broken || to.write_all(&piece[..len]).is_err() {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    });
}

fn bytes(seed: u32) -> Vec<u8> {
    let word = |i: u32| i.wrapping_mul(0x9E37_79B9).wrapping_add(seed).to_le_bytes();
    (0..LEN as u32 / 4).flat_map(word).collect()
}

/// Two files to one place, in turns, and foreign bytes in between. Fails if
/// what an interrupted download left is told by its name and length alone.
#[test]
fn a_download_that_broke_off_is_never_mixed_with_another() {
    let mut world = World::start();
    let line = Line::to(&world.url);
    world.url.clone_from(&line.url);
    let alice = world.sign_up("alice");
    let (a, b) = (bytes(1), bytes(2));
    world.write("src/a", &a);
    world.write("src/b", &b);
    alice.home.run(&["put", "-r", "src/.", "/"]).ok();
    let own = world.write("out/file.svpart", "mine");

    let get = |from: &str, left: i64| {
        line.break_after(left);
        alice.home.run(&["get", from, "out/file"])
    };
    get("/a", BREAK).exits(6);
    let of_a = world.unfinished("out");
    assert_eq!(of_a.len(), 2, "{of_a:?}");
    get("/b", BREAK).exits(6);
    let of_both = world.unfinished("out");
    assert_eq!(of_both.len(), 3, "{of_both:?}");
    assert!(!world.path("out/file").exists());

    // What is there is not fetched again.
    get("/a", LEN as i64 - BLOCK_LEN as i64).ok();
    assert!(fs::read(world.path("out/file")).unwrap() == a);
    let of_b = world.unfinished("out");
    assert_eq!(of_b.len(), 2, "{of_b:?}");

    let part = of_b.iter().find(|path| **path != own).unwrap();
    let len = fs::metadata(part).unwrap().len() as usize;
    assert!(len >= 2 * BLOCK_LEN, "{len}");
    fs::write(part, &a[..len]).unwrap();
    fs::remove_file(world.path("out/file")).unwrap();
    get("/b", i64::MAX).ok();
    assert!(fs::read(world.path("out/file")).unwrap() == b);
    assert_eq!(world.unfinished("out"), std::slice::from_ref(&own));
    assert_eq!(fs::read(own).unwrap(), b"mine");
}

#[test]
fn an_interrupted_folder_goes_on_where_it_was() {
    let mut world = World::start();
    let line = Line::to(&world.url);
    world.url.clone_from(&line.url);
    let alice = world.sign_up("alice");
    // Whatever an unfinished download might call its own files.
    for name in ["a", "a.svpart", ".a.svpart", ".securevault-get.svpart"] {
        world.write(&format!("src/{name}"), name);
    }
    world.write("src/long", bytes(1));
    world.write("src/long.svpart", "long.svpart");
    alice.home.run(&["put", "-r", "src", "/"]).ok();
    let get = || alice.home.run(&["get", "-r", "/src", "copy"]);
    line.break_after(BREAK);
    get().exits(6);
    line.break_after(LEN as i64 - BLOCK_LEN as i64);
    get().ok();
    assert_eq!(listing(&world.path("copy")), listing(&world.path("src")));
    // Now it is any folder.
    line.break_after(i64::MAX);
    get().ok();
    assert!(world.path("copy/src/a").exists());
}
