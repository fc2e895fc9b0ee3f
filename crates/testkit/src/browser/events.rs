//! What the browser says by itself: new pages and workers, downloads, file
//! choosers, requests, and complaints.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::pipe::Pipe;
use super::{auto_attach, deadline, text};

/// Everything that was said so far.
#[derive(Default)]
pub(super) struct Events {
    said: Mutex<Said>,
    changed: Notify,
}

#[derive(Default)]
struct Said {
    /// Sessions by their targets.
    sessions: HashMap<String, String>,
    /// Those whose page has been loaded.
    loaded: BTreeSet<String>,
    /// Those whose page has asked whether to leave it.
    warned: BTreeSet<String>,
    choosers: HashMap<String, i64>,
    downloads: HashMap<String, Download>,
    complaints: Vec<String>,
    requests: Option<Vec<String>>,
    is_offline: bool,
}

/// A download, by what the browser says of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Download {
    pub(super) name: String,
    /// `inProgress`, `completed` or `canceled`.
    pub(super) state: String,
    /// Where it is in the end.
    pub(super) path: PathBuf,
}

impl Events {
    /// Takes note of an event.
    pub(super) fn take(&self, pipe: &Pipe, event: &Value) {
        let (params, session) = (&event["params"], text(&event["sessionId"]));
        match event["method"].as_str().unwrap_or_default() {
            "Target.attachedToTarget" => self.attach(pipe, params),
            "Target.detachedFromTarget" => {
                let ended = text(&params["sessionId"]);
                self.said().sessions.retain(|_, session| *session != ended);
            }
            "Page.loadEventFired" => _ = self.said().loaded.insert(session),
            "Page.javascriptDialogOpening" => {
                let accept = json!({ "accept": true });
                pipe.tell(&session, "Page.handleJavaScriptDialog", accept);
                if params["type"] == "beforeunload" {
                    self.said().warned.insert(session);
                } else {
                    let complaint = format!("dialog: {} {}", params["type"], params["message"]);
                    self.said().complaints.push(complaint);
                }
            }
            "Page.fileChooserOpened" => {
                let node = params["backendNodeId"].as_i64().unwrap_or_default();
                self.said().choosers.insert(session, node);
            }
            "Browser.downloadWillBegin" => {
                let name = text(&params["suggestedFilename"]);
                let download = Download {
                    name,
                    state: "inProgress".to_owned(),
                    path: PathBuf::new(),
                };
                self.said()
                    .downloads
                    .insert(text(&params["guid"]), download);
            }
            "Browser.downloadProgress" => {
                let mut said = self.said();
                let download = said.downloads.entry(text(&params["guid"])).or_default();
                download.state = text(&params["state"]);
                download.path = text(&params["filePath"]).into();
            }
            "Network.requestWillBeSent" => {
                if let Some(requests) = &mut self.said().requests {
                    requests.push(text(&params["request"]["url"]));
                }
            }
            method => {
                if let Some(complaint) = complaint(method, params) {
                    self.said().complaints.push(complaint);
                }
            }
        }
        self.changed.notify_waiters();
    }

    /// Gets a new page or worker ready, then lets it run.
    fn attach(&self, pipe: &Pipe, params: &Value) {
        let session = text(&params["sessionId"]);
        let kind = text(&params["targetInfo"]["type"]);
        let is_page = ["page", "iframe"].contains(&kind.as_str());
        let mut said = self.said();
        let target = text(&params["targetInfo"]["targetId"]);
        said.sessions.insert(target, session.clone());
        pipe.tell(&session, "Runtime.enable", json!({}));
        pipe.tell(&session, "Log.enable", json!({}));
        if is_page {
            pipe.tell(&session, "Page.enable", json!({}));
            pipe.tell(&session, "Audits.enable", json!({}));
            let intercept = json!({ "enabled": true });
            pipe.tell(&session, "Page.setInterceptFileChooserDialog", intercept);
        }
        if said.requests.is_some() || said.is_offline {
            pipe.tell(&session, "Network.enable", json!({}));
        }
        if said.is_offline {
            pipe.tell(&session, "Network.emulateNetworkConditions", network(true));
        }
        pipe.tell(&session, "Target.setAutoAttach", auto_attach());
        pipe.tell(&session, "Runtime.runIfWaitingForDebugger", json!({}));
    }

