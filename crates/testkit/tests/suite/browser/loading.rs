//! The page is there before its engine, which may take long, or not come at
//! all: both are said, and neither costs what was typed.

use sv_testkit::{Name, PASSWORD, Page, Proxy, Trouble, run};

use super::person::{Person, stage};

const LOADING: &str = "What encrypts on this device is still loading…";
const MISSING: &str = "What encrypts on this device could not be loaded.";
const MISSING_IN_HINDI: &str = "इस डिवाइस पर एन्क्रिप्ट करने वाला प्रोग्राम लोड नहीं हुआ।";
/// The engine's own files; the page has none with this in its name.
const ENGINE: &str = "engine";

/// What the page says of how it stands; only what comes into such a region is
/// read out.
async fn said(page: &Page, words: &str) {
    let regions = "[...document.querySelectorAll('[role=status], [role=alert]')]";
    let is_said = format!(
        "new Promise((done) => {{ const look = () => {regions}.some((region) => \
            region.innerText.includes({words:?})) ? done(true) : setTimeout(look, 20); look() }})"
    );
    assert_eq!(page.evaluate(&is_said).await, true);
}

/// Fails if a form that was sent before the engine came is lost, or says
/// nothing while it waits.
#[test]
fn an_engine_that_takes_long_is_waited_for() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let proxy = Proxy::before(&server.url()).await;
        proxy.make(Trouble::Held, ENGINE);
        let profile = browser.profile().await;
        let page = profile.open(&proxy.url()).await;
        page.heading("Only you can open what you keep here.")
            .wait()
            .await;
        page.link("Log in").click().await;
        page.field("User name").fill("nobody").await;
        page.field("Password").fill(PASSWORD).await;
        page.button("Log in").click().await;
        said(&page, LOADING).await;
        page.assert_accessible("an engine that takes long").await;
        proxy.clear();
        // The form was sent, and is answered.
        said(&page, "The user name or password is wrong.").await;
        browser.assert_quiet();
    });
}

/// Fails if the page says that it has stopped, or tries again without loading
/// what the service worker lacked as well.
#[test]
fn an_engine_that_does_not_come_is_tried_again() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let proxy = Proxy::before(&server.url()).await;
        for (handle, trouble) in [
            ("olga", Trouble::Broken),
            ("otto", Trouble::Refused),
            ("oona", Trouble::Cut),
        ] {
            proxy.make(trouble, ENGINE);
            let profile = browser.profile().await;
            let page = profile.open(&proxy.url()).await;
            said(&page, MISSING).await;
            page.link("Sign up").click().await;
            said(&page, MISSING).await;
            page.assert_accessible("an engine that does not come").await;
            // Still not there: it says so again.
            page.button("Try again").click().await;
            said(&page, MISSING).await;
            proxy.clear();
            page.button("Try again").click().await;
            let person = Person::fill_in_sign_up(&server, &page, handle, async |_| {}).await;
            assert_eq!(person.recovery_words.len(), 24);
            page.link("Files").wait().await;
            let has_worker = "navigator.serviceWorker.ready.then(({ active }) => Boolean(active))";
            assert_eq!(page.evaluate(has_worker).await, true);
            page.close().await;
        }
        // What did not come is complained of, by the browser and the engine.
        browser.complaints();
    });
}

/// Fails if there is an empty page where its own module takes long, or does
/// not come.
#[test]
fn a_page_that_does_not_come_is_said_and_tried_again() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let proxy = Proxy::before(&server.url()).await;
        for (part, trouble) in [
            ("sv_web", Trouble::Broken),
            (".wasm", Trouble::Refused),
            (".wasm", Trouble::Cut),
            (".wasm", Trouble::Held),
        ] {
            proxy.make(trouble, part);
            let profile = browser.profile().await;
            let page = profile.open(&proxy.url()).await;
            page.heading("SecureVault").wait().await;
            let is_slow = trouble == Trouble::Held;
            let words = match is_slow {
                true => "This page is still loading.",
                false => "This page could not be loaded.",
            };
            page.role("main", Name::Any).wait_text(words).await;
            page.assert_accessible("a page that does not come").await;
            proxy.clear();
            // What was held comes by itself.
            if !is_slow {
                page.link(Name::has("Try again")).click().await;
            }
            page.heading("Only you can open what you keep here.")
                .wait()
                .await;
            page.close().await;
        }
        browser.complaints();
    });
}

/// Somebody who was logged in here waits for the engine with the whole page.
#[test]
fn who_was_here_before_can_try_again_as_well() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let proxy = Proxy::before(&server.url()).await;
        proxy.make(Trouble::Refused, ENGINE);
        let profile = browser.profile().await;
        let page = profile.open(&proxy.url()).await;
        said(&page, MISSING).await;
        page.button("हिन्दी").click().await;
        said(&page, MISSING_IN_HINDI).await;
        let mark = "localStorage.setItem('account', 'known')";
        page.evaluate(mark).await;
        page.reload().await;
        page.heading("तिजोरी यहाँ शुरू नहीं हो सकती").wait().await;
        said(&page, MISSING_IN_HINDI).await;
        page.assert_accessible("a vault whose engine does not come")
            .await;
        proxy.make(Trouble::Held, ENGINE);
        page.button("फिर कोशिश करें").click().await;
        said(&page, "आपकी तिजोरी खुल रही है…").await;
        said(&page, "प्रोग्राम अभी लोड हो रहा है…").await;
        proxy.clear();
        page.heading(Name::has("केवल आप खोल सकते हैं।")).wait().await;
        browser.complaints();
    });
}
