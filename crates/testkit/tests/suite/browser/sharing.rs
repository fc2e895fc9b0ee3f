//! People share in their browsers: on a desktop and on a phone, live.

use std::sync::Arc;

use sv_api::Wire;
use sv_api::endpoint::LookUpHandles;
use sv_api::share::Directory;
use sv_client::drive::Drive;
use sv_client::vault::Vault;
use sv_testkit::{
    Actor, Answer, Liar, Name, Page, Profile, Screen, TestServer, file, folder, put, run,
};

use super::person::{Person, stage, visit};
use super::shared::look;
use crate::evil::sharing::forged;

/// Somebody with a folder, logged in on a screen.
async fn arrive<'b>(
    server: &TestServer,
    profile: &Profile<'b>,
    handle: &str,
    screen: Screen,
) -> Page {
    let (actor, session) = Actor::sign_up(server, handle).await;
    let mut drive = Drive::open(&session).await.unwrap();
    let files = vec![folder("contracts"), file("contracts/flat.txt", "Rent.")];
    put(&mut drive, "/", files).await.unwrap();
    let page = visit(profile, server).await;
    page.show_on(screen).await;
    Person::of(actor).log_in(server, &page).await;
    page
}

fn dialog(page: &Page) -> sv_testkit::Element {
    page.role("dialog", Name::Any)
}

/// Opens the dialog of a row and puts somebody on its list.
async fn add(page: &Page, item: &str, who: &str) {
    page.button(&format!("Actions for {item}")).click().await;
    page.role("menuitem", Name::has("Share…")).click().await;
    add_here(page, "Add people or groups", who).await;
}

async fn add_here(page: &Page, field: &str, who: &str) {
    dialog(page).role("textbox", field).fill(who).await;
    dialog(page).button("Add").click().await;
    dialog(page)
        .role("list", "To be added")
        .wait_text(who)
        .await;
}

async fn open_shared(page: &Page, tab: &str) {
    page.link(Name::has("Shared")).click().await;
    page.link(Name::has(tab)).click().await;
}

#[test]
fn two_people_share_and_see_each_others_changes() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let (first, second) = (browser.profile().await, browser.profile().await);
        let ann = arrive(&server, &first, "ann", Screen::Desktop).await;
        let bob = arrive(&server, &second, "bob", Screen::Phone).await;

        // Who will see what is said before it happens.
        ann.link("Files").click().await;
        add(&ann, "contracts", "bob").await;
        dialog(&ann).wait_text("Not verified").await;
        dialog(&ann).wait_text("bob will see 1 file").await;
        dialog(&ann)
            .role("radio", Name::has("Editor"))
            .click()
            .await;
        ann.assert_accessible("the share dialog").await;
        dialog(&ann).button("Share").click().await;
        dialog(&ann).wait_text("bob: has access now").await;
        dialog(&ann).button(Name::has("Access of bob")).wait().await;
        dialog(&ann).button("Done").click().await;

        // The offer arrives while bob looks elsewhere; he takes it.
        bob.link(Name::has("1 new")).click().await;
        bob.heading("contracts").wait().await;
        bob.assert_accessible("an offer").await;
        bob.button("Accept: contracts").click().await;
        dialog(&bob).button("Accept").click().await;
        dialog(&bob).wait_gone().await;
        bob.role("list", Name::Any)
            .role("link", "contracts")
            .click()
            .await;
        bob.role("row", Name::has("flat.txt")).wait().await;

        // Each sees what the other does.
        bob.button("Actions for flat.txt").click().await;
        bob.role("menuitem", Name::has("Rename")).click().await;
        dialog(&bob).role("textbox", "Name").fill("rent.txt").await;
        dialog(&bob).button("Rename").click().await;
        ann.role("row", Name::has("contracts"))
            .button("contracts")
            .click()
            .await;
        ann.role("row", Name::has("rent.txt")).wait().await;
        ann.button("New").click().await;
        ann.role("menuitem", Name::has("New folder")).click().await;
        dialog(&ann).role("textbox", "Name").fill("photos").await;
        dialog(&ann).button("Create").click().await;
        bob.role("row", Name::has("photos")).wait().await;

        // Less, then nothing: the page closes what it showed.
        ann.button("Who has access").click().await;
        dialog(&ann)
            .button(Name::has("Access of bob"))
            .click()
            .await;
        dialog(&ann)
            .role("radio", Name::has("Viewer"))
            .click()
            .await;
        dialog(&ann).button("Save").click().await;
        dialog(&ann).wait_text("bob: changed").await;
        let main = bob.role("main", Name::Any);
        main.wait_text("change nothing").await;
        dialog(&ann)
            .button(Name::has("Access of bob"))
            .click()
            .await;
        dialog(&ann).wait_text("does not take back").await;
        dialog(&ann).button("Remove access").click().await;
        dialog(&ann).wait_text("bob has no access any more").await;
        main.wait_text("You no longer have access").await;
        bob.role("row", Name::has("rent.txt")).wait_gone().await;

        // What happened, signed.
        dialog(&ann).button("Activity").click().await;
        let main = ann.role("main", Name::Any);
        main.wait_text("took access from bob").await;
        main.wait_text("changed rent.txt").await;
        main.wait_text("as stated by bob").await;
        ann.assert_accessible("activity").await;
        browser.assert_quiet();
    });
}

