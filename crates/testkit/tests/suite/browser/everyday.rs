//! Everyday work, from the first visit to log-out, on a desktop and on a phone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use sv_testkit::{Element, Key, Name, Page, Profile, Screen, TestServer, run};
use tempfile::TempDir;

use super::media::{jump, wav, webm};
use super::person::{Person, saved, sha256_of, stage, visit};

pub(crate) const MIB: usize = 1 << 20;
/// Blocks that a client sends side by side, and then some.
pub(crate) const UNDER_WAY: usize = 8;
/// A picture that every browser shows: 1 × 1, red.
const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, b'I', b'D', b'A', b'T',
    0x08, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I',
    b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

#[test]
fn everyday_work_on_a_desktop() {
    everyday_work(Screen::Desktop, 300 * MIB);
}

#[test]
fn everyday_work_on_a_phone() {
    everyday_work(Screen::Phone, 60 * MIB);
}

/// The whole story on a screen, with a large file of so many bytes.
fn everyday_work(screen: Screen, len: usize) {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let local = TempDir::new().unwrap();
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(screen).await;
        let ann = Person::sign_up(&server, &page, "ann").await;

        // A large file, chosen; a folder, dropped.
        let film = random_file(local.path(), "film.bin", len);
        open_files(&page).await;
        upload(&page, &film).await;
        settle(&page).await;
        let folder = holiday(local.path());
        let main = page.role("main", Name::Any);
        page.drop_files(&main, &[&folder]).await;
        row(&page, "holiday").wait().await;
        settle(&page).await;

        look_at_what_is_found(&page).await;
        open_files(&page).await;
        arrange(&page, screen).await;

        let other = browser.profile().await;
        let second = visit(&other, &server).await;
        second.show_on(screen).await;
        ann.log_in(&server, &second).await;
        see_each_other(&page, &second).await;
        download(&second, &other, &film).await;
        interrupt(&server, &page, local.path()).await;

        page.assert_accessible("files").await;
        log_out(&page).await;
        browser.assert_quiet();
    });
}

