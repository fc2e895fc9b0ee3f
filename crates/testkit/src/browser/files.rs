//! Files on their way in and out: chosen, dropped, downloaded.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::element::Element;
use super::page::Page;

impl Page {
    /// Chooses files, or a folder, in the chooser that `button` opens.
    pub async fn choose(&self, button: &Element, files: &[&Path]) {
        button.click().await;
        self.chosen(files).await;
    }

    /// The same in the chooser that has been opened by a key.
    pub async fn chosen(&self, files: &[&Path]) {
        let node = self.events.chooser(&self.session).await;
        let chosen = json!({ "files": files, "backendNodeId": node });
        self.call("DOM.setFileInputFiles", chosen).await;
    }

    /// Drags files or folders over an element from outside, and lets go.
    pub async fn drop_files(&self, target: &Element, files: &[&Path]) {
        let (x, y) = target.place().await;
        let data = json!({ "items": [], "files": files, "dragOperationsMask": 1 });
        for kind in ["dragEnter", "dragOver", "drop"] {
            let event = json!({ "type": kind, "x": x, "y": y, "data": data });
            self.call("Input.dispatchDragEvent", event).await;
        }
    }

    /// The next download, whole; where it is. None if it was broken off.
    pub async fn downloaded(&self) -> Option<PathBuf> {
        let download = self.events.ended_download().await;
        (download.state == "completed").then_some(download.path)
    }

    /// Whether the browser has begun to save something that
    /// [`Self::downloaded`] has not given.
    pub fn is_saving(&self) -> bool {
        self.events.has_download()
    }
}

impl Element {
    /// Drops files or folders on it.
    pub async fn drop_files(&self, files: &[&Path]) {
        self.page().drop_files(self, files).await;
    }
}
