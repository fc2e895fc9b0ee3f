//! Everyday work, from the first visit to log-out, on a desktop and on a phone.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use sv_testkit::{Key, Name, Page, Screen, TestServer, run};
use tempfile::TempDir;

use super::person::{Person, catch_saves, saved, stage, visit};

/// Bytes of the large file.
const LARGE: usize = 300 * 1024 * 1024;
/// Blocks that a client sends side by side, and then some.
const UNDER_WAY: usize = 8;
/// A picture that every browser shows: 1 × 1, red.
const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, b'I', b'D', b'A', b'T',
    0x08, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I',
    b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// Ten minutes of silence as WAV, 8 kHz and 8 bits: long enough to seek in.
fn wav() -> Vec<u8> {
    let samples = 8000_u32 * 600;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + samples).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(8000_u32.to_le_bytes());
    bytes.extend(8000_u32.to_le_bytes());
    bytes.extend(b"\x01\0\x08\0data");
    bytes.extend(samples.to_le_bytes());
    bytes.resize(bytes.len() + samples as usize, 0x80);
    bytes
}

fn hash(path: &Path) -> String {
    let mut hasher = Sha256::new();
    let mut file = std::fs::File::open(path).unwrap();
    let mut chunk = vec![0; 1 << 20];
    loop {
        match file.read(&mut chunk).unwrap() {
            0 => return HEXLOWER.encode(&hasher.finalize()),
            read => hasher.update(&chunk[..read]),
        }
    }
}

fn large_file(folder: &Path, name: &str, len: usize) -> std::path::PathBuf {
    let path = folder.join(name);
    let mut bytes = vec![0; len];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn row(page: &Page, name: &str) -> sv_testkit::Element {
    page.role("row", Name::has(name))
}

async fn open_files(page: &Page) {
    page.link("Files").click().await;
    page.heading("My files").wait().await;
}

/// Nothing is under way any more.
async fn settle(page: &Page) {
    page.heading("Nothing under way").wait().await;
}

#[test]
fn everyday_work_on_a_desktop() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let local = TempDir::new().unwrap();
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Desktop).await;
        let ann = Person::sign_up(&server, &page, "ann").await;

        // A large file, chosen; a folder, dropped.
        let large = large_file(local.path(), "film.bin", LARGE);
        open_files(&page).await;
        page.button("New").click().await;
        let upload = page.role("menuitem", Name::has("Upload files"));
        page.choose(&upload, &[&large]).await;
        settle(&page).await;
        let folder = local.path().join("holiday");
        std::fs::create_dir_all(folder.join("beach")).unwrap();
        std::fs::write(folder.join("beach/red.png"), PNG).unwrap();
        std::fs::write(folder.join("waves.wav"), wav()).unwrap();
        std::fs::write(folder.join("plan.txt"), "swim").unwrap();
        page.drop_files(&page.role("main", Name::Any), &[&folder])
            .await;
        row(&page, "holiday").wait().await;
        settle(&page).await;

        // Search, and look at what is found.
        page.role("searchbox", "Search all names").fill("red").await;
        row(&page, "red.png").button("red.png").click().await;
        let picture = page.role("image", "red.png");
        picture.wait().await;
        let is_shown = "new Promise((done) => { const look = () => { \
            const picture = document.querySelector('main img'); \
            picture?.naturalWidth === 1 ? done(true) : setTimeout(look, 20) }; look() })";
        assert_eq!(page.evaluate(is_shown).await, true);
        seek(&page).await;

        // Rename, move, trash, undo.
        open_files(&page).await;
        row(&page, "film.bin").click().await;
        page.press(Key::F2).await;
        page.role("dialog", Name::Any)
            .role("textbox", "Name")
            .fill("movie.bin")
            .await;
        page.role("dialog", Name::Any)
            .button("Rename")
            .click()
            .await;
        row(&page, "movie.bin").wait().await;
        page.button("Actions for movie.bin").click().await;
        page.role("menuitem", Name::has("Move to…")).click().await;
        let dialog = page.role("dialog", Name::Any);
        dialog.button(Name::has("holiday")).click().await;
        dialog.button("Move here").click().await;
        row(&page, "movie.bin").wait_gone().await;
        // What could be undone before is done with.
        page.button("Dismiss").click().await;
        page.button("Undo").wait_gone().await;
        row(&page, "holiday").click().await;
        page.press(Key::DELETE).await;
        row(&page, "holiday").wait_gone().await;
        page.button("Undo").click().await;
        row(&page, "holiday").wait().await;

        // A second browser sees what the first one does, as it happens.
        let other = browser.profile().await;
        let second = visit(&other, &server).await;
        ann.log_in(&server, &second).await;
        open_files(&second).await;
        row(&second, "holiday").wait().await;
        page.button("New").click().await;
        page.role("menuitem", Name::has("New folder")).click().await;
        page.role("dialog", Name::Any)
            .role("textbox", "Name")
            .fill("from the first")
            .await;
        page.role("dialog", Name::Any)
            .button("Create")
            .click()
            .await;
        row(&page, "from the first").wait().await;
        let seen = Instant::now();
        row(&second, "from the first").wait().await;
        assert!(
            seen.elapsed() < Duration::from_secs(2),
            "{:?}",
            seen.elapsed()
        );

        // What comes out is what went in.
        row(&second, "holiday").button("holiday").click().await;
        second.button("Actions for movie.bin").click().await;
        catch_saves(&second).await;
        second.role("menuitem", Name::has("Download")).click().await;
        assert_eq!(saved(&second).await, Some(hash(&large)));

        page.assert_accessible("files").await;
        log_out(&page).await;
        browser.assert_quiet();
    });
}

