//! The page stays quick whatever the engine has to do, and what it takes is
//! measured by its own clock. `cargo xtask figures` runs it in full.

use serde_json::Value;
use sv_client::drive::Drive;
use sv_testkit::{Actor, Browser, Name, Page, Screen, TestServer, file, folder, put, run, scaled};
use tempfile::TempDir;

use super::everyday::{choose, open_files, row, upload};
use super::person::{Person, stage, visit};

const MIB: u64 = 1 << 20;
/// Milliseconds that no task of the page may take. The bound of the sample is
/// for a machine that does other things, too.
const LONGEST_MS: (f64, f64) = (1_000.0, 100.0);
/// Bytes that the process of page and engine may come to at most.
const MEMORY: u64 = 768 << 20;
/// What a long upload may take more than a short one: rubbish that the browser
/// has yet to collect.
const GROWTH_MIB: u64 = 256;
/// Files that come in one upload at most, to make a folder of many.
const AT_ONCE: usize = 10_000;

/// Tasks of 50 milliseconds and more from the first on, and the last click.
const WATCH: &str = "globalThis.longTasks = []; globalThis.clicked = 0; \
    new PerformanceObserver((list) => longTasks.push(...list.getEntries() \
        .map(({ startTime, duration }) => [startTime, duration]))) \
        .observe({ type: 'longtask', buffered: true }); \
    addEventListener('click', ({ timeStamp }) => { clicked = timeStamp }, true); true";

/// Waits until an expression holds, looked at in every frame; gives the
/// milliseconds since the last click.
fn until(what: &str) -> String {
    format!(
        "new Promise((done) => {{ const look = () => ({what}) \
            ? done(performance.now() - clicked) : requestAnimationFrame(look); look() }})"
    )
}

async fn milliseconds(page: &Page, expression: &str) -> f64 {
    let value = page.evaluate(expression).await;
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{expression}: {value}"))
}

/// The longest task since this was last asked, 0 if none took 50 milliseconds.
async fn longest(page: &Page) -> f64 {
    // An observer is told of a task after it.
    let told = "new Promise((done) => setTimeout(() => \
        done(Math.max(0, ...longTasks.splice(0).map(([, ms]) => ms))), 200))";
    milliseconds(page, told).await
}

const NOW: &str = "performance.now()";
/// Goes from screen to screen, not through DevTools, which would be measured
/// with it.
const LOOK_AROUND: &str = "(async () => {
    for (const screen of ['/', '/notes', '/settings/security', '/trash', '/files']) {
        location.hash = screen;
        await new Promise((done) => setTimeout(done, 200));
    }
})()";

fn assert_quick(what: &str, longest: f64) {
    let (sample, full) = LONGEST_MS;
    assert!(longest < scaled(sample, full), "{what}: {longest} ms");
}

/// A large file goes up while somebody looks around, and down into the folder
/// of downloads, and the page stays quick; page and engine hold no more than a
/// few of its blocks.
#[test]
fn a_large_file_leaves_the_page_quick() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Desktop).await;
        page.evaluate(WATCH).await;
        // It sees what it is to see.
        let busy = "setTimeout(() => { const end = performance.now() + 150; \
            while (performance.now() < end); }); true";
        page.evaluate(busy).await;
        assert!(longest(&page).await >= 150.0);

        Person::sign_up(&server, &page, "greta").await;
        page.link("Files").click().await;
        longest(&page).await;
        let local = TempDir::new().unwrap();
        let (path, mib) = (local.path().join("film.bin"), scaled(64, 1024));
        let film = std::fs::File::create(&path).unwrap();
        film.set_len(mib * MIB).unwrap();
        let before = browser.peak_memory().await;
        page.button("New").click().await;
        let upload = page.role("menuitem", Name::has("Upload files"));
        page.choose(&upload, &[&path]).await;
        let words = "document.querySelector('#transfers h2')?.textContent";
        page.evaluate(&until(&format!("/%/.test({words})"))).await;
        let start = milliseconds(&page, NOW).await;
        page.evaluate(LOOK_AROUND).await;
        page.evaluate(&until(&format!("{words} === 'Nothing under way'")))
            .await;
        let up = milliseconds(&page, NOW).await - start;
        let (longest_up, at_most_up) = (longest(&page).await, browser.peak_memory().await);

        choose(&page, "film.bin", "Download").await;
        let both = "document.querySelectorAll('#transfers .transfer').length === 2";
        let done = until(&format!("{both} && {words} === 'Nothing under way'"));
        let down = milliseconds(&page, &done).await;
        let (longest_down, at_most) = (longest(&page).await, browser.peak_memory().await);
        let saved = page.downloaded().await.unwrap();
        assert_eq!(std::fs::metadata(saved).unwrap().len(), mib * MIB);
        let rate = |ms: f64| mib as f64 * 1000.0 / ms;
        println!(
            "{mib} MiB by hand: up {:.0} MiB/s, longest task {longest_up:.0} ms; saved {:.0} \
             MiB/s, longest task {longest_down:.0} ms; page and engine {} MiB at most before, {} \
             while it went up, {} in all",
            rate(up),
            rate(down),
            before / MIB,
            at_most_up / MIB,
            at_most / MIB,
        );
        assert_quick("the upload", longest_up);
        assert_quick("the download", longest_down);
        assert!(at_most < MEMORY, "{at_most} bytes");
        browser.assert_quiet();
    });
}

