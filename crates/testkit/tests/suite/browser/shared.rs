//! Working in what somebody else shares: as an editor, as a viewer, and not
//! any more.

use std::path::Path;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::sharing::{self, Last, Terms};
use sv_client::vault::Vault;
use sv_core::Name as FileName;
use sv_ledger::id::VaultId;
use sv_ledger::state::Role;
use sv_testkit::{
    Actor, Key, Name, Page, Screen, TestPlatform, TestServer, Value, file, folder, get, put, run,
};
use tempfile::TempDir;

use super::person::{Person, saved, saved_bytes, stage, visit};
use crate::at_once::share;

/// How soon what one does is on the other's screen.
const SOON: Duration = Duration::from_secs(2);

type Client = Session<TestPlatform>;

fn row(page: &Page, name: &str) -> sv_testkit::Element {
    page.role("row", Name::has(name))
}

fn main(page: &Page) -> sv_testkit::Element {
    page.role("main", Name::Any)
}

/// What `gita` does, with a client of her own.
struct Gita {
    session: Client,
    vault: VaultId,
}

impl Gita {
    /// Has a folder `project`, and shares it with somebody.
    async fn sharing_with(server: &TestServer, handle: &str, role: Role) -> Self {
        let (_, session) = Actor::sign_up(server, "gita").await;
        let mut drive = Drive::open(&session).await.unwrap();
        let files = vec![
            folder("project"),
            folder("project/drafts"),
            file("project/drafts/first.txt", "a draft"),
            file("project/report.txt", "written by gita"),
            file("mine.txt", "of nobody's business"),
        ];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let mut account = Vault::account(&session).await.unwrap();
        let invitees = sharing::invitees(&mut account, &[handle.to_owned()]).await;
        let terms = Terms {
            role,
            expires_ms: 0,
            with_history: false,
        };
        let path = "/project".parse().unwrap();
        let invitees = invitees.unwrap();
        let done = sharing::share(&session, &mut account, &path, &invitees, &terms).await;
        let vault = done.unwrap().vault_id.unwrap();
        drop(account);
        Self { session, vault }
    }

    async fn drive(&self) -> Drive<'_, TestPlatform> {
        let path = "/project".parse().unwrap();
        let opened = sharing::open_at(&self.session, &path, Last::Through).await;
        opened.unwrap().0
    }

    async fn give(&self, uid: VaultId, role: Role) {
        let mut drive = self.drive().await;
        drive.vault_mut().set_role(uid, role, 0).await.unwrap();
    }

    async fn take_away(&self, uid: VaultId) {
        let mut drive = self.drive().await;
        drive.vault_mut().revoke(uid).await.unwrap();
    }
}

/// Takes a share, and puts it into the drive, with another program.
async fn accept(session: &Client, vault: VaultId) {
    let mut account = Vault::account(session).await.unwrap();
    let name = FileName::parse("project").unwrap();
    let name = account.accept_share(vault, &name).await.unwrap();
    let mut drive = Drive::open(session).await.unwrap();
    drive.mount_in(None, &name, vault).await.unwrap();
}

async fn pick(page: &Page, files: &[&Path]) {
    page.button("New").click().await;
    let upload = page.role("menuitem", Name::has("Upload files"));
    page.choose(&upload, files).await;
}

async fn choose_action(page: &Page, item: &str, action: &str) {
    page.button(&format!("Actions for {item}")).click().await;
    page.role("menuitem", Name::has(action)).click().await;
}

pub(super) async fn look(page: &Page, name: &str) {
    if let Some(folder) = std::env::var_os("SV_SCREENS") {
        std::fs::create_dir_all(&folder).unwrap();
        for (screen, size) in [(Screen::Phone, "phone"), (Screen::Desktop, "desktop")] {
            for is_dark in [true, false] {
                page.show_on(screen).await;
                page.prefer_dark(is_dark).await;
                let scheme = if is_dark { "dark" } else { "light" };
                let file = format!("shared-{name}-{size}-{scheme}.png");
                page.screenshot(&Path::new(&folder).join(file)).await;
            }
        }
    }
}