    /// The session of a page's target.
    pub(super) async fn session_of(&self, target: &str) -> String {
        self.until("a new page", |said| said.sessions.get(target).cloned())
            .await
    }

    /// Forgets that a page was loaded, before it loads another.
    pub(super) fn expect_load(&self, session: &str) {
        self.said().loaded.remove(session);
    }

    /// Whether a page has asked whether to leave it, since this was last asked.
    pub(super) fn take_warning(&self, session: &str) -> bool {
        self.said().warned.remove(session)
    }

    pub(super) async fn loaded(&self, session: &str) {
        self.until("the page loads", |said| {
            said.loaded.contains(session).then_some(())
        })
        .await;
    }

    /// The input of the file chooser that a page opens.
    pub(super) async fn chooser(&self, session: &str) -> i64 {
        self.until("a file chooser", |said| said.choosers.remove(session))
            .await
    }

    /// Whether any download has begun that nobody has taken.
    pub(super) fn has_download(&self) -> bool {
        !self.said().downloads.is_empty()
    }

    /// The next download that has ended.
    pub(super) async fn ended_download(&self) -> Download {
        self.until("a download", |said| {
            let ended = said
                .downloads
                .iter()
                .find(|(_, d)| d.state != "inProgress" && !d.name.is_empty());
            let guid = ended.map(|(guid, _)| guid.clone())?;
            said.downloads.remove(&guid)
        })
        .await
    }

    /// Starts to note every request, of every page and worker.
    pub(super) fn note_requests(&self, pipe: &Pipe) {
        let mut said = self.said();
        said.requests = Some(Vec::new());
        for session in said.sessions.values() {
            pipe.tell(session, "Network.enable", json!({}));
        }
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.said().requests.clone().unwrap_or_default()
    }

    /// Takes the network from, or gives it back to, every page and worker.
    pub(super) async fn set_offline(&self, pipe: &Pipe, is_offline: bool) {
        let sessions: Vec<_> = {
            let mut said = self.said();
            said.is_offline = is_offline;
            said.sessions.values().cloned().collect()
        };
        let method = "Network.emulateNetworkConditions";
        for session in sessions {
            pipe.tell(&session, "Network.enable", json!({}));
            // A worker that has just ended has no network any more.
            let _ = pipe.call(Some(&session), method, network(is_offline)).await;
        }
    }

    pub(super) fn take_complaints(&self) -> Vec<String> {
        std::mem::take(&mut self.said().complaints)
    }

    async fn until<T>(&self, what: &str, mut look: impl FnMut(&mut Said) -> Option<T>) -> T {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if let Some(found) = look(&mut self.said()) {
                    return found;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(deadline(), wait).await {
            Ok(found) => found,
            Err(_) => panic!(
                "no sign of {what}; complaints: {:?}",
                self.take_complaints()
            ),
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn network(is_offline: bool) -> Value {
    json!({ "offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 })
}

/// An exception, an error on the console or a violated policy. That an answer
/// was an error is not one: some are expected, and the test looks at the page.
fn complaint(method: &str, params: &Value) -> Option<String> {
    match method {
        "Runtime.exceptionThrown" => {
            let details = &params["exceptionDetails"];
            let what = &details["exception"]["description"];
            let what = what.as_str().or(details["text"].as_str());
            Some(format!("exception: {}", what.unwrap_or_default()))
        }
        "Runtime.consoleAPICalled" if ["error", "assert"].contains(&params["type"].as_str()?) => {
            Some(format!("console: {}", params["args"]))
        }
        "Log.entryAdded" => {
            let entry = &params["entry"];
            let is_error = entry["level"] == "error" || entry["source"] == "security";
            (is_error && entry["source"] != "network")
                .then(|| format!("{}: {} {}", entry["source"], entry["text"], entry["url"]))
        }
        "Audits.issueAdded" => {
            let issue = &params["issue"];
            let kind = issue["code"].as_str()?;
            ["ContentSecurityPolicyIssue", "BlockedByResponseIssue"]
                .contains(&kind)
                .then(|| format!("{kind}: {}", issue["details"]))
        }
        _ => None,
    }
}
