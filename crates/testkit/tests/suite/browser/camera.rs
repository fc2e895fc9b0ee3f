//! Codes are held in front of the camera: a film that Chromium takes for one.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use qrcode::{Color, EcLevel, QrCode};
use sv_client::account::Session;
use sv_client::people::own_identity;
use sv_client::vault::Vault;
use sv_testkit::{
    Actor, Browser, Element, Name, Page, Profile, Screen, TestPlatform, TestServer, run,
};
use tempfile::TempDir;

use super::person::{Person, stage_with, visit};

const WIDTH: usize = 640;
const HEIGHT: usize = 480;
const HEAD: &str = "YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420\nFRAME\n";
/// Pixels of a module, and modules of paper around a code.
const MODULE: f64 = 6.0;
const PAPER: f64 = 4.0;
/// How much the sheet is tilted, radians.
const TILT: f64 = 0.14;

/// What the camera sees: one picture, as long as no other is shown.
struct Film(PathBuf);

impl Film {
    /// Of a table with nothing on it.
    fn new(folder: &Path) -> Self {
        let film = Self(folder.join("film.y4m"));
        fs::write(&film.0, picture(|_, _| 120)).unwrap();
        film
    }

    /// Puts a sheet with a code on the table, in poor light.
    fn show(&self, text: &str) {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let (width, modules) = (code.width(), code.to_colors());
        let half = width as f64 / 2.0;
        let sheet = move |x: usize, y: usize| {
            let (x, y) = (x as f64 - 320.0, y as f64 - 240.0);
            let (sin, cos) = TILT.sin_cos();
            let across = (x * cos + y * sin) / MODULE + half;
            let down = (y * cos - x * sin) / MODULE + half;
            let is_on = |at: f64| (-PAPER..width as f64 + PAPER).contains(&at);
            if !is_on(across) || !is_on(down) {
                return 110;
            }
            let shade = (x / 16.0) as i32;
            let is_in = |at: f64| (0.0..width as f64).contains(&at);
            let is_dark = is_in(across)
                && is_in(down)
                && modules[down as usize * width + across as usize] == Color::Dark;
            let light = if is_dark { 60 + shade } else { 170 + shade };
            u8::try_from(light).unwrap()
        };
        // In its place: the camera has the file open.
        let mut file = OpenOptions::new().write(true).open(&self.0).unwrap();
        file.write_all(&picture(sheet)).unwrap();
    }
}

/// A film of one picture, without colours.
fn picture(light: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let mut film = HEAD.as_bytes().to_vec();
    for y in 0..HEIGHT {
        film.extend((0..WIDTH).map(|x| light(x, y)));
    }
    film.extend([128; WIDTH * HEIGHT / 2]);
    film
}

/// Somebody with a camera, who asks who bob is.
async fn ask_for_bob(server: &TestServer, profile: &Profile<'_>) -> Page {
    let (actor, _) = Actor::sign_up(server, "ann").await;
    let page = visit(profile, server).await;
    page.show_on(Screen::Phone).await;
    Person::of(actor).log_in(server, &page).await;
    note_films(&page).await;
    page.link(Name::has("Shared")).click().await;
    page.link(Name::has("People")).click().await;
    ask_for(&page, "bob").await;
    page
}

async fn ask_for(page: &Page, who: &str) {
    page.field("Find somebody by user name").fill(who).await;
    page.button("Find").click().await;
    page.heading(Name::has(who)).wait().await;
}

fn dialog(page: &Page) -> Element {
    page.role("dialog", Name::Any)
}

async fn scan(page: &Page, who: &str) {
    let scan = format!("Scan {who}'s code");
    dialog(page).button(&scan).click().await;
    dialog(page).button("Stop the camera").wait().await;
}

async fn code_of(session: &Session<TestPlatform>) -> String {
    let account = Vault::account(session).await.unwrap();
    own_identity(&account).await.unwrap().code()
}

/// Has the page remember what films.
async fn note_films(page: &Page) {
    let note = "(() => { const devices = navigator.mediaDevices; window.films = []; \
                const open = devices.getUserMedia.bind(devices); \
                devices.getUserMedia = async (wanted) => { const stream = await open(wanted); \
                films.push(...stream.getTracks()); return stream; }; })()";
    page.evaluate(note).await;
}

/// Waits until the light of each camera that was on has gone out; how many
/// there were.
async fn lights_out(page: &Page) -> u64 {
    let wait = "new Promise((done) => { const look = () => \
                films.every((one) => one.readyState === 'ended') ? done(films.length) \
                : setTimeout(look, 20); look() })";
    page.evaluate(wait).await.as_u64().unwrap()
}

async fn look(page: &Page, name: &str) {
    if let Some(folder) = std::env::var_os("SV_SCREENS") {
        fs::create_dir_all(&folder).unwrap();
        for (screen, size) in [(Screen::Desktop, "desktop"), (Screen::Phone, "phone")] {
            for is_dark in [true, false] {
                page.show_on(screen).await;
                page.prefer_dark(is_dark).await;
                let scheme = if is_dark { "dark" } else { "light" };
                let file = format!("camera-{name}-{size}-{scheme}.png");
                page.screenshot(&Path::new(&folder).join(file)).await;
            }
        }
    }
}