#[test]
fn an_editor_works_in_what_is_shared_a_viewer_looks_and_then_it_is_gone() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let local = TempDir::new().unwrap();
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Desktop).await;
        let hema = Person::sign_up(&server, &page, "hema").await;
        let gita = Gita::sharing_with(&server, "hema", Role::Editor).await;
        let other = hema.actor().log_in(&server).await;
        page.link("Files").click().await;
        page.heading("My files").wait().await;
        accept(&other, gita.vault).await;

        // It is there, and leads into what gita has.
        row(&page, "project").wait().await;
        row(&page, "project").button("project").click().await;
        page.heading("project").wait().await;
        row(&page, "report.txt").wait().await;
        main(&page).wait_text("Shared with you to edit").await;
        assert!(!row(&page, "mine.txt").is_there().await);
        look(&page, "editor").await;
        page.show_on(Screen::Desktop).await;

        // What goes in comes out, here and at gita's.
        let bytes: Vec<u8> = (0..5_000_000_u32).map(|i| (i % 241) as u8).collect();
        let film = local.path().join("film.bin");
        std::fs::write(&film, &bytes).unwrap();
        pick(&page, &[&film]).await;
        row(&page, "film.bin").wait().await;
        page.heading("Nothing under way").wait().await;
        choose_action(&page, "film.bin", "Download").await;
        let hash = HEXLOWER.encode(&Sha256::digest(&bytes));
        assert_eq!(saved(&page).await, Some(hash));
        let mut drive = gita.drive().await;
        assert_eq!(get(&drive, "/film.bin").await.unwrap()["film.bin"], bytes);

        // What gita does is seen as it happens, and found by its name.
        let files = vec![file("from gita.txt", "seen at once")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let done = Instant::now();
        row(&page, "from gita.txt").wait().await;
        assert!(done.elapsed() < SOON, "{:?}", done.elapsed());
        page.role("searchbox", "Search all names")
            .fill("gita")
            .await;
        row(&page, "from gita.txt").wait_text("/project").await;
        page.role("searchbox", "Search all names").fill("").await;

        // Renamed, put into the trash, brought back.
        choose_action(&page, "from gita.txt", "Rename").await;
        let dialog = page.role("dialog", Name::Any);
        dialog.role("textbox", "Name").fill("renamed.txt").await;
        dialog.button("Rename").click().await;
        row(&page, "renamed.txt").wait().await;
        row(&page, "renamed.txt").click().await;
        page.press(Key::DELETE).await;
        row(&page, "renamed.txt").wait_gone().await;
        page.link("Trash").click().await;
        let trashed = page.role("cell", Name::has("In the shared “project”"));
        trashed.wait_text("renamed.txt").await;
        look(&page, "trash").await;
        page.show_on(Screen::Desktop).await;
        page.button("Restore renamed.txt").click().await;
        trashed.wait_gone().await;
        page.link("Files").click().await;
        row(&page, "project").button("project").click().await;
        row(&page, "renamed.txt").wait().await;

        // As a viewer, writing is refused in words.
        gita.give(other.uid(), Role::Viewer).await;
        main(&page).wait_text("Shared with you to look at").await;
        assert_eq!(page.button("New").state("disabled").await, true);
        row(&page, "report.txt").click().await;
        page.press(Key::F2).await;
        let words = "You may look at this, but not change it.";
        page.role("status", "Messages").wait_text(words).await;
        page.button("Actions for report.txt").click().await;
        page.role("menuitem", Name::has("Download")).wait().await;
        let rename = page.role("menuitem", Name::has("Rename"));
        assert!(!rename.is_there().await);
        page.press(Key::ESCAPE).await;
        look(&page, "viewer").await;
        page.assert_accessible("a shared folder").await;
        page.show_on(Screen::Phone).await;
        page.assert_accessible("a shared folder on a phone").await;

        // Taken away in mid-view: nothing of it stays.
        gita.take_away(other.uid()).await;
        let done = Instant::now();
        main(&page).wait_text("You no longer have access").await;
        assert!(done.elapsed() < SOON, "{:?}", done.elapsed());
        row(&page, "report.txt").wait_gone().await;
        look(&page, "gone").await;
        page.role("searchbox", "Search all names")
            .fill("report")
            .await;
        page.heading("Nothing found").wait().await;
        browser.assert_quiet();
    });
}

