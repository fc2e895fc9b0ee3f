//! Plain HTTP to another machine: the page says why it cannot work, and how it
//! could.

use sv_testkit::run;

use super::person::stage;

const IGNORED: &str = "The Cross-Origin-Opener-Policy header has been ignored";

#[test]
fn on_plain_http_elsewhere_the_page_explains() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        // A name that the harness has for this machine, and the browser not.
        let elsewhere = server.url().replace("localhost", "vault.test");
        let page = profile.open(&elsewhere).await;
        page.heading("This address is not encrypted").wait().await;
        page.assert_accessible("the explanation").await;
        // The browser says itself that it ignores a header there.
        let complaints = browser.complaints();
        let others = complaints.iter().filter(|c| !c.contains(IGNORED));
        assert_eq!(others.count(), 0, "{complaints:?}");
    });
}
