//! Everyday work without a mouse.

use sv_client::drive::Drive;
use sv_testkit::{
    Actor, Element, Key, Name, PASSWORD, Page, Profile, Screen, TestServer, folder, put, run,
};
use tempfile::TempDir;

use super::everyday::{MIB, UNDER_WAY, random_file, row, settle, some_blocks};
use super::heard::{heard, listen};
use super::person::{Person, stage, visit};

/// More than there is to walk through on any screen.
const FAR: usize = 80;
/// Whether what has the focus is marked as that.
const IS_MARKED: &str = "(() => {
    const style = getComputedStyle(document.activeElement);
    const outline = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    return outline || style.boxShadow !== 'none';
})()";

/// Presses a key until something has the focus, which must be seen.
async fn walk_to(page: &Page, target: &Element, key: Key) {
    target.wait().await;
    for _ in 0..FAR {
        if target.is_focused().await {
            assert_eq!(page.evaluate(IS_MARKED).await, true, "{target:?}");
            return;
        }
        page.press(key).await;
    }
    panic!("no key leads to {target:?}");
}

async fn tab_to(page: &Page, target: &Element) {
    walk_to(page, target, Key::TAB).await;
}

/// Chooses from the menu that is open.
async fn choose(page: &Page, item: &str) {
    let item = page.role("menuitem", Name::has(item));
    walk_to(page, &item, Key::DOWN).await;
    page.press(Key::ENTER).await;
}

/// Fills the one field of a dialog that has just opened.
async fn answer(page: &Page, text: &str) {
    let field = page.role("dialog", Name::Any).role("textbox", Name::Any);
    tab_to(page, &field).await;
    page.press(Key::A.ctrl()).await;
    page.type_text(text).await;
    page.press(Key::ENTER).await;
}

/// Opens a place of the main navigation.
async fn go_to(page: &Page, place: &str) {
    tab_to(page, &page.link(Name::has(place))).await;
    page.press(Key::ENTER).await;
}

/// Presses what Tab comes to.
async fn press(page: &Page, button: &Element) {
    tab_to(page, button).await;
    page.press(Key::ENTER).await;
}

/// Somebody with a folder, who has logged in by keys; what is read out to them
/// is noted.
async fn arrive(server: &TestServer, profile: &Profile<'_>, handle: &str) -> Page {
    let (actor, session) = Actor::sign_up(server, handle).await;
    let mut drive = Drive::open(&session).await.unwrap();
    put(&mut drive, "/", vec![folder("letters")]).await.unwrap();
    let page = visit(profile, server).await;
    page.show_on(Screen::Desktop).await;
    log_in(server, &page, &Person::of(actor)).await;
    listen(&page).await;
    page
}

async fn log_in(server: &TestServer, page: &Page, person: &Person) {
    press(page, &page.link("Log in")).await;
    tab_to(page, &page.field("User name")).await;
    page.type_text(person.handle).await;
    tab_to(page, &page.field("Password")).await;
    page.type_text(PASSWORD).await;
    page.press(Key::ENTER).await;
    tab_to(page, &page.field("One-time code")).await;
    page.type_text(&person.code(server)).await;
    page.link("Files").wait().await;
}