pub(crate) fn random_file(folder: &Path, name: &str, len: usize) -> PathBuf {
    let path = folder.join(name);
    let mut bytes = vec![0; len];
    let mut random = blake3::Hasher::new().update(name.as_bytes()).finalize_xof();
    random.fill(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A folder with a picture, a recording, a video and a text.
fn holiday(local: &Path) -> PathBuf {
    let folder = local.join("holiday");
    std::fs::create_dir_all(folder.join("beach")).unwrap();
    std::fs::write(folder.join("beach/red.png"), PNG).unwrap();
    std::fs::write(folder.join("waves.wav"), wav(600)).unwrap();
    std::fs::write(folder.join("swim.webm"), webm(60, 1000)).unwrap();
    std::fs::write(folder.join("plan.txt"), "swim").unwrap();
    folder
}

pub(crate) fn row(page: &Page, name: &str) -> Element {
    page.role("row", Name::has(name))
}

pub(crate) async fn open_files(page: &Page) {
    page.link("Files").click().await;
    page.heading("My files").wait().await;
}

pub(crate) async fn upload(page: &Page, file: &Path) {
    page.button("New").click().await;
    let upload = page.role("menuitem", Name::has("Upload files"));
    page.choose(&upload, &[file]).await;
}

/// Chooses from the menu of a row.
pub(crate) async fn choose(page: &Page, item: &str, choice: &str) {
    page.button(&format!("Actions for {item}")).click().await;
    page.role("menuitem", Name::has(choice)).click().await;
}

/// Nothing is under way any more.
pub(crate) async fn settle(page: &Page) {
    page.heading("Nothing under way").wait().await;
}

/// Searches for a file, and opens what is found.
async fn find(page: &Page, part: &str, name: &str) {
    page.role("searchbox", "Search all names").fill(part).await;
    row(page, name).button(name).click().await;
    page.heading(name).wait().await;
}

/// A picture is shown; a recording and a video are played from their middle.
async fn look_at_what_is_found(page: &Page) {
    find(page, "red", "red.png").await;
    page.role("image", "red.png").wait().await;
    let is_shown = "new Promise((done) => { const look = () => { \
        const picture = document.querySelector('main img'); \
        picture?.naturalWidth === 1 ? done(true) : setTimeout(look, 20) }; look() })";
    assert_eq!(page.evaluate(is_shown).await, true);
    find(page, "waves", "waves.wav").await;
    jump(page, "audio", 300).await;
    find(page, "swim", "swim.webm").await;
    jump(page, "video", 40).await;
}

/// Rename, move, trash, undo: with keys on a desktop, with menus on a phone.
async fn arrange(page: &Page, screen: Screen) {
    let dialog = page.role("dialog", Name::Any);
    match screen {
        Screen::Desktop => {
            row(page, "film.bin").click().await;
            page.press(Key::F2).await;
        }
        Screen::Phone => choose(page, "film.bin", "Rename").await,
    }
    dialog.role("textbox", "Name").fill("movie.bin").await;
    dialog.button("Rename").click().await;
    row(page, "movie.bin").wait().await;
    choose(page, "movie.bin", "Move to…").await;
    dialog.button(Name::has("holiday")).click().await;
    dialog.button("Move here").click().await;
    row(page, "movie.bin").wait_gone().await;
    // What could be undone before is done with.
    page.button("Dismiss").click().await;
    page.button("Undo").wait_gone().await;
    match screen {
        Screen::Desktop => {
            row(page, "holiday").click().await;
            page.press(Key::DELETE).await;
        }
        Screen::Phone => choose(page, "holiday", "Move to trash").await,
    }
    row(page, "holiday").wait_gone().await;
    page.button("Undo").click().await;
    row(page, "holiday").wait().await;
}

/// A second browser sees what the first one does, as it happens.
async fn see_each_other(page: &Page, second: &Page) {
    open_files(second).await;
    row(second, "holiday").wait().await;
    page.button("New").click().await;
    page.role("menuitem", Name::has("New folder")).click().await;
    let dialog = page.role("dialog", Name::Any);
    dialog.role("textbox", "Name").fill("from the first").await;
    dialog.button("Create").click().await;
    row(page, "from the first").wait().await;
    let made = Instant::now();
    row(second, "from the first").wait().await;
    let took = made.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// What lands in the folder of downloads is what went in: a file, and the
/// folder that it is in as a zip.
async fn download(page: &Page, profile: &Profile<'_>, film: &Path) {
    choose(page, "holiday", "Download").await;
    let path = page.downloaded().await.unwrap();
    assert_eq!(path, profile.downloads().join("holiday.zip"));
    let zip = std::fs::read(path).unwrap();
    let files = unzip(&zip);
    let whole = HEXLOWER.encode(&Sha256::digest(files["holiday/movie.bin"]));
    assert_eq!(whole, sha256_of(film));
    assert_eq!(files["holiday/beach/red.png"], PNG);
    assert_eq!(files["holiday/waves.wav"], wav(600));
    assert_eq!(files["holiday/plan.txt"], b"swim");
    drop(zip);

    row(page, "holiday").button("holiday").click().await;
    choose(page, "movie.bin", "Download").await;
    let path = page.downloaded().await.unwrap();
    assert_eq!(path, profile.downloads().join("movie.bin"));
    assert_eq!(sha256_of(&path), sha256_of(film));
}

/// What a zip without compression holds, by the directory at its end (APPNOTE
/// 6.3.10, 4.3.12 and 4.3.16).
fn unzip(zip: &[u8]) -> BTreeMap<String, &[u8]> {
    let number = |at: usize, len: usize| {
        let bytes = zip[at..at + len].iter().rev();
        bytes.fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let end = zip.len() - 22;
    let (count, mut at) = (number(end + 10, 2), number(end + 16, 4));
    let mut files = BTreeMap::new();
    for _ in 0..count {
        let (len, start) = (number(at + 24, 4), number(at + 42, 4));
        let (name, extra) = (number(at + 28, 2), number(at + 30, 2));
        let path = std::str::from_utf8(&zip[at + 46..][..name]).unwrap();
        let start = start + 30 + number(start + 26, 2) + number(start + 28, 2);
        files.insert(path.to_owned(), &zip[start..][..len]);
        at += 46 + name + extra;
    }
    files
}

/// A reload in mid-upload: it asks first, and the same file again goes on where
/// it was.
async fn interrupt(server: &TestServer, page: &Page, local: &Path) {
    let len = 100 * MIB;
    let file = random_file(local, "again.bin", len);
    let before = server.block_files().len();
    open_files(page).await;
    upload(page, &file).await;
    some_blocks(server, before).await;
    assert!(page.reload().await, "it did not ask first");

    page.link("Home").click().await;
    page.heading("Interrupted uploads").wait().await;
    let there = server.block_files().len() - before;
    let again = page.button("Choose the file");
    page.choose(&again, &[&file]).await;
    open_files(page).await;
    row(page, "again.bin").wait().await;
    // Only what was under way when the page went was sent again.
    let blocks = len.div_ceil(4 * MIB);
    let stored = server.block_files().len() - before;
    let once = blocks..blocks + UNDER_WAY;
    assert!(there > 0 && once.contains(&stored), "{there} {stored}");
    choose(page, "again.bin", "Download").await;
    assert_eq!(saved(page).await, Some(sha256_of(&file)));
}

/// Waits until some of the upload is durable.
pub(crate) async fn some_blocks(server: &TestServer, before: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while server.block_files().len() < before + 3 {
        assert!(Instant::now() < deadline, "no block arrives");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
