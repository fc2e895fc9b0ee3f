//! Chromium, driven as a person drives it: elements are found by their
//! accessible role and name alone, and everything that a page complains of
//! fails the test. Speaks the DevTools protocol over a pipe.

mod axe;
mod element;
mod events;
mod files;
mod key;
mod page;
mod pipe;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub use element::{Element, Name};
pub use key::Key;
pub use page::{Page, Screen};

use events::Events;
use pipe::Pipe;

/// How long anything may take on a machine that is busy otherwise; at full
/// size, a transfer.
fn deadline() -> Duration {
    Duration::from_secs(crate::scaled(60, 900))
}

/// How often a page is looked at again for what is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(40);

/// A running Chromium. It ends with this value.
pub struct Browser {
    pipe: Arc<Pipe>,
    events: Arc<Events>,
    folder: TempDir,
    _process: Child,
}

/// A browser as one person has it: cookies and storage of its own.
pub struct Profile<'b> {
    browser: &'b Browser,
    context: String,
    downloads: PathBuf,
}

impl Browser {
    /// Starts one, with an empty profile; none where none is installed, which
    /// is said as [`crate::skip`] says it.
    pub async fn start() -> Option<Self> {
        Self::start_with(None).await
    }

    /// The same with a camera, before which a film runs, over and over: a file
    /// in the form Y4M.
    pub async fn filming(film: &Path) -> Option<Self> {
        Self::start_with(Some(film)).await
    }

    async fn start_with(film: Option<&Path>) -> Option<Self> {
        let Some(program) = installed() else {
            crate::skip("tests in a browser: install chromium");
            return None;
        };
        let folder = TempDir::new().expect("a folder");
        let mut command = command(&program, folder.path());
        command.args(film.into_iter().flat_map(camera));
        let mut process = command.spawn().expect("Chromium starts");
        let events = Arc::new(Events::default());
        let pipe = Pipe::open(&mut process, events.clone());
        let browser = Self {
            pipe,
            events,
            folder,
            _process: process,
        };
        browser.call("Target.setAutoAttach", auto_attach()).await;
        Some(browser)
    }

    /// Somebody's browser.
    pub async fn profile(&self) -> Profile<'_> {
        let options = json!({ "disposeOnDetach": true });
        let made = self.call("Target.createBrowserContext", options).await;
        let context = text(&made["browserContextId"]);
        let downloads = self.folder.path().join(format!("downloads-{context}"));
        std::fs::create_dir_all(&downloads).expect("a folder");
        let behavior = json!({
            "behavior": "allow",
            "browserContextId": context,
            "downloadPath": downloads,
            "eventsEnabled": true,
        });
        self.call("Browser.setDownloadBehavior", behavior).await;
        Profile {
            browser: self,
            context,
            downloads,
        }
    }

    /// What pages and workers complained of since this was last asked:
    /// exceptions, errors on the console, violations of a policy.
    pub fn complaints(&self) -> Vec<String> {
        self.events.take_complaints()
    }

    /// Nothing complained.
    pub fn assert_quiet(&self) {
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }

    /// The most memory that a process of pages and their workers has had at a
    /// time, in bytes.
    pub async fn peak_memory(&self) -> u64 {
        let all = self.call("SystemInfo.getProcessInfo", json!({})).await;
        let all = all["processInfo"].as_array().into_iter().flatten();
        let renderers = all.filter(|process| process["type"] == "renderer");
        let peaks = renderers.filter_map(|process| {
            let pid = u32::try_from(process["id"].as_u64()?).ok()?;
            crate::peak_memory(pid)
        });
        peaks.max().unwrap_or_default()
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.pipe.call(None, method, params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}

impl Profile<'_> {
    /// Opens a tab at an address, and waits until it is loaded.
    pub async fn open(&self, url: &str) -> Page {
        let target = json!({ "url": "about:blank", "browserContextId": self.context });
        let made = self.browser.call("Target.createTarget", target).await;
        let target = text(&made["targetId"]);
        let session = self.browser.events.session_of(&target).await;
        let page = Page::new(
            self.browser.pipe.clone(),
            self.browser.events.clone(),
            session,
        );
        page.go(url).await;
        page
    }

    /// Lets pages film, or not. Until this is said, nobody is asked and they
    /// may not.
    pub async fn allow_camera(&self, is_allowed: bool) {
        let permission = json!({
            "permission": { "name": "camera" },
            "setting": if is_allowed { "granted" } else { "denied" },
            "browserContextId": self.context,
        });
        self.browser.call("Browser.setPermission", permission).await;
    }

    /// Where downloads of this profile arrive.
    pub fn downloads(&self) -> &Path {
        &self.downloads
    }
}

/// Where Chromium is.
fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file())
}

/// The protocol's pipe is descriptors 3 and 4, which a shell makes of the
/// standard ones.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "sh"])
        .arg(program)
        .args([
            "--remote-debugging-pipe",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            // Its page for new tabs would ask, and complain, among ours.
            "--no-startup-window",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-extensions",
            "--mute-audio",
            "--autoplay-policy=no-user-gesture-required",
            "--lang=en-US",
            // A name that is this machine, though browsers do not know.
            "--host-resolver-rules=MAP vault.test 127.0.0.1",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// A camera that shows a film.
fn camera(film: &Path) -> [String; 2] {
    [
        "--use-fake-device-for-media-stream".to_owned(),
        format!("--use-file-for-fake-video-capture={}", film.display()),
    ]
}

/// Attaches to every page and worker before its first line runs, but not to
/// what the browser itself is made of.
fn auto_attach() -> Value {
    let others = ["browser", "browser_ui", "tab"];
    let mut filter = Vec::from(others.map(|kind| json!({ "type": kind, "exclude": true })));
    filter.push(json!({}));
    json!({
        "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true, "filter": filter,
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