#[test]
fn people_are_waited_for_compared_and_put_into_groups() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let (first, second) = (browser.profile().await, browser.profile().await);
        let ann = arrive(&server, &first, "ann", Screen::Phone).await;

        // Bob has no account when he is invited.
        ann.link("Files").click().await;
        add(&ann, "contracts", "bob").await;
        dialog(&ann).wait_text("No account yet").await;
        dialog(&ann).button("Share").click().await;
        dialog(&ann)
            .wait_text("bob: you are asked after they have signed up")
            .await;
        dialog(&ann).button("Done").click().await;
        let bob = arrive(&server, &second, "bob", Screen::Desktop).await;
        open_shared(&ann, "By me").await;
        // Whoever has the name now has nothing by that.
        ann.role("status", "Messages")
            .wait_text("Nobody has verified that it is them")
            .await;
        ann.button("Give access").click().await;
        bob.link(Name::has("1 new")).wait().await;

        // Both see one number; each remembers that it was compared.
        open_shared(&ann, "People").await;
        ann.button(Name::has("bob")).click().await;
        let number = ann.role("image", Name::has("Safety number"));
        let seen = number.wait().await.names().await;
        ann.assert_accessible("a safety number").await;
        dialog(&ann)
            .button("The numbers are the same")
            .click()
            .await;
        dialog(&ann).wait_text("Verified").await;
        dialog(&ann).button("Done").click().await;
        ann.button("Show my code").click().await;
        let code = dialog(&ann).role("textbox", "Your code").text().await;
        dialog(&ann).button("Done").click().await;
        open_shared(&bob, "People").await;
        bob.button(Name::has("ann")).click().await;
        let number = bob.role("image", Name::has("Safety number"));
        assert_eq!(number.wait().await.names().await, seen);
        let theirs = dialog(&bob).role("textbox", "Their code as text");
        theirs.fill("svid1-AAAA").await;
        dialog(&bob).button("Compare").click().await;
        dialog(&bob)
            .wait_text("This is not the code of a person.")
            .await;
        theirs.fill(&code).await;
        dialog(&bob).button("Compare").click().await;
        dialog(&bob)
            .wait_text("You have compared these very keys.")
            .await;
        dialog(&bob).button("Done").click().await;

        // What is shared with a group follows who is in it.
        open_shared(&bob, "Groups").await;
        bob.button("New group").click().await;
        dialog(&bob).role("textbox", "Name").fill("Family").await;
        dialog(&bob).button("Create").click().await;
        dialog(&bob).button("Add ann").click().await;
        dialog(&bob).button("Add to the group").click().await;
        dialog(&bob).wait_text("ann: has access now").await;
        bob.assert_accessible("a group").await;
        dialog(&bob).button("Done").click().await;
        bob.link("Files").click().await;
        bob.button("Actions for contracts").click().await;
        bob.role("menuitem", Name::has("Share…")).click().await;
        dialog(&bob).button("Add Family").click().await;
        dialog(&bob).button("Share").click().await;
        dialog(&bob).wait_text("Family: has access now").await;
        dialog(&bob).button("Done").click().await;
        open_shared(&ann, "With me").await;
        ann.button("Accept: contracts").click().await;
        dialog(&ann).role("textbox", Name::Any).fill("of bob").await;
        dialog(&ann).button("Accept").click().await;
        ann.role("list", Name::Any)
            .role("link", "of bob")
            .click()
            .await;
        ann.role("row", Name::has("flat.txt")).wait().await;

        open_shared(&bob, "Groups").await;
        bob.button("Family").click().await;
        dialog(&bob)
            .button(Name::has("Access of ann"))
            .click()
            .await;
        dialog(&bob).button("Remove from the group").click().await;
        dialog(&bob).wait_text("ann has no access any more").await;
        ann.role("main", Name::Any)
            .wait_text("You no longer have access")
            .await;
        browser.assert_quiet();
    });
}