/// Log-in, a folder, its name, its menu, the trash and back, search, log-out:
/// Tab comes to everything, what has the focus shows it, and dialogs and menus
/// give it back.
#[test]
fn everything_works_by_keyboard() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let (actor, session) = Actor::sign_up(&server, "ines").await;
        let mut drive = Drive::open(&session).await.unwrap();
        put(&mut drive, "/", vec![folder("archive")]).await.unwrap();
        let ines = Person::of(actor);
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Desktop).await;

        log_in(&server, &page, &ines).await;
        go_to(&page, "Files").await;
        row(&page, "archive").wait().await;

        tab_to(&page, &page.button("New")).await;
        page.press(Key::ENTER).await;
        choose(&page, "New folder").await;
        answer(&page, "letters").await;
        row(&page, "letters").wait().await;
        let list = page.role("grid", Name::Any);
        tab_to(&page, &list).await;
        page.press(Key::END).await;
        page.press(Key::F2).await;
        answer(&page, "post").await;
        row(&page, "post").wait().await;

        // Dialogs and menus give the focus back to where it was.
        page.role("dialog", Name::Any).wait_gone().await;
        tab_to(&page, &list).await;
        page.press(Key::F10.shift()).await;
        choose(&page, "Details").await;
        page.role("dialog", Name::Any).wait().await;
        page.press(Key::ESCAPE).await;
        page.role("dialog", Name::Any).wait_gone().await;
        list.wait_focused().await;

        // What could be undone before goes by itself.
        page.button("Undo").wait_gone().await;
        page.press(Key::DELETE).await;
        row(&page, "post").wait_gone().await;
        tab_to(&page, &page.button("Undo")).await;
        page.press(Key::ENTER).await;
        row(&page, "post").wait().await;

        tab_to(&page, &list).await;
        page.press(Key::SLASH).await;
        tab_to(&page, &page.role("searchbox", "Search all names")).await;
        page.type_text("arch").await;
        row(&page, "post").wait_gone().await;
        row(&page, "archive").wait().await;
        page.press(Key::DOWN).await;
        tab_to(&page, &list).await;
        page.press(Key::ENTER).await;
        page.heading("archive").wait().await;

        tab_to(&page, &page.button(Name::has("Account of "))).await;
        page.press(Key::ENTER).await;
        choose(&page, "Log out").await;
        page.button("Log in").wait().await;
        browser.assert_quiet();
    });
}

/// Written, saved by a button and by Ctrl+S, and found again.
#[test]
fn notes_are_written_by_keyboard() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        let page = arrive(&server, &profile, "nora").await;
        go_to(&page, "Notes").await;
        page.heading("No notes yet").wait().await;
        press(&page, &page.button("New")).await;
        choose(&page, "New note").await;
        page.field("Title").wait_focused().await;
        page.type_text("plan").await;
        tab_to(&page, &page.field("Text of the note")).await;
        page.type_text("swim").await;
        press(&page, &page.button("Save")).await;
        heard(&page, "The note is saved").await;
        page.heading("plan").wait().await;

        press(&page, &page.button("Write")).await;
        page.field("Text of the note").wait_focused().await;
        page.press(Key::A.ctrl()).await;
        page.type_text("swim and read").await;
        heard(&page, "Not saved yet").await;
        page.press(Key::S.ctrl()).await;
        heard(&page, "Saved").await;

        press(&page, &page.button("Back")).await;
        page.heading("Notes").wait().await;
        press(&page, &page.link(Name::has("plan"))).await;
        page.role("main", Name::Any)
            .wait_text("swim and read")
            .await;
        browser.assert_quiet();
    });
}

/// How it looks, in which language, which devices there are: chosen, asked
/// about and done, and the focus is never lost.
#[test]
fn settings_are_changed_by_keyboard() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        let page = arrive(&server, &profile, "sami").await;
        go_to(&page, "Settings").await;
        press(&page, &page.link("Devices")).await;
        let other = page.button("Log out first");
        press(&page, &other).await;
        let dialog = page.role("dialog", Name::Any);
        dialog.button("Cancel").wait_focused().await;
        press(&page, &dialog.button("Log out")).await;
        dialog.wait_gone().await;
        other.wait_gone().await;

        press(&page, &page.link("Appearance")).await;
        // One choice is one stop; arrows move within it, and choose.
        tab_to(&page, &page.role("radio", "As the system")).await;
        page.press(Key::DOWN).await;
        page.role("radio", "Light").wait_focused().await;
        page.press(Key::DOWN).await;
        let dark = page.role("radio", "Dark");
        dark.wait_focused().await;
        assert_eq!(dark.state("checked").await, "true");
        page.press(Key::DOWN).await;
        page.role("radio", "As the system").wait_focused().await;
        page.press(Key::TAB).await;
        page.role("radio", "English").wait_focused().await;
        page.press(Key::UP).await;
        page.heading("सेटिंग").wait().await;
        let hindi = page.role("radio", "हिन्दी");
        assert_eq!(hindi.state("checked").await, "true");
        tab_to(&page, &hindi).await;
        page.press(Key::DOWN).await;
        page.heading("Settings").wait().await;

        press(&page, &page.link("Security")).await;
        press(&page, &page.button("Change the password")).await;
        dialog.wait().await;
        page.press(Key::ESCAPE).await;
        dialog.wait_gone().await;
        page.button("Change the password").wait_focused().await;
        browser.assert_quiet();
    });
}

