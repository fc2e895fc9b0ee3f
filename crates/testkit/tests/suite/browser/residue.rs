//! What a browser keeps of somebody, logged in and afterwards.

use sv_testkit::{Name, PASSWORD, Page, Screen, run};

use super::person::{Person, stage, visit};

/// Everything that a page can find in its browser's storage, as one text;
/// bytes as Latin-1 and as base64url. A key that could be taken out of it says so.
const STORAGE: &str = "(async () => {
  const latin = (bytes) => Array.from(bytes, (b) => String.fromCharCode(b)).join('');
  const tell = (value) => {
    if (value instanceof CryptoKey) return value.extractable ? 'EXTRACTABLE KEY' : 'a key';
    if (value instanceof ArrayBuffer) return latin(new Uint8Array(value));
    if (ArrayBuffer.isView(value)) return latin(new Uint8Array(value.buffer));
    if (Array.isArray(value)) return value.map(tell).join(' ');
    if (value && typeof value === 'object') return Object.values(value).map(tell).join(' ');
    return String(value);
  };
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const all = [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), document.cookie];
  for (const { name } of await indexedDB.databases()) {
    const db = await done(indexedDB.open(name));
    for (const store of db.objectStoreNames) {
      const reading = db.transaction(store).objectStore(store);
      all.push(store, ...(await done(reading.getAllKeys())).map(tell));
      all.push(...(await done(db.transaction(store).objectStore(store).getAll())).map(tell));
    }
    db.close();
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    all.push(name, ...(await cache.keys()).map((request) => request.url));
  }
  return all.join('\\n');
})()";

async fn storage(page: &Page) -> String {
    page.evaluate(STORAGE).await.as_str().unwrap().to_owned()
}

/// A51: no password, recovery word, one-time secret, token or name of a file is
/// in the browser's storage, and no key that could be taken out; after log-out
/// nothing of the account's state is. Writing any of it in clear, or leaving
/// the cache behind, makes this fail.
#[test]
fn a51_a_browser_keeps_no_secret_in_clear_and_nothing_after_log_out() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        page.show_on(Screen::Desktop).await;
        let dora = Person::sign_up(&server, &page, "dora").await;
        page.link("Files").click().await;
        page.button("New").click().await;
        page.role("menuitem", Name::has("New folder")).click().await;
        let dialog = page.role("dialog", Name::Any);
        dialog
            .role("textbox", "Name")
            .fill("canary-folder-name")
            .await;
        dialog.button("Create").click().await;
        page.role("row", Name::has("canary-folder-name"))
            .wait()
            .await;

        let kept = storage(&page).await;
        // There is something to look at.
        assert!(kept.contains("profile") && kept.contains("a key"), "{kept}");
        let words = dora.recovery_words.join(" ");
        let secrets = [
            PASSWORD,
            &dora.totp_secret,
            &words,
            "canary-folder-name",
            "EXTRACTABLE",
        ];
        for secret in secrets {
            assert!(!kept.contains(secret), "{secret} in {kept}");
        }
        // The token is where no script sees it.
        let cookies = page.evaluate("document.cookie").await;
        assert_eq!(cookies, "");
        // A reload opens the vault without a password, as long as the session lives.
        page.reload().await;
        page.link("Files").click().await;
        page.role("row", Name::has("canary-folder-name"))
            .wait()
            .await;

        page.button(Name::has("Account of ")).click().await;
        page.role("menuitem", Name::has("Log out")).click().await;
        page.button("Log in").wait().await;
        let left = storage(&page).await;
        assert!(
            kept.contains("vaults/") && !left.contains("vaults/"),
            "{left}"
        );
        assert!(left.len() < kept.len(), "{left}");
        for secret in secrets {
            assert!(!left.contains(secret), "{secret} in {left}");
        }
        browser.assert_quiet();
    });
}
