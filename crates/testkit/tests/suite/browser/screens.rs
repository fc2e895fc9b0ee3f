//! Every screen, on a desktop and on a phone, light and dark: none has a
//! barrier that axe calls serious. `cargo xtask screens` also writes what they
//! look like.

use std::path::PathBuf;

use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::sharing::{self, Terms};
use sv_client::vault::Vault;
use sv_ledger::state::Role;
use sv_server::service::account::Administers;
use sv_testkit::{
    Actor, Key, Name, PASSWORD, Page, Screen, TestPlatform, TestServer, file, folder, put, run,
};

use super::person::{Person, stage};

/// Where pictures go, if they are wanted.
const FOLDER: &str = "SV_SCREENS";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Looks at each screen as the walk comes by.
struct Gallery<'p> {
    page: &'p Page,
    folder: Option<PathBuf>,
    count: std::cell::Cell<u32>,
    barriers: std::cell::RefCell<Vec<String>>,
}

impl Gallery<'_> {
    async fn show(&self, name: &str) {
        self.show_between(name, async || {}, async || {}).await;
    }

    /// Opens before each picture what closes when the window changes its size,
    /// and closes it after it.
    async fn show_between(&self, name: &str, open: impl AsyncFn(), close: impl AsyncFn()) {
        let number = self.count.get() + 1;
        self.count.set(number);
        for (screen, is_dark) in [
            (Screen::Phone, true),
            (Screen::Phone, false),
            (Screen::Desktop, true),
            (Screen::Desktop, false),
        ] {
            let is_sample = (screen == Screen::Phone) == is_dark;
            if self.folder.is_none() && !is_sample {
                continue;
            }
            self.page.show_on(screen).await;
            self.page.prefer_dark(is_dark).await;
            open().await;
            if is_sample {
                let found = self.page.barriers().await.into_iter();
                let found = found.map(|what| format!("{name}, {screen:?}: {what}"));
                self.barriers.borrow_mut().extend(found);
            }
            if let Some(folder) = &self.folder {
                let (screen, scheme) = (
                    if screen == Screen::Phone {
                        "phone"
                    } else {
                        "desktop"
                    },
                    if is_dark { "dark" } else { "light" },
                );
                let file = format!("{number:02}-{name}-{screen}-{scheme}.png");
                self.page.screenshot(&folder.join(file)).await;
            }
            close().await;
        }
    }

    async fn menu(&self, button: &str, name: &str) {
        let open = async || {
            self.page.button(button).click().await;
            self.page.role("menu", Name::Any).wait().await;
        };
        let close = async || {
            self.page.press(Key::ESCAPE).await;
            self.page.role("menu", Name::Any).wait_gone().await;
        };
        self.show_between(name, open, close).await;
    }

    /// A dialog that a row's menu opens.
    async fn dialog(&self, item: &str, choice: &str, name: &str) {
        self.page
            .button(&format!("Actions for {item}"))
            .click()
            .await;
        self.page.role("menuitem", Name::has(choice)).click().await;
        self.page.role("dialog", Name::Any).wait().await;
        self.show(name).await;
        self.page.press(Key::ESCAPE).await;
        self.page.role("dialog", Name::Any).wait_gone().await;
    }
}

