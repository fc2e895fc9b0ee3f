//! Shares inside a share, in the page: who makes them, and what becomes of them
//! when somebody is removed from what is around them.

use sv_client::drive::Drive;
use sv_client::sharing::{self, Last};
use sv_ledger::state::Role;
use sv_testkit::{Actor, Name, file, folder, put, run};

use super::person::{Person, stage, visit};
use crate::at_once::{accept, share};

/// Fails if the page is silent about what somebody who was removed still has
/// inside, or offers an editor to make a share of a part.
#[test]
fn what_is_shared_inside_is_included_and_what_is_kept_is_named() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let (actor, ann) = Actor::sign_up(&server, "ann").await;
        let (other, mallory) = Actor::sign_up(&server, "mallory").await;
        let mut drive = Drive::open(&ann).await.unwrap();
        let files = vec![
            folder("work"),
            folder("work/own"),
            folder("work/plain"),
            folder("work/plans"),
            file("work/plans/x.txt", "x"),
        ];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let work = share(&ann, "/work", &["mallory"], Role::Manager)
            .await
            .unwrap();
        accept(&mallory, work, "work").await;
        let plans = share(&mallory, "shared:work/plans", &[], Role::Viewer)
            .await
            .unwrap();
        accept(&ann, plans, "plans").await;
        let own = share(&ann, "/work/own", &["mallory"], Role::Editor)
            .await
            .unwrap();
        share(&ann, "/work", &["mallory"], Role::Editor)
            .await
            .unwrap();

        // An editor is told who can.
        let (first, second) = (browser.profile().await, browser.profile().await);
        let page = visit(&first, &server).await;
        Person::of(other).log_in(&server, &page).await;
        page.link(Name::has("Shared")).click().await;
        page.role("list", Name::Any)
            .role("link", "work")
            .click()
            .await;
        page.button("Actions for plain").click().await;
        let share = page.role("menuitem", Name::has("can share it on its own"));
        assert_eq!(share.state("disabled").await, true);
        page.assert_accessible("a part that an editor cannot share")
            .await;

        // Said before, done, and what is left is named.
        let page = visit(&second, &server).await;
        Person::of(actor).log_in(&server, &page).await;
        page.link("Files").click().await;
        page.button("Actions for work").click().await;
        page.role("menuitem", Name::has("Share…")).click().await;
        let dialog = page.role("dialog", Name::Any);
        dialog.button(Name::has("Access of mallory")).click().await;
        dialog.wait_text("shared on its own inside, too").await;
        dialog.button("Remove access").click().await;
        dialog.wait_text("mallory has no access any more").await;
        dialog
            .wait_text("Still theirs: /plans. mallory owns it.")
            .await;
        page.assert_accessible("what is still theirs").await;
        let path = "/work/own".parse().unwrap();
        let (drive, _) = sharing::open_at(&ann, &path, Last::Through).await.unwrap();
        assert_eq!(drive.vault().id(), own);
        let members = &drive.vault().replica().state().membership.members;
        assert!(!members.contains_key(&mallory.uid()), "{members:?}");
        browser.assert_quiet();
    });
}