/// What was sent is let go of: how much memory an upload takes does not depend
/// on how long the file is. Every block passes the service worker, and without
/// the room that it makes there each would stay until long after.
#[test]
fn an_upload_keeps_nothing_of_what_it_sent() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        Person::sign_up(&server, &page, "henri").await;
        open_files(&page).await;
        let local = TempDir::new().unwrap();
        let mut peaks = Vec::new();
        for (name, mib) in [("short.bin", 32), ("long.bin", scaled(448, 1024))] {
            let path = local.path().join(name);
            let file = std::fs::File::create(&path).unwrap();
            file.set_len(mib * MIB).unwrap();
            upload(&page, &path).await;
            row(&page, name).wait().await;
            peaks.push(browser.peak_memory().await);
        }
        let (short, long) = (peaks[0] / MIB, peaks[1] / MIB);
        println!("page and engine {short} MiB at most with 32 MiB, {long} with the long file");
        assert!(long < short + GROWTH_MIB, "{short} MiB, then {long}");
        browser.assert_quiet();
    });
}

/// A folder of many files opens at once and scrolls without a pause, down to
/// its end.
#[test]
fn a_folder_of_many_files_opens_at_once() {
    run(async {
        let mut all = Vec::new();
        for count in scaled(vec![2_000], vec![10_000, 100_000]) {
            let Some((server, browser)) = stage().await else {
                return;
            };
            let longest = open_many(&server, &browser, count).await;
            all.extend(longest.map(|(when, ms)| (count, when, ms)));
        }
        // At the end, so that every size is measured.
        for (count, when, ms) in all {
            assert_quick(&format!("{count} files, {when}"), ms);
        }
    });
}

/// The longest task of each step.
async fn open_many(
    server: &TestServer,
    browser: &Browser,
    count: usize,
) -> [(&'static str, f64); 3] {
    let (actor, session) = Actor::sign_up(server, "hanna").await;
    let mut drive = Drive::open(&session).await.unwrap();
    put(&mut drive, "/", vec![folder("many")]).await.unwrap();
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(AT_ONCE) {
        let some = some.iter();
        let files = some.map(|number| file(&format!("{number:06}.txt"), "x"));
        put(&mut drive, "/many", files.collect()).await.unwrap();
    }
    drop(drive);

    let profile = browser.profile().await;
    let page = visit(&profile, server).await;
    page.show_on(Screen::Desktop).await;
    page.evaluate(WATCH).await;
    Person::of(actor).log_in(server, &page).await;
    page.link("Files").click().await;
    let many = page.role("row", Name::has("many"));
    many.wait().await;
    let opened = longest(&page).await;
    many.button("many").click().await;
    let has = |name: &str| {
        let name = format!("row.textContent.includes('{name}')");
        format!("[...document.querySelectorAll('[role=row]')].some((row) => {name})")
    };
    let first = milliseconds(&page, &until(&has("000000.txt"))).await;
    let shown = longest(&page).await;
    let scroll = "(async () => {
        const list = document.querySelector('[role=grid]');
        const frame = () => new Promise(requestAnimationFrame);
        let last = await frame();
        let longest = 0;
        for (let step = 0; step < 300; step += 1) {
            list.scrollTop += 240;
            const now = await frame();
            longest = Math.max(longest, now - last);
            last = now;
        }
        return longest;
    })()";
    let frame = milliseconds(&page, scroll).await;
    let to_the_end = "clicked = performance.now(); \
        { const list = document.querySelector('[role=grid]'); list.scrollTop = list.scrollHeight; }";
    page.evaluate(to_the_end).await;
    let last = format!("{:06}.txt", count - 1);
    let end = milliseconds(&page, &until(&has(&last))).await;
    let scrolled = longest(&page).await;
    println!(
        "{count} files in a folder: first rows after {first:.0} ms, last ones after {end:.0} ms, \
         a frame of scrolling takes {frame:.0} ms at most; longest task of the page {opened:.0} ms \
         while the vault opens, {shown:.0} ms while the folder does, {scrolled:.0} ms while it \
         scrolls; page and engine {} MiB at most",
        browser.peak_memory().await / MIB,
    );
    browser.assert_quiet();
    [
        ("the vault opens", opened),
        ("the folder opens", shown),
        ("the folder scrolls", scrolled),
    ]
}

/// How long until somebody can use the page: at the first visit, with
/// everything to be loaded and compiled, and when they come back.
#[test]
fn the_page_is_there_soon() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        for visit in ["at the first visit", "at the second"] {
            if visit == "at the second" {
                page.reload().await;
            }
            page.link("Log in").wait().await;
            let told = page.evaluate(READY).await;
            let number = |name: &str| told.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
            let (painted, ready) = (number("painted"), number("ready"));
            println!(
                "{visit}: painted after {painted:.0} ms, ready after {ready:.0} ms, longest task \
                 {:.0} ms, {:.0} KiB transferred",
                number("longest"),
                number("bytes") / 1024.0,
            );
            assert!(painted > 0.0 && ready < 60_000.0, "{told}");
        }
        browser.assert_quiet();
    });
}

/// When something was painted first, when the last long task before the page
/// was quiet ended, and what was loaded.
const READY: &str = "new Promise((done) => {
    const tasks = [];
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries()));
    observer.observe({ type: 'longtask', buffered: true });
    const look = () => {
        const paint = performance.getEntriesByName('first-contentful-paint')[0];
        if (!paint) return setTimeout(look, 50);
        setTimeout(() => {
            const ends = tasks.map(({ startTime, duration }) => startTime + duration);
            const loaded = performance.getEntries().filter((entry) => 'transferSize' in entry);
            done({
                painted: paint.startTime,
                ready: Math.max(paint.startTime, ...ends),
                longest: Math.max(0, ...tasks.map(({ duration }) => duration)),
                bytes: loaded.reduce((sum, { transferSize }) => sum + transferSize, 0),
            });
        }, 1000);
    };
    look();
})";