#[test]
fn every_screen_is_without_barriers() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let folder = std::env::var_os(FOLDER).map(PathBuf::from);
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).unwrap();
        }
        let profile = browser.profile().await;
        let by = Administers::at_the_machine();
        let accounts = server.server().app().accounts();
        let invited = accounts.invite(&by, true, DAY_MS).await.unwrap();
        let page = profile.open(&server.url()).await;
        let gallery = Gallery {
            page: &page,
            folder,
            count: 0.into(),
            barriers: Vec::new().into(),
        };
        page.heading("Only you can open what you keep here.")
            .wait()
            .await;
        gallery.show("landing").await;
        page.go(&format!("{}/signup#invite={}", server.url(), invited.code))
            .await;
        page.button("Create the account").wait().await;
        gallery.show("sign-up").await;
        let show = async |name: &str| gallery.show(name).await;
        let ada = Person::fill_in_sign_up(&server, &page, "ada", show).await;

        // Something to show.
        let session = ada.actor().log_in(&server).await;
        let mut drive = Drive::open(&session).await.unwrap();
        show_off(&mut drive).await;
        page.link("Home").click().await;
        page.heading("Recent").wait().await;
        gallery.show("home").await;

        page.link("Files").click().await;
        page.role("row", Name::has("contracts")).wait().await;
        gallery.show("files").await;
        gallery.menu("New", "new").await;
        page.button("New").click().await;
        page.role("menuitem", Name::has("Import Fernet tokens"))
            .click()
            .await;
        page.role("dialog", Name::Any).wait().await;
        gallery.show("import-tokens").await;
        page.press(Key::ESCAPE).await;
        page.role("dialog", Name::Any).wait_gone().await;
        gallery.menu("Actions for plan.md", "row-menu").await;
        gallery.dialog("plan.md", "Rename", "rename").await;
        gallery.dialog("plan.md", "Move to…", "move").await;
        gallery.dialog("plan.md", "Versions", "versions").await;
        gallery.dialog("plan.md", "Details", "details").await;
        let token = "Export as a Fernet token…";
        gallery.dialog("plan.md", token, "export-token").await;
        page.button(Name::has("Show as tiles")).click().await;
        gallery.show("tiles").await;
        page.button(Name::has("Show as a list")).click().await;
        page.role("row", Name::has("contracts"))
            .button("contracts")
            .click()
            .await;
        page.heading("contracts").wait().await;
        page.role("row", Name::has("flat-2026.txt")).wait().await;
        gallery.show("folder").await;
        page.role("searchbox", "Search all names")
            .fill("2026")
            .await;
        page.role("row", Name::has("flat-2026.txt")).wait().await;
        gallery.show("search").await;
        page.role("searchbox", "Search all names")
            .fill("no such thing")
            .await;
        page.heading("Nothing found").wait().await;
        gallery.show("nothing-found").await;

        for (name, screen) in [
            ("plan.md", "markdown"),
            ("picture.svg", "text"),
            ("data.bin", "no-preview"),
        ] {
            page.role("searchbox", "Search all names").fill(name).await;
            page.role("row", Name::has(name)).button(name).click().await;
            page.heading(name).wait().await;
            gallery.show(screen).await;
        }
        page.link("Notes").click().await;
        page.heading("No notes yet").wait().await;
        gallery.show("notes").await;
        page.link("Trash").click().await;
        page.heading("Trash").wait().await;
        gallery.show("trash").await;
        page.link("Settings").click().await;
        for (tab, text) in [
            ("Security", "Change the password"),
            ("Devices", "this device"),
            ("Appearance", "Theme"),
            ("Data", "Export everything"),
        ] {
            page.link(tab).click().await;
            page.role("main", Name::Any).wait_text(text).await;
            gallery.show(&tab.to_lowercase()).await;
        }
        show_sharing(&server, &gallery).await;
        page.link("Administration").click().await;
        for (tab, text) in [
            ("People", "ada"),
            ("Invitations", "Invite somebody"),
            ("Server", "Largest file"),
        ] {
            page.link(tab).click().await;
            page.role("main", Name::Any).wait_text(text).await;
            gallery.show(&tab.to_lowercase()).await;
        }
        page.set_offline(true).await;
        page.link("Files").click().await;
        page.role("row", Name::has("contracts")).wait().await;
        gallery.show("offline").await;
        page.set_offline(false).await;

        // Somebody else, who is not logged in.
        let other = browser.profile().await;
        let second = other.open(&server.url()).await;
        let gallery = Gallery {
            page: &second,
            folder: gallery.folder.clone(),
            count: gallery.count.clone(),
            barriers: gallery.barriers.clone(),
        };
        second.evaluate("location.hash = '/decrypt'").await;
        second.button("Decrypt").wait().await;
        gallery.show("decrypt").await;
        second.evaluate("location.hash = '/'").await;
        second.link("Log in").click().await;
        second.field("User name").wait().await;
        gallery.show("log-in").await;
        second.link("Forgot the password?").click().await;
        second.heading("Get back in").wait().await;
        gallery.show("recover").await;
        second.evaluate("location.hash = '/login'").await;
        second.field("User name").fill("ada").await;
        second.field("Password").fill(PASSWORD).await;
        second.button("Log in").click().await;
        second.heading("Your code").wait().await;
        gallery.show("code").await;

        let barriers = gallery.barriers.borrow();
        assert!(barriers.is_empty(), "{}", barriers.join("\n"));
        browser.assert_quiet();
    });
}

