//! The page and other programs work on the same vault.

use sv_client::drive::Drive;
use sv_testkit::{Name, Screen, file, get, put, run};
use tempfile::TempDir;

use super::person::{Person, stage, visit};

#[test]
fn what_the_page_writes_others_read_and_the_other_way_round() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let local = TempDir::new().unwrap();
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Phone).await;
        let erin = Person::sign_up(&server, &page, "erin").await;
        let small = local.path().join("written by the page.txt");
        std::fs::write(&small, "read by a program").unwrap();
        page.link("Files").click().await;
        page.button("New").click().await;
        let upload = page.role("menuitem", Name::has("Upload files"));
        page.choose(&upload, &[&small]).await;
        page.role("row", Name::has("written by the page"))
            .wait()
            .await;

        let session = erin.actor().log_in(&server).await;
        let mut drive = Drive::open(&session).await.unwrap();
        let got = get(&drive, "/").await.unwrap();
        assert_eq!(got["written by the page.txt"], b"read by a program");
        let files = vec![file("written by a program.md", "# Read by the page")];
        put(&mut drive, "/", files).await.unwrap();

        let row = page.role("row", Name::has("written by a program"));
        row.button("written by a program.md").click().await;
        page.heading("Read by the page").wait().await;
        page.assert_accessible("a preview").await;
        browser.assert_quiet();
    });
}