/// Chosen, paused, taken up, and read out from its begin to its end.
#[test]
fn files_are_uploaded_by_keyboard() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let local = TempDir::new().unwrap();
        let profile = browser.profile().await;
        let page = arrive(&server, &profile, "uma").await;
        let film = random_file(local.path(), "film.bin", 160 * MIB);
        go_to(&page, "Files").await;
        row(&page, "letters").wait().await;
        press(&page, &page.button("New")).await;
        choose(&page, "Upload files").await;
        page.chosen(&[&film]).await;
        heard(&page, "Uploading 1 file").await;
        some_blocks(&server, 0).await;
        press(&page, &page.button("Pause")).await;
        page.role("list", "Transfers").wait_text("Paused").await;
        let stored = server.block_files().len();
        assert!(stored < 160 / 4 + UNDER_WAY, "{stored}");
        press(&page, &page.button("Resume")).await;
        heard(&page, "film.bin is complete").await;
        row(&page, "film.bin").wait().await;
        settle(&page).await;

        // What goes wrong is read out, too.
        tab_to(&page, &page.role("grid", Name::Any)).await;
        page.press(Key::END).await;
        page.press(Key::F2).await;
        let field = page.role("dialog", Name::Any).role("textbox", Name::Any);
        field.wait_focused().await;
        page.press(Key::A.ctrl()).await;
        page.type_text("letters").await;
        page.press(Key::ENTER).await;
        heard(&page, "Something of that name is there already.").await;
        page.press(Key::ESCAPE).await;
        page.role("dialog", Name::Any).wait_gone().await;
        page.set_offline(true).await;
        press(&page, &page.button("New")).await;
        choose(&page, "New folder").await;
        answer(&page, "maps").await;
        heard(&page, "The server cannot be reached.").await;
        page.set_offline(false).await;
        browser.assert_quiet();
    });
}

/// Given, seen, taken and taken back: by the one who shares, and by the other.
#[test]
fn folders_are_shared_by_keyboard() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let (first, second) = (browser.profile().await, browser.profile().await);
        let ann = arrive(&server, &first, "ann").await;
        let bob = arrive(&server, &second, "bob").await;
        go_to(&ann, "Files").await;
        row(&ann, "letters").wait().await;
        let list = ann.role("grid", Name::Any);
        tab_to(&ann, &list).await;
        ann.press(Key::HOME).await;
        ann.press(Key::F10.shift()).await;
        choose(&ann, "Share…").await;
        let dialog = ann.role("dialog", Name::Any);
        dialog
            .role("textbox", "Add people or groups")
            .wait_focused()
            .await;
        ann.type_text("bob").await;
        ann.press(Key::ENTER).await;
        dialog.wait_text("bob will see").await;
        tab_to(&ann, &dialog.role("radio", Name::has("Viewer"))).await;
        ann.press(Key::DOWN).await;
        ann.press(Key::DOWN).await;
        dialog
            .role("radio", Name::has("Editor"))
            .wait_focused()
            .await;
        press(&ann, &dialog.button("Share")).await;
        heard(&ann, "bob: has access now").await;

        go_to(&bob, "Shared").await;
        press(&bob, &bob.button("Accept: letters")).await;
        let accept = bob.role("dialog", Name::Any);
        accept.role("textbox", Name::Any).wait_focused().await;
        bob.press(Key::ENTER).await;
        accept.wait_gone().await;
        let taken = bob.role("list", Name::Any).role("link", "letters");
        press(&bob, &taken).await;
        bob.heading("letters").wait().await;

        press(&ann, &dialog.button(Name::has("Access of bob"))).await;
        press(&ann, &dialog.button("Remove access")).await;
        heard(&ann, "bob has no access any more").await;
        ann.press(Key::ESCAPE).await;
        dialog.wait_gone().await;
        list.wait_focused().await;
        browser.assert_quiet();
    });
}