/// Plays the recording, jumps into its middle, and reads no more than that.
async fn seek(page: &Page) {
    page.role("searchbox", "Search all names")
        .fill("waves")
        .await;
    row(page, "waves.wav").button("waves.wav").click().await;
    page.heading("waves.wav").wait().await;
    let jump = "new Promise((done, fail) => { const look = () => { \
        const player = document.querySelector('audio'); \
        if (!player) return setTimeout(look, 20); \
        player.onerror = () => fail(player.error.message); \
        player.onseeked = () => done(player.currentTime); \
        const go = () => { player.currentTime = 300 }; \
        player.readyState > 0 ? go() : player.onloadedmetadata = go; }; look() })";
    assert_eq!(page.evaluate(jump).await, 300);
}

async fn log_out(page: &Page) {
    page.button(Name::has("Account of ")).click().await;
    page.role("menuitem", Name::has("Log out")).click().await;
    page.button("Log in").wait().await;
    let left = "Promise.all([indexedDB.databases(), caches.keys()]).then(() => \
                JSON.stringify({ ...localStorage }) + document.cookie)";
    let left = page.evaluate(left).await;
    assert!(!left.to_string().contains("securevault-local"), "{left}");
}

#[test]
fn a_reload_in_mid_upload_goes_on_with_the_same_file() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let local = TempDir::new().unwrap();
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Phone).await;
        Person::sign_up(&server, &page, "bob").await;
        let large = large_file(local.path(), "film.bin", LARGE / 3);
        open_files(&page).await;
        page.button("New").click().await;
        let upload = page.role("menuitem", Name::has("Upload files"));
        page.choose(&upload, &[&large]).await;
        some_blocks(&server).await;
        assert!(page.reload().await, "it did not ask first");

        page.link("Home").click().await;
        page.heading("Interrupted uploads").wait().await;
        let before = server.block_files().len();
        let again = page.button("Choose the file");
        page.choose(&again, &[&large]).await;
        open_files(&page).await;
        row(&page, "film.bin").wait().await;
        // Only what was under way when the page went was sent again.
        let blocks = (LARGE / 3).div_ceil(4 * 1024 * 1024);
        let stored = server.block_files().len();
        let once = blocks..blocks + UNDER_WAY;
        assert!(before > 0 && once.contains(&stored), "{before} {stored}");
        page.button("Actions for film.bin").click().await;
        catch_saves(&page).await;
        page.role("menuitem", Name::has("Download")).click().await;
        assert_eq!(saved(&page).await, Some(hash(&large)));
        page.assert_accessible("files on a phone").await;
        browser.assert_quiet();
    });
}

/// Waits until some of the upload is durable.
async fn some_blocks(server: &TestServer) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while server.block_files().len() < 3 {
        assert!(Instant::now() < deadline, "no block arrives");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