/// Everything about sharing, with somebody who shares back.
async fn show_sharing(server: &TestServer, gallery: &Gallery<'_>) {
    let page = gallery.page;
    let dialog = page.role("dialog", Name::Any);
    let main = page.role("main", Name::Any);
    page.link(Name::has("Shared")).click().await;
    page.heading("Nothing is shared with you").wait().await;
    gallery.show("nothing-shared").await;
    let (_, bob) = Actor::sign_up(server, "bob").await;
    share_back(&bob, &["recipes", "budget-2026"]).await;
    page.heading("budget-2026").wait().await;
    page.heading("recipes").wait().await;
    gallery.show("offers").await;
    page.button("Accept: recipes").click().await;
    dialog.wait().await;
    gallery.show("accept").await;
    dialog.button("Accept").click().await;
    main.role("link", "recipes").wait().await;
    gallery.show("shared-with-me").await;
    gallery.menu("Actions for recipes", "share-menu").await;
    page.link("Home").click().await;
    page.heading("Shared with me").wait().await;
    gallery.show("home-shared").await;

    page.link("Files").click().await;
    page.button("Actions for contracts").click().await;
    page.role("menuitem", Name::has("Share…")).click().await;
    dialog.wait_text("Add people or groups").await;
    gallery.show("share-empty").await;
    for who in ["bob", "carol", "ada", "no/body"] {
        dialog
            .role("textbox", "Add people or groups")
            .fill(who)
            .await;
        dialog.button("Add").click().await;
        dialog.role("list", "To be added").wait_text(who).await;
    }
    dialog.wait_text("No user name can be like this").await;
    dialog.wait_text("bob and carol will see").await;
    gallery.show("share-people").await;
    dialog.button("Do not add ada").click().await;
    dialog.button("Do not add no/body").click().await;
    dialog.role("radio", Name::has("Manager")).scroll(600).await;
    gallery.show("share-terms").await;
    dialog.button("Share").click().await;
    dialog.wait_text("bob: has access now").await;
    gallery.show("share-done").await;
    dialog.button(Name::has("Access of carol")).click().await;
    dialog.wait_text("Withdraw the invitation").await;
    gallery.show("share-pending").await;
    dialog.button("Back").click().await;
    dialog.button(Name::has("Access of bob")).click().await;
    dialog.wait_text("does not take back").await;
    gallery.show("share-member").await;
    dialog.button("Make owner").click().await;
    dialog.wait_text("becomes the owner").await;
    gallery.show("share-transfer").await;
    dialog.button("Close").click().await;
    page.role("row", Name::has("contracts"))
        .button("contracts")
        .click()
        .await;
    page.button("Who has access").wait().await;
    gallery.show("shared-folder").await;
    page.link("Activity").click().await;
    main.wait_text("gave bob access").await;
    gallery.show("activity").await;

    page.link(Name::has("Shared")).click().await;
    page.link("By me").click().await;
    main.role("link", "contracts").wait().await;
    gallery.show("shared-by-me").await;
    page.link("Groups").click().await;
    page.heading("No groups yet").wait().await;
    gallery.show("no-groups").await;
    page.button("New group").click().await;
    dialog.role("textbox", "Name").fill("Family").await;
    dialog.button("Create").click().await;
    dialog.button("Add bob").click().await;
    dialog.wait_text("bob will see all that is shared").await;
    gallery.show("group").await;
    dialog.button("Add to the group").click().await;
    dialog.wait_text("bob: has access now").await;
    dialog.button("Done").click().await;
    page.button("Family").wait().await;
    gallery.show("groups").await;
    page.link("People").click().await;
    page.button(Name::has("bob")).wait().await;
    gallery.show("contacts").await;
    page.button(Name::has("bob")).click().await;
    dialog.wait_text("Safety number").await;
    gallery.show("safety").await;
    dialog.button("The numbers are the same").click().await;
    dialog.wait_text("You have compared these very keys.").await;
    gallery.show("verified").await;
    dialog.button("Done").click().await;
    page.button("Show my code").click().await;
    dialog.role("textbox", "Your code").wait().await;
    gallery.show("own-code").await;
    dialog.button("Done").click().await;
}

/// Shares new folders with ada.
async fn share_back(session: &Session<TestPlatform>, names: &[&str]) {
    let mut drive = Drive::open(session).await.unwrap();
    for name in names {
        let files = vec![folder(name), file(&format!("{name}/list.txt"), "1, 2, 3")];
        put(&mut drive, "/", files).await.unwrap();
    }
    drop(drive);
    let mut account = Vault::account(session).await.unwrap();
    let ada = sharing::invitees(&mut account, &["ada".to_owned()])
        .await
        .unwrap();
    let terms = Terms {
        role: Role::Editor,
        expires_ms: 0,
        with_history: false,
    };
    for name in names {
        let path = format!("/{name}").parse().unwrap();
        sharing::share(session, &mut account, &path, &ada, &terms)
            .await
            .unwrap();
    }
}

/// What a new vault might hold.
async fn show_off(drive: &mut Drive<'_, sv_testkit::TestPlatform>) {
    let files = vec![
        folder("contracts"),
        file("contracts/flat-2026.txt", "Rent and terms."),
        folder("holiday"),
        file("holiday/beach.jpg", vec![0xff; 300_000]),
        file(
            "plan.md",
            "# Plan\n\n- [x] pack\n- [ ] go\n\n| what | when |\n|---|---|\n| swim | daily |\n",
        ),
        file("picture.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
        file("data.bin", vec![7; 5_000_000]),
    ];
    put(drive, "/", files).await.unwrap();
    let again = vec![file("plan.md", "# Plan\n\n- [x] pack\n- [x] go\n")];
    put(drive, "/", again).await.unwrap();
}
