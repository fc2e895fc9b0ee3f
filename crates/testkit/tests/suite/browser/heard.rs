//! What a screen reader says by itself: words that come into a live region
//! which was there before, and alerts as they appear (WAI-ARIA 1.2, 6.6.3).

use sv_testkit::Page;

/// Notes from now on what is read out.
const LISTEN: &str = "globalThis.heard = [];
    new MutationObserver((changes) => {
        for (const { target, addedNodes } of changes) {
            const at = target instanceof Element ? target : target.parentElement;
            const region = at?.closest('[role=status], [role=alert], [aria-live=polite]');
            if (region) heard.push(region.textContent);
            for (const added of addedNodes) {
                if (!(added instanceof Element)) continue;
                const alert = added.matches('[role=alert]') ? added : added.querySelector('[role=alert]');
                if (alert) heard.push(alert.textContent);
            }
        }
    }).observe(document.body, { subtree: true, childList: true, characterData: true }); true";

pub(crate) async fn listen(page: &Page) {
    page.evaluate(LISTEN).await;
}

/// Waits until words have been read out; what was before them counts no more.
pub(crate) async fn heard(page: &Page, words: &str) {
    let listen = format!(
        "new Promise((done) => {{
            const from = performance.now();
            const look = () => {{
                const at = heard.findIndex((text) => text.includes({words:?}));
                if (at >= 0) {{ heard.splice(0, at + 1); done('heard'); }}
                else if (performance.now() - from > 40000) done(JSON.stringify(heard));
                else setTimeout(look, 20);
            }};
            look();
        }})"
    );
    let told = page.evaluate(&listen).await;
    assert_eq!(told, "heard", "{words}; there is\n{}", page.outline().await);
}