#[test]
fn things_go_from_the_drive_into_what_is_shared_and_back() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Phone).await;
        let hema = Person::sign_up(&server, &page, "hema").await;
        let gita = Gita::sharing_with(&server, "hema", Role::Editor).await;
        let other = hema.actor().log_in(&server).await;
        accept(&other, gita.vault).await;
        let mut own = Drive::open(&other).await.unwrap();
        let files = vec![folder("box"), file("box/plan.txt", "hema's plan")];
        put(&mut own, "/", files).await.unwrap();

        // A folder moves in, by the dialog.
        page.link("Files").click().await;
        row(&page, "box").wait().await;
        choose_action(&page, "box", "Move to…").await;
        let dialog = page.role("dialog", Name::Any);
        dialog.button(Name::has("project")).click().await;
        dialog.button(Name::has("drafts")).wait().await;
        dialog.button("Move here").click().await;
        let messages = page.role("status", "Messages");
        messages.wait_text("1 item moved").await;
        row(&page, "box").wait_gone().await;
        let drive = gita.drive().await;
        let got = get(&drive, "/box").await.unwrap();
        assert_eq!(got["plan.txt"], b"hema's plan");

        // A file is copied out, and stays when the share goes.
        row(&page, "project").button("project").click().await;
        choose_action(&page, "report.txt", "Copy to…").await;
        dialog.button("My files").click().await;
        dialog.button("Copy here").click().await;
        page.role("status", "Messages")
            .wait_text("1 item copied")
            .await;

        // A zip of everything has what is mounted in it.
        page.link("Settings").click().await;
        page.link("Data").click().await;
        page.button(Name::has("Export everything")).click().await;
        let names = zip_names(&page).await;
        for name in [
            "report.txt",
            "project/box/plan.txt",
            "project/drafts/first.txt",
        ] {
            assert!(names.contains(name), "{name} in {names}");
        }

        gita.take_away(other.uid()).await;
        page.link("Files").click().await;
        row(&page, "report.txt").wait().await;
        row(&page, "project").button("project").click().await;
        main(&page).wait_text("You no longer have access").await;
        page.assert_accessible("what was taken away").await;
        browser.assert_quiet();
    });
}

/// What is chosen and goes is no longer counted, nor acted on. Fails if the
/// selection keeps what its rows have lost.
#[test]
fn what_is_gone_is_not_chosen_any_more() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Desktop).await;
        let hema = Person::sign_up(&server, &page, "hema").await;
        let gita = Gita::sharing_with(&server, "hema", Role::Editor).await;
        let other = hema.actor().log_in(&server).await;
        accept(&other, gita.vault).await;
        page.link("Files").click().await;
        row(&page, "project").button("project").click().await;
        row(&page, "drafts").click().await;
        row(&page, "report.txt").ctrl_click().await;
        let bar = page.role("toolbar", "Actions for the selection");
        bar.wait_text("2 selected").await;

        let mut drive = gita.drive().await;
        drive.trash(&"/report.txt".parse().unwrap()).await.unwrap();
        drop(drive);
        row(&page, "report.txt").wait_gone().await;
        bar.wait_text("1 selected").await;

        gita.take_away(other.uid()).await;
        main(&page).wait_text("You no longer have access").await;
        bar.wait_gone().await;
        browser.assert_quiet();
    });
}

