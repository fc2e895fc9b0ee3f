//! Everyday work without a mouse.

use sv_client::drive::Drive;
use sv_testkit::{Actor, Element, Key, Name, PASSWORD, Page, Screen, folder, put, run};

use super::everyday::row;
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

        tab_to(&page, &page.link("Log in")).await;
        page.press(Key::ENTER).await;
        tab_to(&page, &page.field("User name")).await;
        page.type_text(ines.handle).await;
        tab_to(&page, &page.field("Password")).await;
        page.type_text(PASSWORD).await;
        page.press(Key::ENTER).await;
        tab_to(&page, &page.field("One-time code")).await;
        page.type_text(&ines.code(&server)).await;
        tab_to(&page, &page.link("Files")).await;
        page.press(Key::ENTER).await;
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
