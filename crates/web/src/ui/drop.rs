//! Drag and drop: items onto folders, and files and folders of this device
//! onto the vault.

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, DataTransferItem, DragEvent, File, FileSystemDirectoryEntry,
    FileSystemDirectoryReader, FileSystemEntry, FileSystemFileEntry,
};

use crate::bridge::{ItemId, Place, UploadEntry};
use crate::ui::prelude::*;
use crate::ui::screen::files::actions;
use crate::ui::upload::{self, Found};

/// Marks a drag that began here.
const OURS: &str = "application/x-securevault-items";

#[wasm_bindgen]
extern "C" {
    /// A handle outlives a reload; only some browsers give one.
    type HandleItem;
    #[wasm_bindgen(method, catch, js_name = getAsFileSystemHandle)]
    fn file_handle(this: &HandleItem) -> Result<Promise, JsValue>;
}

/// Begins to drag items.
pub(crate) fn begin(event: &DragEvent, ids: Vec<ItemId>) {
    if let Some(data) = event.data_transfer() {
        let _ = data.set_data(OURS, "");
        data.set_effect_allowed("move");
    }
    app().dragged.set(ids);
}

/// Ends it, wherever it went.
pub(crate) fn end() {
    app().dragged.set(Vec::new());
}

/// Lets things be dropped on an element: items move into the place, files of
/// this device are uploaded to it.
pub(crate) fn target(el: El, into: Place, home: Option<Place>) -> El {
    let is_over = RwSignal::new(0_i32);
    let takes = move |event: &DragEvent| {
        let dragged = app().dragged.get_untracked();
        let is_itself = matches!(into, Place::Folder(id) if dragged.contains(&id));
        !is_itself && (!dragged.is_empty() || has_files(event))
    };
    el.class_if("is-drop-target", move || is_over.get() > 0)
        .on("dragenter", move |event: DragEvent| {
            if takes(&event) {
                event.prevent_default();
                is_over.update(|count| *count += 1);
            }
        })
        .on("dragleave", move |event: DragEvent| {
            if takes(&event) {
                is_over.update(|count| *count = (*count - 1).max(0));
            }
        })
        .on("dragover", move |event: DragEvent| {
            if takes(&event) {
                event.prevent_default();
                event.stop_propagation();
            }
        })
        .on("drop", move |event: DragEvent| {
            is_over.set(0);
            if !takes(&event) {
                return;
            }
            event.prevent_default();
            event.stop_propagation();
            let dragged = app().dragged.get_untracked();
            if dragged.is_empty() {
                receive(&event, into);
            } else {
                end();
                actions::move_to(dragged, into, home);
            }
        })
}

/// Whether files of this device are being dragged.
pub(crate) fn has_files(event: &DragEvent) -> bool {
    let types = event.data_transfer().map(|data| data.types());
    types.is_some_and(|types| types.includes(&"Files".into(), 0))
}

fn receive(event: &DragEvent, into: Place) {
    let Some(data) = event.data_transfer() else {
        return;
    };
    // The list is gone when the event is over: everything is taken out now.
    let dropped = take_all(&data);
    act(async move {
        let mut found = Vec::new();
        for item in dropped {
            item.collect(&mut found).await;
        }
        upload::begin(into, found).await;
    });
}

/// Files of a drop, or of a paste.
pub(crate) fn take_files(data: &DataTransfer) -> Vec<Found> {
    let Some(files) = data.files() else {
        return Vec::new();
    };
    (0..files.length())
        .filter_map(|index| files.get(index))
        .map(|file| Found::file(file.name(), file.into()))
        .collect()
}

enum Dropped {
    Folder(FileSystemDirectoryEntry),
    File { file: File, handle: Option<Promise> },
}

fn take_all(data: &DataTransfer) -> Vec<Dropped> {
    let items = data.items();
    (0..items.length())
        .filter_map(|index| items.get(index))
        .filter_map(|item| take(&item))
        .collect()
}

fn take(item: &DataTransferItem) -> Option<Dropped> {
    if item.kind() != "file" {
        return None;
    }
    let entry = item.webkit_get_as_entry().ok().flatten();
    if let Some(folder) = entry.filter(FileSystemEntry::is_directory) {
        return Some(Dropped::Folder(folder.unchecked_into()));
    }
    let handle = item.unchecked_ref::<HandleItem>().file_handle().ok();
    let file = item.get_as_file().ok().flatten()?;
    Some(Dropped::File { file, handle })
}

impl Dropped {
    async fn collect(self, found: &mut Vec<Found>) {
        match self {
            Self::File { file, handle } => {
                let handle = match handle {
                    Some(handle) => JsFuture::from(handle).await.ok(),
                    None => None,
                };
                let handle = handle.filter(JsValue::is_object);
                found.push(Found::file(
                    file.name(),
                    handle.unwrap_or_else(|| file.into()),
                ));
            }
            Self::Folder(folder) => walk(folder, found).await,
        }
    }
}

/// Everything in a folder, folders before what they hold.
async fn walk(top: FileSystemDirectoryEntry, found: &mut Vec<Found>) {
    let mut waiting = vec![(top.name(), top)];
    while let Some((path, folder)) = waiting.pop() {
        found.push(Found {
            entry: UploadEntry {
                path: path.clone(),
                is_folder: true,
            },
            object: None,
        });
        let reader = folder.create_reader();
        // A reader gives a hundred entries at a time, and none at the end.
        loop {
            let batch = read_entries(&reader).await;
            if batch.length() == 0 {
                break;
            }
            for entry in batch.iter() {
                let entry: FileSystemEntry = entry.unchecked_into();
                let path = format!("{path}/{}", entry.name());
                if entry.is_directory() {
                    waiting.push((path, entry.unchecked_into()));
                } else if let Some(file) = read_file(entry.unchecked_ref()).await {
                    found.push(Found::file(path, file));
                }
            }
        }
    }
}

async fn read_entries(reader: &FileSystemDirectoryReader) -> Array {
    let promise = Promise::new(&mut |done, failed| {
        let _ = reader.read_entries_with_callback_and_callback(&done, &failed);
    });
    match JsFuture::from(promise).await {
        Ok(batch) => batch.unchecked_into(),
        Err(_) => Array::new(),
    }
}

async fn read_file(entry: &FileSystemFileEntry) -> Option<JsValue> {
    let promise = Promise::new(&mut |done, failed| {
        entry.file_with_callback_and_callback(&done, &failed);
    });
    JsFuture::from(promise).await.ok()
}
