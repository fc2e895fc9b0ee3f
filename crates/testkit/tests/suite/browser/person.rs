//! Somebody in front of the web application.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use sv_testkit::{Actor, Browser, Name, PASSWORD, Page, Profile, TestServer, one_time_code};

/// A person with an account, and what they wrote down.
pub(crate) struct Person {
    pub(crate) handle: &'static str,
    pub(crate) totp_secret: String,
    pub(crate) recovery_words: Vec<String>,
}

impl Person {
    /// Signs up: password, emergency sheet, three of its words, first code.
    /// Leaves the page at home.
    pub(crate) async fn sign_up(server: &TestServer, page: &Page, handle: &'static str) -> Self {
        page.link("Sign up").click().await;
        Self::fill_in_sign_up(server, page, handle, async |_| {}).await
    }

    /// The same on a page that shows the form; `look` is called on each step.
    pub(crate) async fn fill_in_sign_up(
        server: &TestServer,
        page: &Page,
        handle: &'static str,
        look: impl AsyncFn(&str),
    ) -> Self {
        page.field("User name").fill(handle).await;
        page.field("Password").fill(PASSWORD).await;
        page.field("Password again").fill(PASSWORD).await;
        page.button("Create the account").click().await;

        page.heading("Your emergency sheet").wait().await;
        look("emergency-sheet").await;
        let words = page.role("list", "Recovery key").text().await;
        let recovery_words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        assert_eq!(recovery_words.len(), 24, "{words}");
        page.button("I have kept it safe").click().await;
        let asked = page.field(Name::has("Word "));
        asked.wait().await;
        look("retype").await;
        for name in asked.names().await {
            let number: usize = name.trim_start_matches("Word ").parse().expect("a number");
            page.field(&name).fill(&recovery_words[number - 1]).await;
        }
        page.button("Continue").click().await;

        page.heading("Second factor").wait().await;
        look("second-factor").await;
        let secret = page.field("Secret").text().await;
        let person = Self {
            handle,
            totp_secret: secret.split_whitespace().collect(),
            recovery_words,
        };
        page.field("One-time code").fill(&person.code(server)).await;
        page.button("Finish").click().await;
        page.heading("Your vault is ready").wait().await;
        look("first-home").await;
        person
    }

    /// Somebody who signed up with another program.
    pub(crate) fn of(actor: Actor) -> Self {
        Self {
            handle: actor.handle.leak(),
            totp_secret: actor.totp_secret,
            recovery_words: actor
                .recovery_words
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        }
    }

    /// The same person with another program.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            handle: self.handle.to_owned(),
            recovery_words: self.recovery_words.join(" "),
            backup_codes: Vec::new(),
            totp_secret: self.totp_secret.clone(),
        }
    }

    /// Logs in, on a page that shows the landing.
    pub(crate) async fn log_in(&self, server: &TestServer, page: &Page) {
        page.link("Log in").click().await;
        page.field("User name").fill(self.handle).await;
        page.field("Password").fill(PASSWORD).await;
        page.button("Log in").click().await;
        page.heading("Your code").wait().await;
        // The sixth digit sends it.
        page.field("One-time code").write(&self.code(server)).await;
        page.link("Files").wait().await;
    }

    /// A code that nobody has used.
    pub(crate) fn code(&self, server: &TestServer) -> String {
        use sv_testkit::Host;
        one_time_code(&self.totp_secret, server.next_code_ms())
    }
}

/// A server, Chromium and one profile: what most stories begin with. None
/// where there is no Chromium.
pub(crate) async fn stage() -> Option<(TestServer, Browser)> {
    stage_with(Browser::start().await?).await
}

/// The same with a browser of one's own.
pub(crate) async fn stage_with(browser: Browser) -> Option<(TestServer, Browser)> {
    let server = TestServer::start().await;
    if !server.has_web().await {
        sv_testkit::skip("the web application in a browser: cargo xtask test builds it in");
        return None;
    }
    Some((server, browser))
}

/// A tab at a server's front page.
pub(crate) async fn visit(profile: &Profile<'_>, server: &TestServer) -> Page {
    profile.open(&server.url()).await
}

/// SHA-256 in hex of what the page saves, once all of it is in the browser's
/// folder of downloads, from where it is taken away; none if that breaks off.
pub(crate) async fn saved(page: &Page) -> Option<String> {
    let path = page.downloaded().await?;
    let hash = sha256_of(&path);
    std::fs::remove_file(path).expect("a file");
    Some(hash)
}

/// The same, as bytes.
pub(crate) async fn saved_bytes(page: &Page) -> Option<Vec<u8>> {
    let path = page.downloaded().await?;
    let bytes = std::fs::read(&path).expect("a file");
    std::fs::remove_file(path).expect("a file");
    Some(bytes)
}

/// SHA-256 of a file, in hex.
pub(crate) fn sha256_of(path: &Path) -> String {
    let mut hasher = Sha256::new();
    let mut file = File::open(path).expect("a file");
    let mut chunk = vec![0; 1 << 20];
    loop {
        match file.read(&mut chunk).expect("bytes") {
            0 => return HEXLOWER.encode(&hasher.finalize()),
            read => hasher.update(&chunk[..read]),
        }
    }
}