/// Fails if a code of something else ends the scan, if the picture is not the
/// one that the page shows, or if the camera goes on filming.
#[test]
fn a_code_is_scanned_with_the_camera() {
    run(async {
        let folder = TempDir::new().unwrap();
        let film = Film::new(folder.path());
        let Some(browser) = Browser::filming(&film.0).await else {
            return;
        };
        let Some((server, browser)) = stage_with(browser).await else {
            return;
        };
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let (_, carol) = Actor::sign_up(&server, "carol").await;
        let profile = browser.profile().await;
        profile.allow_camera(true).await;
        let ann = ask_for_bob(&server, &profile).await;
        dialog(&ann).wait_text("Not verified").await;

        film.show("https://example.org/menu");
        scan(&ann, "bob").await;
        dialog(&ann)
            .wait_text("This is not a SecureVault code.")
            .await;
        look(&ann, "foreign").await;
        ann.assert_accessible("a scan").await;
        film.show(&code_of(&bob).await);
        dialog(&ann)
            .wait_text("You have compared these very keys.")
            .await;
        assert_eq!(lights_out(&ann).await, 1);
        look(&ann, "verified").await;
        dialog(&ann).button("Done").click().await;

        // A terminal shows the number that both have.
        ask_for(&ann, "carol").await;
        let number = dialog(&ann).role("image", Name::has("Safety number"));
        let number = number.wait().await.names().await.remove(0);
        let (_, number) = number.split_once(": ").unwrap();
        film.show(number);
        scan(&ann, "carol").await;
        dialog(&ann)
            .wait_text("You have compared these very keys.")
            .await;
        drop(carol);
        browser.assert_quiet();
    });
}

/// Fails if what the camera reads is taken for bob's without being compared.
#[test]
fn a_wrong_code_in_front_of_the_camera_is_warned_of() {
    run(async {
        let folder = TempDir::new().unwrap();
        let film = Film::new(folder.path());
        let Some(browser) = Browser::filming(&film.0).await else {
            return;
        };
        let Some((server, browser)) = stage_with(browser).await else {
            return;
        };
        Actor::sign_up(&server, "bob").await;
        let (_, mallory) = Actor::sign_up(&server, "mallory").await;
        let profile = browser.profile().await;
        profile.allow_camera(true).await;
        let ann = ask_for_bob(&server, &profile).await;
        film.show(&code_of(&mallory).await);
        scan(&ann, "bob").await;
        dialog(&ann)
            .wait_text("This is not the code of the account that the server shows as bob.")
            .await;
        assert_eq!(lights_out(&ann).await, 1);
        look(&ann, "another").await;
        ann.assert_accessible("another's code").await;
        assert!(dialog(&ann).text().await.contains("Not verified"));

        // So is another number.
        let digits = "12345 ".repeat(12);
        film.show(digits.trim());
        scan(&ann, "bob").await;
        dialog(&ann).wait_text("This is not the code of").await;
        assert!(dialog(&ann).text().await.contains("Not verified"));
        browser.assert_quiet();
    });
}

/// Fails if a refusal is silent, or if the camera films for a page that is not
/// shown, or a dialog that is closed, also if it comes after that.
#[test]
fn a_camera_films_only_when_it_may_and_is_looked_at() {
    run(async {
        let folder = TempDir::new().unwrap();
        let film = Film::new(folder.path());
        let Some(browser) = Browser::filming(&film.0).await else {
            return;
        };
        let Some((server, browser)) = stage_with(browser).await else {
            return;
        };
        Actor::sign_up(&server, "bob").await;
        let profile = browser.profile().await;
        profile.allow_camera(false).await;
        let ann = ask_for_bob(&server, &profile).await;
        dialog(&ann).button("Scan bob's code").click().await;
        dialog(&ann)
            .wait_text("This page may not use the camera.")
            .await;
        look(&ann, "denied").await;
        ann.assert_accessible("a camera that is denied").await;
        let fail = |name: &str| {
            format!(
                "(() => {{ const devices = navigator.mediaDevices; \
                 devices.getUserMedia = async () => {{ throw new DOMException('', '{name}') }}; }})()"
            )
        };
        for (name, text) in [
            ("NotFoundError", "There is no camera here."),
            ("NotReadableError", "Another program may be using it."),
        ] {
            ann.evaluate(&fail(name)).await;
            dialog(&ann).button("Scan bob's code").click().await;
            dialog(&ann).wait_text(text).await;
        }
        ann.evaluate("delete navigator.mediaDevices.getUserMedia; 0")
            .await;

        profile.allow_camera(true).await;
        note_films(&ann).await;
        scan(&ann, "bob").await;
        dialog(&ann).button("Stop the camera").click().await;
        scan(&ann, "bob").await;
        wait_for_films(&ann, 2).await;
        let hide = "Object.defineProperty(document, 'hidden', { get: () => true, \
                    configurable: true }); document.dispatchEvent(new Event('visibilitychange')); 0";
        ann.evaluate(hide).await;
        dialog(&ann).button("Scan bob's code").wait().await;
        assert_eq!(lights_out(&ann).await, 2);
        ann.evaluate("delete document.hidden; 0").await;
        scan(&ann, "bob").await;
        wait_for_films(&ann, 3).await;
        dialog(&ann).button("Done").click().await;
        assert_eq!(lights_out(&ann).await, 3);

        // A camera that comes when nobody waits for it any more.
        ask_for(&ann, "bob").await;
        dialog(&ann).button("Scan bob's code").click().await;
        dialog(&ann).button("Done").click().await;
        wait_for_films(&ann, 4).await;
        assert_eq!(lights_out(&ann).await, 4);
        browser.assert_quiet();
    });
}

/// Waits until so many cameras have been switched on.
async fn wait_for_films(page: &Page, count: usize) {
    let wait = format!(
        "new Promise((done) => {{ const look = () => films.length >= {count} ? done(true) \
         : setTimeout(look, 20); look() }})"
    );
    assert_eq!(page.evaluate(&wait).await, true);
}