/// Where it is taken, one file is a folder with that file: nothing in a vault
/// says that it will not hold more. Fails if it is not shown there, or does not
/// open.
#[test]
fn a_single_file_is_shared_and_opens() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Desktop).await;
        Person::sign_up(&server, &page, "hema").await;
        let (_, gita) = Actor::sign_up(&server, "gita").await;
        let mut drive = Drive::open(&gita).await.unwrap();
        let files = vec![file("letter.txt", "Dear Hema,"), file("mine.txt", "x")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        share(&gita, "/letter.txt", &["hema"], Role::Viewer)
            .await
            .unwrap();

        page.link(Name::has("1 new")).click().await;
        page.button("Accept: letter.txt").click().await;
        let dialog = page.role("dialog", Name::Any);
        dialog.role("checkbox", Name::has("My files")).click().await;
        dialog.button("Accept").click().await;
        dialog.wait_gone().await;
        look(&page, "file-accepted").await;
        page.show_on(Screen::Desktop).await;
        page.link("Files").click().await;
        let letter = row(&page, "letter.txt");
        letter.wait().await;
        look(&page, "file-row").await;
        page.show_on(Screen::Desktop).await;
        letter.button("letter.txt").click().await;
        main(&page).wait_text("Shared with you to look at").await;
        row(&page, "letter.txt").wait_text("10 B").await;
        assert!(!row(&page, "mine.txt").is_there().await);
        letter.button("letter.txt").click().await;
        main(&page).wait_text("Dear Hema,").await;
        page.assert_accessible("a file that is shared").await;
        look(&page, "file-opened").await;
        page.show_on(Screen::Desktop).await;
        browser.assert_quiet();
    });
}

/// What the page saves, as a text in which the names of a zip can be found.
async fn zip_names(page: &Page) -> String {
    let zip = saved_bytes(page).await.unwrap();
    String::from_utf8_lossy(&zip).into_owned()
}

/// A16 where it is shared, in a browser: a record of a shared vault was altered.
/// The share says so by its name; the drive goes on. Halting nothing, or
/// everything, makes this fail.
#[test]
fn a_share_that_was_tampered_with_stops_alone() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Phone).await;
        let hema = Person::sign_up(&server, &page, "hema").await;
        // The page would look at an offer at once, and keep what it saw.
        page.set_offline(true).await;
        let gita = Gita::sharing_with(&server, "hema", Role::Editor).await;
        let other = hema.actor().log_in(&server).await;
        accept(&other, gita.vault).await;
        let mut own = Drive::open(&other).await.unwrap();
        put(&mut own, "/", vec![file("own.txt", "hema's own")])
            .await
            .unwrap();
        alter_records(&server, gita.vault).await;
        page.set_offline(false).await;

        page.link("Files").click().await;
        row(&page, "project").button("project").click().await;
        page.heading("project").wait().await;
        main(&page).wait_text("Nothing more is taken from it").await;
        let told = main(&page).text().await;
        assert!(
            told.contains("withholds") || told.contains("altered"),
            "{told}"
        );
        assert!(!row(&page, "report.txt").is_there().await);
        look(&page, "tampered").await;

        page.link("Files").click().await;
        row(&page, "own.txt").button("own.txt").click().await;
        main(&page).wait_text("hema's own").await;
    });
}

/// Flips a bit in every record that the server has of a vault.
async fn alter_records(server: &TestServer, vault: VaultId) {
    let mut database = server.database().await;
    let rows = database.rows("bodies").await;
    let of_vault = rows
        .iter()
        .filter(|row| row.blob("vault_id") == vault.as_bytes());
    let mut altered = 0;
    for row in of_vault {
        let mut bytes = row.blob("bytes").to_vec();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        let new = row.with("bytes", Value::Blob(bytes));
        altered += usize::from(database.replace(row, &new).await);
    }
    assert!(altered > 0, "no record of that vault");
}