/// Fails if the open dialog does not see that they have come, or lets nobody
/// in.
#[test]
fn whoever_has_come_is_let_in_from_the_dialog() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        let ann = arrive(&server, &profile, "ann", Screen::Desktop).await;
        ann.link("Files").click().await;
        add(&ann, "contracts", "bob").await;
        dialog(&ann).wait_text("No account yet").await;
        dialog(&ann)
            .role("radio", Name::has("Editor"))
            .click()
            .await;
        dialog(&ann).button("Share").click().await;
        dialog(&ann)
            .wait_text("bob: you are asked after they have signed up")
            .await;
        let bob = dialog(&ann).button(Name::has("Access of bob"));
        bob.click().await;
        dialog(&ann).wait_text("you are asked").await;
        ann.assert_accessible("somebody who is waited for").await;

        // The page looks for him while the dialog is open.
        let (_, session) = Actor::sign_up(&server, "bob").await;
        dialog(&ann)
            .wait_text("bob has an account now. Nobody has verified that it is them.")
            .await;
        ann.assert_accessible("somebody who has come").await;
        look(&ann, "came").await;
        dialog(&ann).button("Check who bob is").click().await;
        dialog(&ann)
            .role("image", Name::has("Safety number"))
            .wait()
            .await;
        dialog(&ann).button("Back").click().await;
        bob.click().await;
        dialog(&ann).button("Give access").click().await;
        dialog(&ann).wait_text("bob: has access now").await;
        // The list follows what is said.
        dialog(&ann)
            .button("Access of bob: Editor, Not verified")
            .wait()
            .await;
        look(&ann, "let-in").await;

        let account = Vault::account(&session).await.unwrap();
        let offers = sv_client::sharing::shares(&session, &account)
            .await
            .unwrap();
        assert_eq!(offers.len(), 1);
        assert_eq!(offers[0].name, "contracts");
        browser.assert_quiet();
    });
}

/// A13 in the page. The server shows another account under a name that is
/// known. Taking [`sv_client::Tamper::Contact`] for an ordinary answer makes
/// this fail.
#[test]
fn a13_a_substituted_account_is_shown_as_such_and_gets_nothing() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let (actor, session) = Actor::sign_up(&server, "ann").await;
        let mut drive = Drive::open(&session).await.unwrap();
        put(&mut drive, "/", vec![file("plan.txt", "x")])
            .await
            .unwrap();
        drop(drive);
        Actor::sign_up(&server, "bob").await;
        let port = server.url().rsplit(':').next().unwrap().parse().unwrap();
        let liar = Liar::before(port).await;
        let profile = browser.profile().await;
        let ann = profile
            .open(&format!("http://localhost:{}", liar.port()))
            .await;
        Person::of(actor).log_in(&server, &ann).await;

        // The honest run: bob is found, and remembered.
        ann.link("Files").click().await;
        add(&ann, "plan.txt", "bob").await;
        dialog(&ann).wait_text("Not verified").await;
        dialog(&ann).button("Close").click().await;

        let another = forged(session.profile().instance.id, "bob", &session);
        let body = Directory {
            chains: vec![Some(another)],
        };
        let body = body.to_bytes();
        liar.lie::<LookUpHandles>(Arc::new(Answer {
            claims: body.len() as u64,
            body,
        }));
        add(&ann, "plan.txt", "bob").await;
        dialog(&ann).wait_text("nothing is shared with them").await;
        dialog(&ann).button("Share").click().await;
        dialog(&ann).wait_text("Take bob off the list first.").await;
        dialog(&ann).button("Check who bob is").click().await;
        dialog(&ann).wait_text("Another identity").await;
        let confirm = dialog(&ann).button("The numbers are the same");
        assert!(!confirm.is_there().await);
        ann.assert_accessible("another identity").await;
        dialog(&ann).button("Close").click().await;

        // Nothing else is touched by it.
        assert!(liar.be_honest() > 0);
        ann.role("row", Name::has("plan.txt")).wait().await;
        add(&ann, "plan.txt", "bob").await;
        dialog(&ann).wait_text("Not verified").await;
        browser.assert_quiet();
    });
}
