//! That the harness sees what it says it sees: a test that could not fail
//! would show nothing.

use sv_testkit::{Browser, Key, Name, Screen, TestServer, run};

/// Pages are found by role and name, on every screen; a script that the
/// policy stops, and one that fails, are complaints.
#[test]
fn pages_are_found_by_name_and_what_is_wrong_with_them_is_noticed() {
    run(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let server = TestServer::start().await;
        let profile = browser.profile().await;
        let page = profile.open(&server.url()).await;
        page.show_on(Screen::Phone).await;
        page.prefer_dark(true).await;
        assert!(page.heading(Name::Any).wait().await.count().await > 0);
        page.press(Key::TAB).await;
        assert_eq!(page.evaluate("innerWidth").await, 390);
        browser.assert_quiet();

        // What a policy forbids is a complaint, and does not run.
        let foreign = "new Promise((done) => { const picture = new Image(); \
                       picture.onload = () => done('there'); picture.onerror = () => done('refused'); \
                       picture.src = 'https://elsewhere.example/x.png'; })";
        assert_eq!(page.evaluate(foreign).await, "refused");
        let markup = "try { document.body.innerHTML = '<b>'; 'taken' } catch { 'refused' }";
        assert_eq!(page.evaluate(markup).await, "refused");
        let complaints = browser.complaints().join("\n");
        assert!(complaints.contains("img-src"), "{complaints}");
        assert!(
            complaints.contains("require-trusted-types-for"),
            "{complaints}"
        );

        // So is an exception, and what axe finds.
        page.evaluate("setTimeout(() => { throw new Error('on purpose') }); 0")
            .await;
        page.evaluate("new Promise((done) => setTimeout(done))")
            .await;
        let complaints = browser.complaints().join("\n");
        assert!(complaints.contains("on purpose"), "{complaints}");
        let nameless = "document.body.append(document.createElement('button')); 0";
        page.evaluate(nameless).await;
        let barriers = page.barriers().await.join("\n");
        assert!(barriers.contains("button-name"), "{barriers}");
    });
}

/// What is drawn anew under the pointer, before the press or in the middle of
/// it, is pressed all the same, and once.
#[test]
fn a_press_is_not_lost_when_its_button_is_drawn_anew() {
    run(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let server = TestServer::start().await;
        let profile = browser.profile().await;
        let page = profile.open(&server.url()).await;
        for moment in ["pointermove", "pointerdown"] {
            let restless = format!(
                "document.body.replaceChildren(); globalThis.presses = 0;
                const draw = (top, isLast) => {{
                    const button = document.createElement('button');
                    button.textContent = 'Go';
                    Object.assign(button.style, {{ position: 'absolute', top }});
                    button.onclick = () => presses += 1;
                    if (!isLast) button.on{moment} = () => {{ button.remove(); draw('300px', true) }};
                    document.body.append(button);
                }};
                draw('50px', false)"
            );
            page.evaluate(&format!("{{ {restless} }}")).await;
            page.button("Go").click().await;
            assert_eq!(page.evaluate("presses").await, 1, "{moment}");
        }
    });
}

/// Two profiles share nothing, and a browser without a network has none.
#[test]
fn people_have_storage_and_a_network_of_their_own() {
    run(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let server = TestServer::start().await;
        let (first, second) = (browser.profile().await, browser.profile().await);
        let one = first.open(&server.url()).await;
        let two = second.open(&server.url()).await;
        one.evaluate("localStorage.setItem('who', 'one')").await;
        assert_eq!(
            two.evaluate("localStorage.getItem('who')").await,
            serde_json::Value::Null
        );
        // A service worker that has just begun learns of it a moment later.
        let comes_to = |wanted: &str| {
            format!(
                "(async () => {{ for (let round = 0; round < 200; round += 1) {{
                    const found = await fetch('/v1/instance').then(() => 'reached', () => 'offline');
                    if (found === '{wanted}') return true;
                    await new Promise((done) => setTimeout(done, 50));
                }} return false }})()"
            )
        };
        assert_eq!(one.evaluate(&comes_to("reached")).await, true);
        one.set_offline(true).await;
        assert_eq!(one.evaluate(&comes_to("offline")).await, true);
        one.set_offline(false).await;
        one.note_requests();
        assert_eq!(one.evaluate(&comes_to("reached")).await, true);
        assert!(
            one.requests()
                .iter()
                .any(|url| url.ends_with("/v1/instance"))
        );
        browser.assert_quiet();
    });
}
