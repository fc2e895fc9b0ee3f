//! Transfers under way: paused, taken up, cancelled and tried again, from
//! whatever screen is shown.

use std::time::Duration;

use sv_testkit::{Screen, run};
use tempfile::TempDir;

use super::everyday::{
    MIB, UNDER_WAY, choose, open_files, random_file, row, settle, some_blocks, upload,
};
use super::person::{Person, saved, sha256_of, stage, visit};
use super::shared::look;

#[test]
fn an_upload_is_paused_cancelled_and_tried_again() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let local = TempDir::new().unwrap();
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Phone).await;
        Person::sign_up(&server, &page, "karl").await;
        let len = 160 * MIB;
        let blocks = len / (4 * MIB);
        let file = random_file(local.path(), "film.bin", len);
        let transfers = page.role("list", "Transfers");

        open_files(&page).await;
        upload(&page, &file).await;
        some_blocks(&server, 0).await;
        look(&page, "upload").await;
        page.show_on(Screen::Phone).await;
        page.button("Pause").click().await;
        transfers.wait_text("Paused").await;
        let stored = server.block_files().len();
        // It survives that another screen is shown.
        page.link("Home").click().await;
        page.heading("Recent").wait().await;
        transfers.wait_text("Paused").await;
        let later = server.block_files().len();
        assert!(later < blocks && later <= stored + UNDER_WAY, "{later}");
        page.assert_accessible("a paused upload").await;

        page.button("Resume").click().await;
        some_blocks(&server, later).await;
        page.button("Cancel").click().await;
        transfers.wait_text("Cancelled").await;
        open_files(&page).await;
        assert!(!row(&page, "film.bin").is_there().await);
        page.button("Try again").click().await;
        row(&page, "film.bin").wait().await;
        settle(&page).await;
        choose(&page, "film.bin", "Download").await;
        assert_eq!(saved(&page).await, Some(sha256_of(&file)));
        browser.assert_quiet();
    });
}

/// Blocks that were under way fail while it is paused. Fails if that makes it
/// wait for the server: it would not be paused for who looks at it, and go on
/// at no press of a button.
#[test]
fn a_pause_outlasts_the_line() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let local = TempDir::new().unwrap();
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        Person::sign_up(&server, &page, "kim").await;
        let file = random_file(local.path(), "film.bin", 160 * MIB);
        let transfers = page.role("list", "Transfers");
        open_files(&page).await;
        upload(&page, &file).await;
        some_blocks(&server, 0).await;
        page.set_offline(true).await;
        page.button("Pause").click().await;
        transfers.wait_text("Paused").await;
        // Longer than it takes to try each block again and give up.
        tokio::time::sleep(Duration::from_secs(6)).await;
        let said = transfers.text().await;
        assert!(said.contains("Paused"), "{said}");
        page.set_offline(false).await;
        page.button("Resume").click().await;
        row(&page, "film.bin").wait().await;
        settle(&page).await;
        browser.assert_quiet();
    });
}
